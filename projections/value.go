package projections

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
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
	doubleKind
	numericKind
	textsKind
	jsonKind
)

// kinds are the types that columns of read models can have, as the catalogue
// names them.
var kinds = map[string]kind{
	"text": textKind, "int2": smallintKind, "int4": integerKind, "int8": bigintKind, "bool": boolKind,
	"timestamptz": timeKind, "float8": doubleKind, "numeric": numericKind, "_text": textsKind, "jsonb": jsonKind,
}

// arrays are the types in which the values of many rows travel. Those of which
// there is no array that unnest would leave alone travel as text, and are cast.
var arrays = map[kind]struct{ array, cast string }{
	textKind: {array: "text[]"}, smallintKind: {array: "int2[]"}, integerKind: {array: "int4[]"},
	bigintKind: {array: "int8[]"}, boolKind: {array: "bool[]"}, timeKind: {array: "timestamptz[]"},
	doubleKind: {array: "float8[]"}, numericKind: {array: "numeric[]"},
	textsKind: {array: "text[]", cast: "::text[]"}, jsonKind: {array: "text[]", cast: "::jsonb"},
}

// comparable tells whether equal values have one form, so that they can be keys.
func (k kind) comparable() bool {
	switch k {
	case textKind, smallintKind, integerKind, bigintKind, boolKind, timeKind:
		return true
	default:
		return false
	}
}

var errMisfit = errors.New("does not fit the column")

// null is the element of an array that is null; texts are always quoted.
const null = "NULL"

// appendValue writes a value as the element of an array in Postgres' text form,
// if the column accepts it.
func (k kind) appendValue(dst []byte, value any) ([]byte, error) {
	if value == nil {
		return append(dst, null...), nil
	}
	v := reflect.ValueOf(value)
	switch k {
	case textKind:
		if v.Kind() == reflect.String {
			return appendText(dst, v.String())
		}
	case smallintKind:
		return appendInteger(dst, v, math.MinInt16, math.MaxInt16)
	case integerKind:
		return appendInteger(dst, v, math.MinInt32, math.MaxInt32)
	case bigintKind:
		return appendInteger(dst, v, math.MinInt64, math.MaxInt64)
	case boolKind:
		if v.Kind() == reflect.Bool {
			return strconv.AppendBool(dst, v.Bool()), nil
		}
	case timeKind:
		if at, ok := value.(time.Time); ok && at.UTC().Year() >= 1 && at.UTC().Year() <= 9999 {
			// Postgres keeps microseconds, and would round.
			return at.UTC().Truncate(time.Microsecond).AppendFormat(dst, time.RFC3339Nano), nil
		}
	case doubleKind, numericKind:
		return appendNumber(dst, v)
	case textsKind:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String {
			return appendTexts(dst, v)
		}
	case jsonKind:
		return appendJSON(dst, value)
	}
	return dst, misfit(v)
}

func misfit(v reflect.Value) error { return fmt.Errorf("a %s %w", v.Type(), errMisfit) }

func appendInteger(dst []byte, v reflect.Value, least, greatest int64) ([]byte, error) {
	switch {
	case v.CanInt() && v.Int() >= least && v.Int() <= greatest:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case v.CanUint() && v.Uint() <= uint64(greatest): //nolint:gosec // Positive.
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	}
	return dst, misfit(v)
}

func appendNumber(dst []byte, v reflect.Value) ([]byte, error) {
	switch {
	case v.CanInt():
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case v.CanUint():
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	case v.CanFloat() && !math.IsNaN(v.Float()) && !math.IsInf(v.Float(), 0):
		return strconv.AppendFloat(dst, v.Float(), 'g', -1, 64), nil
	}
	return dst, misfit(v)
}

// appendText quotes a text. Postgres has no zero bytes and no invalid UTF-8.
func appendText(dst []byte, s string) ([]byte, error) {
	if strings.IndexByte(s, 0) >= 0 {
		return dst, fmt.Errorf("a zero byte %w", errMisfit)
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	dst = append(dst, '"')
	for {
		i := strings.IndexAny(s, `"\`)
		if i < 0 {
			break
		}
		dst = append(dst, s[:i]...)
		dst = append(dst, '\\', s[i])
		s = s[i+1:]
	}
	dst = append(dst, s...)
	return append(dst, '"'), nil
}

// appendTexts writes an array within the array.
func appendTexts(dst []byte, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return append(dst, null...), nil
	}
	inner := []byte{'{'}
	for i := range v.Len() {
		if i > 0 {
			inner = append(inner, ',')
		}
		var err error
		if inner, err = appendText(inner, v.Index(i).String()); err != nil {
			return dst, err
		}
	}
	return appendText(dst, string(append(inner, '}')))
}

func appendJSON(dst []byte, value any) ([]byte, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return dst, err
	}
	text := string(encoded)
	if text == "null" {
		return append(dst, null...), nil
	}
	// Postgres has no zero characters either, however they are written.
	if i := strings.Index(text, `\u0000`); i >= 0 && !escaped(text[:i]) {
		return dst, fmt.Errorf("a zero byte %w", errMisfit)
	}
	return appendText(dst, text)
}

// escaped tells whether what follows comes after an odd number of backslashes.
func escaped(before string) bool {
	return (len(before)-len(strings.TrimRight(before, `\`)))%2 == 1
}
