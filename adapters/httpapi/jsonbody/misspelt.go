package jsonbody

import "strings"

// longestName is the length of the longest name that is compared, in bytes.
const longestName = 64

// Names are the members that an operation knows.
type Names struct {
	exact  map[string]bool
	folded []foldedName
	// tolerant says that unknown members are passed over.
	tolerant bool
	// carried are the members that may come along unchanged.
	carried map[string]bool
}

type foldedName struct{ name, folded string }

// NewNames prepares names for Check.
func NewNames(names ...string) *Names {
	n := &Names{exact: map[string]bool{}, carried: map[string]bool{}}
	for _, name := range names {
		n.exact[name] = true
		n.folded = append(n.folded, foldedName{name, foldName(name)})
	}
	return n
}

// Tolerate has Check pass over members that are not known, unless they are spelt
// almost like a known one.
func (n *Names) Tolerate() { n.tolerant = true }

// Carry has Check accept members that are not known otherwise: see Split.
func (n *Names) Carry(names ...string) {
	for _, name := range names {
		if !n.exact[name] {
			n.carried[name] = true
		}
	}
}

// unknown says what is wrong with a name: empty when nothing is.
func (n *Names) unknown(name string) string {
	if n == nil || n.exact[name] || n.carried[name] {
		return ""
	}
	nearest, edits := n.nearest(name)
	switch {
	case n.tolerant && edits > 1:
		return ""
	case nearest == "":
		return "is not known here: no members are"
	case edits <= max(1, len(nearest)/2):
		return "is not known here: did you mean " + nearest + "?"
	default:
		return "is not known here: the nearest known name is " + nearest
	}
}

// nearest finds the known name from which a name differs by the fewest edits,
// regardless of case and separators. Of a name too long to be compared it
// answers with the first known one.
func (n *Names) nearest(name string) (known string, edits int) {
	edits = longestName + 1
	folded := foldName(name)
	for _, k := range n.folded {
		d := longestName
		if len(name) <= longestName {
			d = distance(folded, k.folded)
		}
		if d < edits {
			known, edits = k.name, d
		}
	}
	return known, edits
}

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

func foldName(name string) string { return strings.ToLower(separators.Replace(name)) }

// distance is the number of bytes to change, add or remove that make two texts
// equal (Levenshtein), by the algorithm of Wagner and Fischer with one row.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
