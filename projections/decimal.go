package projections

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// decimal is a number as Postgres' type numeric keeps it: unscaled / 10^scale.
// The scale, which is not negative, says how many digits are shown, and so
// belongs to the value: 1.50 is shown in another way than 1.5.
type decimal struct {
	unscaled *big.Int
	scale    int
}

// maxDigits is how many digits a number can have, before its decimal point and
// after. Postgres takes more than ten times as many; the values of an index do
// not.
const maxDigits = 1000

// parseDecimal reads a number as JSON and strconv write it.
func parseDecimal(s string) (decimal, error) {
	mantissa, exponent, _ := strings.Cut(strings.ToLower(s), "e")
	exp := 0
	if exponent != "" {
		var err error
		if exp, err = strconv.Atoi(exponent); err != nil || exp > 2*maxDigits || exp < -2*maxDigits {
			return decimal{}, fmt.Errorf("the exponent of a number %w", errMisfit)
		}
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if len(whole)+len(fraction) > 2*maxDigits {
		return decimal{}, fmt.Errorf("a number of %d digits %w", len(whole)+len(fraction), errMisfit)
	}
	if !numberPattern.MatchString(s) {
		return decimal{}, fmt.Errorf("a text that is no number %w", errMisfit)
	}
	unscaled, _ := new(big.Int).SetString(whole+fraction, 10) // The pattern made sure.
	d := decimal{unscaled, len(fraction) - exp}
	if d.scale < 0 {
		d.unscaled.Mul(d.unscaled, powerOfTen(-d.scale))
		d.scale = 0
	}
	return d.within()
}

// within refuses a number of too many digits.
func (d decimal) within() (decimal, error) {
	// A digit is more than three bits.
	if d.scale > maxDigits || d.unscaled.BitLen() > 3*maxDigits && len(d.unscaled.Text(10))-d.scale > maxDigits {
		return decimal{}, fmt.Errorf("a number of more than %d digits %w", maxDigits, errMisfit)
	}
	return d, nil
}

func powerOfTen(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// plus adds as Postgres does: the result shows all digits of both.
func (d decimal) plus(e decimal) decimal {
	if d.scale < e.scale {
		d, e = e, d
	}
	other := e.unscaled
	if e.scale < d.scale {
		other = new(big.Int).Mul(other, powerOfTen(d.scale-e.scale))
	}
	return decimal{new(big.Int).Add(d.unscaled, other), d.scale}
}

func (d decimal) compare(e decimal) int {
	return d.plus(decimal{new(big.Int).Neg(e.unscaled), e.scale}).sign()
}

func (d decimal) sign() int { return d.unscaled.Sign() }

func (d decimal) append(dst []byte) []byte {
	if d.scale == 0 {
		return d.unscaled.Append(dst, 10)
	}
	digits := new(big.Int).Abs(d.unscaled).Text(10)
	if len(digits) <= d.scale {
		digits = strings.Repeat("0", d.scale+1-len(digits)) + digits
	}
	if d.unscaled.Sign() < 0 {
		dst = append(dst, '-')
	}
	point := len(digits) - d.scale
	dst = append(dst, digits[:point]...)
	dst = append(dst, '.')
	return append(dst, digits[point:]...)
}
