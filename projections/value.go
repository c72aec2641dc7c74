package projections

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// kind is what a column holds. A value that it accepts is one that Postgres
// accepts, so that Go alone decides whether an event can be taken in.
type kind int

const (
	textKind kind = iota + 1
	smallintKind
	integerKind
	bigintKind
	boolKind
	timeKind
	dateKind
	uuidKind
	byteaKind
	doubleKind
	numericKind
	textsKind
	jsonKind
)

// kinds are the types that columns of read models can have, as the catalogue
// names them.
var kinds = map[string]kind{
	"text": textKind, "int2": smallintKind, "int4": integerKind, "int8": bigintKind, "bool": boolKind,
	"timestamptz": timeKind, "date": dateKind, "uuid": uuidKind, "bytea": byteaKind,
	"float8": doubleKind, "numeric": numericKind, "_text": textsKind, "jsonb": jsonKind,
}

// types are the kinds as SQL names them.
var types = map[kind]string{
	textKind: "text", smallintKind: "int2", integerKind: "int4", bigintKind: "int8", boolKind: "bool",
	timeKind: "timestamptz", dateKind: "date", uuidKind: "uuid", byteaKind: "bytea",
	doubleKind: "float8", numericKind: "numeric", textsKind: "text[]", jsonKind: "jsonb",
}

// identifies tells whether equal values have one text form, so that they can be
// in a key.
func (k kind) identifies() bool {
	switch k {
	case textKind, smallintKind, integerKind, bigintKind, boolKind, timeKind, dateKind, uuidKind, byteaKind:
		return true
	default:
		return false
	}
}

var errMisfit = errors.New("does not fit the column")

// appendValue writes a value that is not null in Postgres' text form, if a
// column of this kind accepts it.
func (k kind) appendValue(dst []byte, value any) ([]byte, error) {
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer && v.Type() != bigIntType {
		v = v.Elem()
	}
	switch k {
	case jsonKind:
		return appendJSON(dst, value)
	case textKind:
		if v.Kind() == reflect.String {
			return appendText(dst, v.String())
		}
	case smallintKind, integerKind, bigintKind:
		return k.appendInteger(dst, v)
	case boolKind:
		if v.Kind() == reflect.Bool {
			return strconv.AppendBool(dst, v.Bool()), nil
		}
	case timeKind:
		return appendTime(dst, v, time.RFC3339Nano)
	case dateKind:
		return appendTime(dst, v, time.DateOnly)
	case uuidKind:
		if v.Kind() == reflect.Array && v.Len() == 16 && v.Type().Elem().Kind() == reflect.Uint8 {
			return appendUUID(dst, v), nil
		}
	case byteaKind:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8 {
			return hex.AppendEncode(append(dst, `\x`...), v.Bytes()), nil
		}
	case doubleKind:
		return appendDouble(dst, v)
	case numericKind:
		d, err := numeric(v)
		if err != nil {
			return dst, err
		}
		return d.append(dst), nil
	case textsKind:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String {
			return appendTexts(dst, v)
		}
	}
	return dst, misfit(v)
}

// OrNull is the value of a column for a time that may be zero, which is null there.
func OrNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}

// isNull tells whether a value stands for null.
func isNull(value any) bool {
	switch value.(type) {
	case nil:
		return true
	case string, bool, int, int64, time.Time: // The most frequent ones.
		return false
	}
	v := reflect.ValueOf(value)
	for v.Kind() == reflect.Pointer || v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
		if v.IsNil() {
			return true
		}
		if v.Kind() != reflect.Pointer {
			return false
		}
		v = v.Elem()
	}
	return false
}

func misfit(v reflect.Value) error { return fmt.Errorf("a %s %w", v.Type(), errMisfit) }

// limits are the least and the greatest integer that a column can hold.
func (k kind) limits() (least, greatest int64) {
	switch k {
	case smallintKind:
		return math.MinInt16, math.MaxInt16
	case integerKind:
		return math.MinInt32, math.MaxInt32
	default:
		return math.MinInt64, math.MaxInt64
	}
}

func (k kind) appendInteger(dst []byte, v reflect.Value) ([]byte, error) {
	least, greatest := k.limits()
	switch {
	case v.CanInt() && v.Int() >= least && v.Int() <= greatest:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case v.CanUint() && v.Uint() <= uint64(greatest): //nolint:gosec // Positive.
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case v.CanInt(), v.CanUint():
		return dst, fmt.Errorf("the number is out of range and %w", errMisfit)
	}
	return dst, misfit(v)
}

// appendTime writes a time without what Postgres does not keep: it would round.
func appendTime(dst []byte, v reflect.Value, layout string) ([]byte, error) {
	if v.Type() != timeType {
		return dst, misfit(v)
	}
	at := v.Interface().(time.Time).UTC() //nolint:forcetypeassert // It was just compared.
	if at.Year() < 1 || at.Year() > 9999 {
		return dst, fmt.Errorf("the year %d %w", at.Year(), errMisfit)
	}
	return at.Truncate(time.Microsecond).AppendFormat(dst, layout), nil
}

func appendUUID(dst []byte, v reflect.Value) []byte {
	for i := range 16 {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, []byte{byte(v.Index(i).Uint())}) //nolint:gosec // It is a byte.
	}
	return dst
}

func appendDouble(dst []byte, v reflect.Value) ([]byte, error) {
	switch {
	case v.CanInt():
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case v.CanUint():
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case v.CanFloat() && finite(v.Float()):
		return strconv.AppendFloat(dst, v.Float(), 'g', -1, 64), nil
	}
	return dst, misfit(v)
}

func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// numeric reads a number as the decimal that it is.
func numeric(v reflect.Value) (decimal, error) {
	switch {
	case v.CanInt():
		return decimal{small: v.Int()}, nil
	case v.CanUint():
		return decimal{large: new(big.Int).SetUint64(v.Uint())}, nil
	case v.CanFloat() && finite(v.Float()):
		return parseDecimal(strconv.FormatFloat(v.Float(), 'e', -1, 64))
	case v.Type() == bigIntType:
		return decimal{large: v.Interface().(*big.Int)}.within() //nolint:forcetypeassert // It was just compared.
	case v.Type() == jsonNumberType:
		return parseDecimal(v.String())
	}
	return decimal{}, misfit(v)
}

var (
	timeType       = reflect.TypeFor[time.Time]()
	bigIntType     = reflect.TypeFor[*big.Int]()
	jsonNumberType = reflect.TypeFor[json.Number]()
)

// appendText writes a text. Postgres has no zero bytes and no invalid UTF-8.
func appendText(dst []byte, s string) ([]byte, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return dst, fmt.Errorf("a zero byte %w", errMisfit)
	}
	if !utf8.ValidString(s) {
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	return append(dst, s...), nil
}

// appendTexts writes an array.
func appendTexts(dst []byte, v reflect.Value) ([]byte, error) {
	dst = append(dst, '{')
	var element []byte
	for i := range v.Len() {
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if element, err = appendText(element[:0], v.Index(i).String()); err != nil {
			return dst, err
		}
		dst = appendElement(dst, element)
	}
	return append(dst, '}'), nil
}

// appendElement writes a value in its text form as an element of an array; nil
// is null.
func appendElement(dst, cell []byte) []byte {
	if cell == nil {
		return append(dst, "NULL"...)
	}
	dst = append(dst, '"')
	begin := 0
	for i, b := range cell {
		if b == '"' || b == '\\' {
			dst = append(dst, cell[begin:i]...)
			dst = append(dst, '\\')
			begin = i
		}
	}
	dst = append(dst, cell[begin:]...)
	return append(dst, '"')
}
