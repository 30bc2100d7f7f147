package billing

import "evisit/pkg/money"

// whole is the whole, in hundredths of a percent.
const whole = 100_00

// PlatformPart is the platform's part of what is collected: so many hundredths of a percent of it,
// rounded down, so that what is left of a cent is the practice's.
func PlatformPart(collected money.Cents, platform int) money.Cents {
	return collected * money.Cents(platform) / whole
}

// AtOncePart is the platform's part of p, which is told to Stripe as p is begun if p is collected at
// once; 0 of a hold, of which it is told when it is known what is captured.
func (p Payment) AtOncePart() money.Cents {
	if !p.AtOnce {
		return 0
	}
	return PlatformPart(p.Amount, p.Platform)
}
