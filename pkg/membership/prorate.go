package membership

import (
	"fmt"
	"time"

	"evisit/pkg/civil"
	"evisit/pkg/money"
)

// A Part is a yearly price for the rest of a year: Left of Of days. It is counted in whole days of
// the practice's calendar, the day itself included, and rounded once, toward the member: what is
// charged down to a whole cent, what is refunded up. The part that is charged and the one that
// ran before always add up to the price. Stripe prorates by the second, so its own proration is to
// be switched off (proration_behavior none) where a Part is charged.
type Part struct {
	Price  money.Cents `json:"price"` // of a whole year
	Left   int         `json:"left"`
	Of     int         `json:"of"`
	Amount money.Cents `json:"amount"`
}

// charged returns the part of price that is charged for what is left of y on a day.
func (y Year) charged(price money.Cents, on civil.Day, zone *time.Location) Part {
	left, of := y.left(on, zone)
	return Part{Price: price, Left: left, Of: of, Amount: share(price, left, of)}
}

// refunded returns the part of price that is refunded for what is left of y on a day.
func (y Year) refunded(price money.Cents, on civil.Day, zone *time.Location) Part {
	left, of := y.left(on, zone)
	return Part{Price: price, Left: left, Of: of, Amount: price - share(price, of-left, of)}
}

// share returns n of the parts of price, rounded down to a cent. price is within money.Max, so that
// nothing overflows. Of a year without days, such as a trial of some hours, there is no share.
func share(price money.Cents, n, of int) money.Cents {
	if of <= 0 {
		return 0
	}
	return price * money.Cents(n) / money.Cents(of)
}

// Text explains the part, for the member.
func (p Part) Text() string {
	return fmt.Sprintf("%s a year, of which %d of %d days are left: %s.", p.Price, p.Left, p.Of, p.Amount)
}
