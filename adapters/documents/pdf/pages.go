package pdf

// Page is one page with what it inherits.
type Page struct {
	Dict Dict
	Ref  Ref
	// Resources, MediaBox and CropBox are the page's own or inherited ones.
	Resources Dict
	MediaBox  [4]float64
	CropBox   [4]float64
}

// Pages walks the page tree in order. It ends with a [*LimitError] after limit pages; loops and what is no page are
// passed over.
func (f *File) Pages(limit int) ([]Page, error) {
	w := pageWalk{f: f, limit: limit, seen: map[Ref]bool{}}
	letter := [4]float64{0, 0, 612, 792}
	w.walk(f.Catalog()["Pages"], Page{MediaBox: letter, CropBox: letter}, 0)
	if w.over {
		return w.pages, f.exceed("pages", int64(limit))
	}
	return w.pages, nil
}

type pageWalk struct {
	f     *File
	pages []Page
	limit int
	over  bool
	seen  map[Ref]bool
}

func (w *pageWalk) walk(o Object, inherited Page, depth int) {
	if w.over || depth > w.f.limits.Depth {
		return
	}
	ref, isRef := o.(Ref)
	if isRef {
		if w.seen[ref] {
			return
		}
		w.seen[ref] = true
	}
	d, ok := w.f.Dict(o)
	if !ok {
		return
	}
	p := inherited
	p.Dict, p.Ref = d, ref
	if r, ok := w.f.Dict(d["Resources"]); ok {
		p.Resources = r
	}
	if box, ok := w.f.Rectangle(d["MediaBox"]); ok {
		p.MediaBox, p.CropBox = box, box
	}
	if box, ok := w.f.Rectangle(d["CropBox"]); ok {
		p.CropBox = box
	}
	kids, isNode := w.f.Array(d["Kids"])
	if !isNode || w.f.Name(d["Type"]) == "Page" {
		if len(w.pages) >= w.limit {
			w.over = true
			return
		}
		w.pages = append(w.pages, p)
		return
	}
	for _, kid := range kids {
		w.walk(kid, p, depth+1)
	}
}

// Rotation gives the Rotate of a page, which it may inherit, as 0, 90, 180 or 270.
func (f *File) Rotation(p Page) int64 {
	d := p.Dict
	for range 64 { // a page tree deeper than this has no Rotate worth looking for
		if v, ok := f.Integer(d["Rotate"]); ok {
			return (v%360 + 360) % 360
		}
		if d, _ = f.Dict(d["Parent"]); d == nil {
			break
		}
	}
	return 0
}

// Rectangle reads four numbers as left, bottom, right, top.
func (f *File) Rectangle(o Object) ([4]float64, bool) {
	a, _ := f.Array(o)
	if len(a) < 4 {
		return [4]float64{}, false
	}
	var r [4]float64
	for i := range r {
		n, ok := f.Number(a[i])
		if !ok {
			return r, false
		}
		r[i] = n
	}
	r[0], r[2] = min(r[0], r[2]), max(r[0], r[2])
	r[1], r[3] = min(r[1], r[3]), max(r[1], r[3])
	return r, true
}

// Content gives the decoded content of a page: its streams in order, separated by a line feed.
func (f *File) Content(p Page) ([]byte, error) {
	var parts [][]byte
	var first error
	n := 0
	for _, o := range f.list(p.Dict["Contents"]) {
		s, ok := f.Stream(o)
		if !ok {
			continue
		}
		data, err := f.Decode(s)
		if err != nil && first == nil {
			first = err
		}
		parts = append(parts, data)
		n += len(data) + 1
	}
	out := make([]byte, 0, n)
	for _, data := range parts {
		out = append(append(out, data...), '\n')
	}
	return out, first
}
