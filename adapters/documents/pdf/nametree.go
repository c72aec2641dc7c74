package pdf

import "iter"

// Pairs gives the keys and values of a name tree (entry "Names") or a number tree (entry "Nums") in their order, down to
// a depth (ISO 32000-1, 7.9.6 and 7.9.7). A node that is met again is passed over.
func (f *File) Pairs(root Object, entry Name, depth int) iter.Seq2[Object, Object] {
	return func(yield func(key, value Object) bool) {
		seen := map[Ref]bool{}
		var walk func(o Object, left int) bool
		walk = func(o Object, left int) bool {
			if ref, ok := o.(Ref); ok {
				if seen[ref] {
					return true
				}
				seen[ref] = true
			}
			node, ok := f.Dict(o)
			if !ok || left < 0 {
				return true
			}
			pairs, _ := f.Array(node[entry])
			for i := 0; i+1 < len(pairs); i += 2 {
				if !yield(pairs[i], pairs[i+1]) {
					return false
				}
			}
			kids, _ := f.Array(node["Kids"])
			for _, kid := range kids {
				if !walk(kid, left-1) {
					return false
				}
			}
			return true
		}
		walk(root, depth)
	}
}
