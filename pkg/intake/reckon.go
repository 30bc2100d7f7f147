package intake

import "math/big"

// Calculations are exact, save what no fraction can say: ln, exp and a power that is no
// whole number are computed with floatBits and kept to keptDigits after the point. The
// same answers give the same digits on every machine, which the processor's own
// arithmetic does not promise.
const (
	floatBits  = 256
	keptDigits = maxPoint + 10

	maxBits  = 4096 // of the numerator and denominator of a number
	maxPower = 1000
)

// result is a number as a value; none if it has become too long, which ends the
// calculation without a value.
func (e *evaluation) result(n *big.Rat) []datum {
	if n.Num().BitLen()+n.Denom().BitLen() > maxBits {
		e.failed = true
		return nil
	}
	return []datum{{number: n}}
}

// rounded is the number with so many digits after its point; a half is rounded up.
func rounded(n *big.Rat, digits int64) *big.Rat {
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(digits), nil)
	shifted := new(big.Rat).Mul(n, new(big.Rat).SetInt(scale))
	shifted.Add(shifted, big.NewRat(1, 2))
	whole := new(big.Int).Div(shifted.Num(), shifted.Denom()) // rounds down, as the denominator is above 0
	return new(big.Rat).SetFrac(whole, scale)
}

func float(n *big.Rat) *big.Float { return new(big.Float).SetPrec(floatBits).SetRat(n) }

func kept(f *big.Float) *big.Rat {
	n, _ := f.Rat(nil)
	return rounded(n, keptDigits)
}

// power reports false where there is no power among the real numbers, or one too long.
func power(n, by *big.Rat) (*big.Rat, bool) {
	if by.IsInt() && by.Num().IsInt64() && by.Num().Int64() <= maxPower && by.Num().Int64() >= -maxPower {
		return wholePower(n, by.Num().Int64())
	}
	if n.Sign() == 0 {
		return new(big.Rat), by.Sign() > 0
	}
	log, ok := logarithm(n)
	if !ok {
		return nil, false
	}
	return exponential(log.Mul(log, float(by)))
}

func wholePower(n *big.Rat, by int64) (*big.Rat, bool) {
	if by < 0 {
		if n.Sign() == 0 {
			return nil, false
		}
		n, by = new(big.Rat).Inv(n), -by
	}
	if int64(n.Num().BitLen()+n.Denom().BitLen())*by > 2*maxBits {
		return nil, false
	}
	exponent := big.NewInt(by)
	return new(big.Rat).SetFrac(new(big.Int).Exp(n.Num(), exponent, nil), new(big.Int).Exp(n.Denom(), exponent, nil)), true
}

// ln is the natural logarithm of a number above zero.
func ln(n *big.Rat) (*big.Rat, bool) {
	f, ok := logarithm(n)
	if !ok {
		return nil, false
	}
	return kept(f), true
}

func exp(n *big.Rat) (*big.Rat, bool) { return exponential(float(n)) }

// logarithm adds that of a number from 1/2 to 1 to the times that it was halved.
func logarithm(n *big.Rat) (*big.Float, bool) {
	if n.Sign() <= 0 {
		return nil, false
	}
	m := new(big.Float)
	halved := float(n).MantExp(m)
	two := series(big.NewFloat(3).SetPrec(floatBits))
	two.Mul(two, new(big.Float).SetInt64(int64(halved)))
	one := big.NewFloat(1)
	above := new(big.Float).SetPrec(floatBits).Add(m, one)
	below := new(big.Float).SetPrec(floatBits).Sub(m, one)
	if below.Sign() == 0 {
		return two, true
	}
	return two.Add(two, series(above.Quo(above, below))), true
}

// series is 2 artanh(1/z), for a z of at least 3 or at most -3: ln of (z+1)/(z-1).
func series(z *big.Float) *big.Float {
	step := new(big.Float).SetPrec(floatBits).Quo(big.NewFloat(2), z)
	square := new(big.Float).SetPrec(floatBits).Mul(z, z)
	sum := new(big.Float).SetPrec(floatBits)
	for k := int64(1); k < floatBits; k += 2 { // each is below a ninth of the one before
		sum.Add(sum, new(big.Float).SetPrec(floatBits).Quo(step, new(big.Float).SetInt64(k)))
		step.Quo(step, square)
	}
	return sum
}

// exponential reports false for more than any measurement is.
func exponential(f *big.Float) (*big.Rat, bool) {
	const largest, halvings, steps = 100, 16, 24
	if f.Cmp(big.NewFloat(largest)) > 0 {
		return nil, false
	}
	if f.Cmp(big.NewFloat(-largest)) < 0 {
		return new(big.Rat), true // below 10^-keptDigits
	}
	x := new(big.Float).SetMantExp(f, -halvings) // below 2^-9, so the series ends below 2^-290
	sum, step := big.NewFloat(1).SetPrec(floatBits), big.NewFloat(1).SetPrec(floatBits)
	for k := int64(1); k <= steps; k++ {
		step.Mul(step, x)
		step.Quo(step, new(big.Float).SetInt64(k))
		sum.Add(sum, step)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return kept(sum), true
}
