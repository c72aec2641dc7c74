package projections

import (
	"cmp"
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// decimal is a number as Postgres' type numeric keeps it: unscaled / 10^scale.
// The scale, which is not negative, says how many digits are shown, and so
// belongs to the value: 1.50 is shown in another way than 1.5.
//
// Counters are what is added most: what fits is in small, without an allocation.
type decimal struct {
	small int64
	large *big.Int // in place of small, unless it is nil
	scale int
}

// unscaled is the number without its scale. It is not to be changed.
func (d decimal) unscaled() *big.Int {
	if d.large != nil {
		return d.large
	}
	return big.NewInt(d.small)
}

// maxDigits is how many digits a number can have, before its decimal point and
// after. Postgres takes more than ten times as many; the values of an index do
// not.
const maxDigits = 1000

// parseDecimal reads a number as JSON and strconv write it.
func parseDecimal(s string) (decimal, error) {
	if n, ok := smallInteger(s); ok {
		return decimal{small: n}, nil
	}
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
	d := decimal{large: unscaled, scale: len(fraction) - exp}
	if d.scale < 0 {
		d.large.Mul(d.large, powerOfTen(-d.scale))
		d.scale = 0
	}
	return d.within()
}

// smallInteger reads a number of few digits, as most are.
func smallInteger(s string) (int64, bool) {
	const most = 18
	digits := strings.TrimPrefix(s, "-")
	if len(digits) == 0 || len(digits) > most || digits[0] == '0' && len(digits) > 1 {
		return 0, false
	}
	var n int64
	for _, b := range []byte(digits) {
		if b < '0' || b > '9' {
			return 0, false
		}
		n = 10*n + int64(b-'0')
	}
	if len(digits) < len(s) {
		n = -n
	}
	return n, true
}

// within refuses a number of too many digits.
func (d decimal) within() (decimal, error) {
	// A digit is more than three bits.
	if d.scale > maxDigits || d.large != nil && d.large.BitLen() > 3*maxDigits && len(d.large.Text(10))-d.scale > maxDigits {
		return decimal{}, fmt.Errorf("a number of more than %d digits %w", maxDigits, errMisfit)
	}
	return d, nil
}

func powerOfTen(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// plus adds as Postgres does: the result shows all digits of both.
func (d decimal) plus(e decimal) decimal {
	if d.alike(e) {
		// Of two numbers of one sign, the sum has it too unless it does not fit.
		if total := d.small + e.small; (total < d.small) == (e.small < 0) {
			return decimal{small: total, scale: d.scale}
		}
	}
	if d.scale < e.scale {
		d, e = e, d
	}
	other := e.unscaled()
	if e.scale < d.scale {
		other = new(big.Int).Mul(other, powerOfTen(d.scale-e.scale))
	}
	return decimal{large: new(big.Int).Add(d.unscaled(), other), scale: d.scale}
}

// alike tells whether two numbers can be added and compared as integers.
func (d decimal) alike(e decimal) bool { return d.large == nil && e.large == nil && d.scale == e.scale }

func (d decimal) compare(e decimal) int {
	if d.alike(e) {
		return cmp.Compare(d.small, e.small)
	}
	return d.plus(decimal{large: new(big.Int).Neg(e.unscaled()), scale: e.scale}).sign()
}

func (d decimal) sign() int {
	if d.large == nil {
		return cmp.Compare(d.small, 0)
	}
	return d.large.Sign()
}

func (d decimal) append(dst []byte) []byte {
	if d.scale == 0 {
		if d.large == nil {
			return strconv.AppendInt(dst, d.small, 10)
		}
		return d.large.Append(dst, 10)
	}
	digits := new(big.Int).Abs(d.unscaled()).Text(10)
	if len(digits) <= d.scale {
		digits = strings.Repeat("0", d.scale+1-len(digits)) + digits
	}
	if d.sign() < 0 {
		dst = append(dst, '-')
	}
	point := len(digits) - d.scale
	dst = append(dst, digits[:point]...)
	dst = append(dst, '.')
	return append(dst, digits[point:]...)
}
