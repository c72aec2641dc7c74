package typeset

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// hundredth writes a coordinate, which is exact enough to a hundredth of a point.
func hundredth(v float64) pdf.Object {
	v = math.Round(v*100) / 100
	if v == math.Trunc(v) && math.Abs(v) < 1<<31 {
		return pdf.Integer(v)
	}
	return pdf.Real(v)
}

func whole(v float64) pdf.Object { return pdf.Integer(math.Round(v)) }

func numbers(values ...float64) pdf.Array {
	out := make(pdf.Array, len(values))
	for i, v := range values {
		out[i] = hundredth(v)
	}
	return out
}

// thousandth writes a share of a colour.
func thousandth(v float64) pdf.Object {
	v = math.Round(min(max(v, 0), 1)*1000) / 1000
	if v == math.Trunc(v) {
		return pdf.Integer(v)
	}
	return pdf.Real(v)
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
