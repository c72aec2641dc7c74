package jsonbody

import (
	"errors"
	"math"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// wholeNumbers reads 3600.0 and 36e2 as the integer 3600: JSON Schema, and the
// clients of languages that have one type of number, make no difference.
var wholeNumbers = json.WithUnmarshalers(json.UnmarshalFromFunc(readWhole))

// maxExact is the bound of the integers that float64 holds exactly. Beyond it
// only the plain form is read.
const maxExact = 1 << 53

func readWhole(decoder *jsontext.Decoder, n *int64) error {
	if decoder.PeekKind() != '0' {
		return errors.ErrUnsupported
	}
	value, err := decoder.ReadValue()
	if err != nil {
		return err
	}
	if *n, err = strconv.ParseInt(string(value), 10, 64); err == nil {
		return nil
	}
	f, err := strconv.ParseFloat(string(value), 64)
	if err != nil || math.Abs(f) > maxExact || f != math.Trunc(f) {
		return errors.New("not a whole number")
	}
	*n = int64(f)
	return nil
}
