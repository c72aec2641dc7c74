package jsonbody

import (
	"slices"
	"strings"
)

// shortestTypo is the length from which a name with one wrong letter counts as
// misspelt: shorter ones are too easily another word.
const shortestTypo = 5

// resembles finds the known name that an unknown one was meant to be: the same
// but for case and separators, or but for one letter.
func resembles(name string, known []string) (meant string, misspelt bool) {
	if slices.Contains(known, name) {
		return "", false
	}
	folded := foldName(name)
	for _, k := range known {
		other := foldName(k)
		if folded == other || min(len(folded), len(other)) >= shortestTypo && oneEditApart(folded, other) {
			return k, true
		}
	}
	return "", false
}

func foldName(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "", " ", "").Replace(name))
}

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
