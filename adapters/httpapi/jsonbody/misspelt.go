package jsonbody

import "strings"

// shortestTypo is the length from which a name with one wrong letter counts as
// misspelt: shorter ones are too easily another word.
const shortestTypo = 5

// longestName is the length of the longest name that is compared, in bytes.
const longestName = 64

// Names are the members that an operation knows.
type Names struct {
	exact  map[string]bool
	folded []foldedName
}

type foldedName struct{ name, folded string }

// NewNames prepares names for Check.
func NewNames(names ...string) *Names {
	n := &Names{exact: map[string]bool{}}
	for _, name := range names {
		n.exact[name] = true
		n.folded = append(n.folded, foldedName{name, foldName(name)})
	}
	return n
}

// resembles finds the known name that an unknown one was meant to be: the same
// but for case and separators, or but for one letter.
func (n *Names) resembles(name string) (meant string, misspelt bool) {
	if n == nil || n.exact[name] || len(name) > longestName {
		return "", false
	}
	folded := foldName(name)
	for _, known := range n.folded {
		if folded == known.folded ||
			min(len(folded), len(known.folded)) >= shortestTypo && oneEditApart(folded, known.folded) {
			return known.name, true
		}
	}
	return "", false
}

var separators = strings.NewReplacer("_", "", "-", "", " ", "")

func foldName(name string) string { return strings.ToLower(separators.Replace(name)) }

// oneEditApart tells whether one byte changed, added or removed makes the texts
// equal.
func oneEditApart(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if len(a) == len(b) {
		return i < len(a) && a[i+1:] == b[i+1:]
	}
	return a[i:] == b[i+1:]
}
