package tagging

import "github.com/perfectworks/backend/adapters/documents/pdf"

// parentTree gathers the number tree that leads from content to its structure elements (ISO 32000-1, 14.7.4.4).
type parentTree struct {
	// values has the entries by their key.
	values []pdf.Object
}

// maxNumbers is how many entries one node of a number tree holds.
const maxNumbers = 256

// key reserves the next key.
func (t *parentTree) key() int {
	t.values = append(t.values, nil)
	return len(t.values) - 1
}

// set gives a key the elements of a content stream, by their marked-content identifiers.
func (t *parentTree) set(f *pdf.File, key int, elements pdf.Array) {
	if t.values[key] = elements; len(elements) > 1 {
		t.values[key] = f.AddStored(elements)
	}
}

// write adds the tree to the file, balanced if it is large, and gives its root.
func (t *parentTree) write(f *pdf.File) pdf.Ref {
	var level []pdf.Ref
	var limits [][2]int
	var numbers pdf.Array
	first := -1
	flush := func(last int) {
		if first < 0 {
			return
		}
		node := pdf.Dict{"Nums": numbers}
		limits = append(limits, [2]int{first, last})
		level = append(level, f.Add(node))
		numbers, first = nil, -1
	}
	last := 0
	for key, value := range t.values {
		if value == nil {
			continue
		}
		if len(numbers) == 2*maxNumbers {
			flush(last)
		}
		if first < 0 {
			first = key
		}
		last = key
		numbers = append(numbers, pdf.Integer(key), value)
	}
	flush(last)
	if len(level) == 0 {
		return f.Add(pdf.Dict{"Nums": pdf.Array{}})
	}
	setLimits := func(ref pdf.Ref, l [2]int) {
		if d, ok := f.Dict(ref); ok {
			d["Limits"] = pdf.Array{pdf.Integer(l[0]), pdf.Integer(l[1])}
		}
	}
	for len(level) > 1 {
		var above []pdf.Ref
		var aboveLimits [][2]int
		for from := 0; from < len(level); from += maxNumbers {
			to := min(from+maxNumbers, len(level))
			kids := make(pdf.Array, 0, to-from)
			for i := from; i < to; i++ {
				setLimits(level[i], limits[i])
				kids = append(kids, level[i])
			}
			above = append(above, f.Add(pdf.Dict{"Kids": kids}))
			aboveLimits = append(aboveLimits, [2]int{limits[from][0], limits[to-1][1]})
		}
		level, limits = above, aboveLimits
	}
	return level[0]
}
