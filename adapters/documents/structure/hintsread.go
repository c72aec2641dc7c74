package structure

import (
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// Bounds of what is read of a file's outline and annotations.
const (
	maxBookmarks   = 50_000
	maxAnnotations = 200_000
	maxNameDepth   = 32
	maxQuads       = 64
)

// ReadHints reads the outline, the links, the form fields, the title and the language of a file.
func ReadHints(f *pdf.File, pages []pdf.Page) Hints {
	r := &hintReader{file: f, pageOf: make(map[pdf.Ref]int, len(pages))}
	for i, p := range pages {
		if _, known := r.pageOf[p.Ref]; !known {
			r.pageOf[p.Ref] = i + 1
		}
	}
	info, _ := f.Dict(f.Trailer["Info"])
	if s, ok := f.String(info["Title"]); ok {
		r.hints.Title = s.Text()
	}
	if s, ok := f.String(f.Catalog()["Lang"]); ok {
		r.hints.Language = s.Text()
	}
	outlines, _ := f.Dict(f.Catalog()["Outlines"])
	r.outline(outlines)
	for i, p := range pages {
		r.annotations(p, i+1)
	}
	return r.hints
}

type hintReader struct {
	file        *pdf.File
	pageOf      map[pdf.Ref]int
	hints       Hints
	annotated   int
	names       map[string]pdf.Object
	namesLoaded bool
}

// outline walks the bookmarks without recursion; the same item is never visited twice.
func (r *hintReader) outline(root pdf.Dict) {
	type level struct{ next pdf.Object }
	stack := []level{{root["First"]}}
	seen := map[pdf.Ref]bool{}
	for len(stack) > 0 && len(r.hints.Outline) < maxBookmarks {
		top := &stack[len(stack)-1]
		ref, isRef := top.next.(pdf.Ref)
		item, ok := r.file.Dict(top.next)
		if !ok || !isRef || seen[ref] {
			stack = stack[:len(stack)-1]
			continue
		}
		seen[ref] = true
		top.next = item["Next"]
		title, _ := r.file.String(item["Title"])
		dest := item["Dest"]
		if action, ok := r.file.Dict(item["A"]); ok && dest == nil && r.file.Name(action["S"]) == "GoTo" {
			dest = action["D"]
		}
		r.hints.Outline = append(r.hints.Outline, Bookmark{
			Title: title.Text(), Level: len(stack), Page: r.target(dest),
		})
		if item["First"] != nil && len(stack) < maxNameDepth {
			stack = append(stack, level{item["First"]})
		}
	}
}

// target gives the page of a destination, which may be named (ISO 32000-1, 12.3.2).
func (r *hintReader) target(o pdf.Object) int {
	for range 4 {
		switch v := r.file.Resolve(o).(type) {
		case pdf.Name:
			dests, _ := r.file.Dict(r.file.Catalog()["Dests"])
			o = dests[v]
		case pdf.String:
			o = r.named(string(v))
		case pdf.Dict:
			o = v["D"]
		case pdf.Array:
			if len(v) == 0 {
				return 0
			}
			ref, _ := v[0].(pdf.Ref)
			return r.pageOf[ref]
		default:
			return 0
		}
	}
	return 0
}

// named looks a destination up in the name tree, which is read once.
func (r *hintReader) named(name string) pdf.Object {
	if !r.namesLoaded {
		r.namesLoaded = true
		r.names = map[string]pdf.Object{}
		names, _ := r.file.Dict(r.file.Catalog()["Names"])
		r.loadNames(names["Dests"], map[pdf.Ref]bool{}, 0)
	}
	return r.names[name]
}

func (r *hintReader) loadNames(o pdf.Object, seen map[pdf.Ref]bool, depth int) {
	ref, isRef := o.(pdf.Ref)
	node, ok := r.file.Dict(o)
	if !ok || depth > maxNameDepth || isRef && seen[ref] {
		return
	}
	if isRef {
		seen[ref] = true
	}
	list, _ := r.file.Array(node["Names"])
	for i := 0; i+1 < len(list) && len(r.names) < maxAnnotations; i += 2 {
		if s, ok := r.file.String(list[i]); ok {
			r.names[string(s)] = list[i+1]
		}
	}
	kids, _ := r.file.Array(node["Kids"])
	for _, kid := range kids {
		r.loadNames(kid, seen, depth+1)
	}
}

const (
	flagHidden = 1 << 1
	flagNoView = 1 << 5
)

func (r *hintReader) annotations(p pdf.Page, number int) {
	list, _ := r.file.Array(p.Dict["Annots"])
	if len(list) == 0 {
		return
	}
	frame := pagetext.NewFrame(r.file, p)
	for _, o := range list {
		ref, isRef := o.(pdf.Ref)
		d, ok := r.file.Dict(o)
		if !ok || !isRef || r.annotated >= maxAnnotations {
			continue
		}
		r.annotated++
		flags, _ := r.file.Integer(d["F"])
		rect, ok := r.file.Rectangle(d["Rect"])
		if !ok || flags&(flagHidden|flagNoView) != 0 {
			continue
		}
		switch r.file.Name(d["Subtype"]) {
		case "Link":
			link := Link{Page: number, Annotation: ref, Areas: r.quads(d, frame)}
			if link.Areas == nil {
				link.Areas = []pagetext.Rect{frame.Rect(rect)}
			}
			r.destination(d, &link)
			r.hints.Links = append(r.hints.Links, link)
		case "Widget":
			r.hints.Fields = append(r.hints.Fields, Field{Page: number, Annotation: ref, Area: frame.Rect(rect)})
		}
	}
}

func (r *hintReader) destination(d pdf.Dict, link *Link) {
	dest := d["Dest"]
	if action, ok := r.file.Dict(d["A"]); ok {
		switch r.file.Name(action["S"]) {
		case "URI":
			s, _ := r.file.String(action["URI"])
			link.URI = string(s)
		case "GoTo":
			dest = action["D"]
		}
	}
	if link.URI == "" {
		link.Target = r.target(dest)
	}
}

// quads reads QuadPoints, by which a link over several lines names its parts.
func (r *hintReader) quads(d pdf.Dict, frame pagetext.Frame) []pagetext.Rect {
	list, _ := r.file.Array(d["QuadPoints"])
	var out []pagetext.Rect
	for ; len(list) >= 8 && len(out) < maxQuads; list = list[8:] {
		var quad pagetext.Rect
		for i := 0; i < 8; i += 2 {
			x, _ := r.file.Number(list[i])
			y, _ := r.file.Number(list[i+1])
			x, y = frame.Point(x, y)
			point := pagetext.Rect{Left: x, Bottom: y, Right: x, Top: y}
			if i == 0 {
				quad = point
			}
			quad = quad.Union(point)
		}
		out = append(out, quad)
	}
	return out
}
