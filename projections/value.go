package projections

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// kind is what a column holds. A value that passes fits is one that Postgres
// accepts, so that only Go decides whether an event can be taken in.
type kind int

const (
	textKind kind = iota + 1
	smallintKind
	integerKind
	bigintKind
	boolKind
	timeKind
	textsKind
	numberKind
	jsonKind
)

// kinds are the types that columns of read models can have.
var kinds = map[string]kind{
	"text": textKind, "int2": smallintKind, "int4": integerKind, "int8": bigintKind, "bool": boolKind,
	"timestamptz": timeKind, "_text": textsKind, "numeric": numberKind, "float8": numberKind, "jsonb": jsonKind,
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

// appendValue writes a value as JSON, if it fits.
func (k kind) appendValue(dst []byte, value any) ([]byte, error) {
	if value == nil {
		return append(dst, "null"...), nil
	}
	v := reflect.ValueOf(value)
	switch k {
	case textKind:
		if v.Kind() == reflect.String && noZero(v.String()) {
			return appendString(dst, v.String())
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
			at = at.UTC().Truncate(time.Microsecond)
			return append(at.AppendFormat(append(dst, '"'), time.RFC3339Nano), '"'), nil
		}
	case textsKind:
		if v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.String {
			return appendStrings(dst, v)
		}
	case numberKind:
		if v.CanInt() || v.CanUint() || v.CanFloat() {
			return appendMarshaled(dst, value) // Which refuses NaN and infinities.
		}
	case jsonKind:
		return appendMarshaled(dst, value)
	}
	return dst, fmt.Errorf("a %T %w", value, errMisfit)
}

func appendInteger(dst []byte, v reflect.Value, least, greatest int64) ([]byte, error) {
	switch {
	case v.CanInt() && v.Int() >= least && v.Int() <= greatest:
		return strconv.AppendInt(dst, v.Int(), 10), nil
	case v.CanUint() && v.Uint() <= uint64(greatest): //nolint:gosec // Positive.
		return strconv.AppendUint(dst, v.Uint(), 10), nil
	}
	return dst, fmt.Errorf("a %s %w", v.Type(), errMisfit)
}

func appendStrings(dst []byte, v reflect.Value) ([]byte, error) {
	if v.IsNil() {
		return append(dst, "null"...), nil
	}
	dst = append(dst, '[')
	for i := range v.Len() {
		s := v.Index(i).String()
		if !noZero(s) {
			return dst, fmt.Errorf("a zero byte %w", errMisfit)
		}
		if i > 0 {
			dst = append(dst, ',')
		}
		var err error
		if dst, err = appendString(dst, s); err != nil {
			return dst, err
		}
	}
	return append(dst, ']'), nil
}

// appendString writes what encoding/json would, and is quick for plain text.
func appendString(dst []byte, s string) ([]byte, error) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return appendMarshaled(dst, s)
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"'), nil
}

// appendMarshaled refuses the zero character, which Postgres does not have.
func appendMarshaled(dst []byte, value any) ([]byte, error) {
	encoded, err := json.Marshal(value)
	if err != nil {
		return dst, err
	}
	if i := bytes.Index(encoded, []byte(`\u0000`)); i >= 0 && !escaped(encoded[:i]) {
		return dst, fmt.Errorf("a zero byte %w", errMisfit)
	}
	return append(dst, encoded...), nil
}

// escaped tells whether what follows comes after an odd number of backslashes.
func escaped(before []byte) bool {
	return (len(before)-len(bytes.TrimRight(before, `\`)))%2 == 1
}

func noZero(s string) bool { return strings.IndexByte(s, 0) < 0 }
