package tagging

import (
	"errors"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// ErrSigned says that the document is signed: any change makes its signatures void.
var ErrSigned = errors.New("the PDF is signed, and a changed version would void its signatures")

// Bits of the permissions P of an encrypted file (ISO 32000-1, table 22), counted from 1.
const (
	permitModify = 1 << 3
	permitAccess = 1 << 9
)

// guard refuses files that may not be changed, and says what a change costs.
func (w *work) guard() error {
	if encryption, ok := w.file.Dict(w.file.Trailer["Encrypt"]); ok {
		p, known := w.file.Integer(encryption["P"])
		if known && p&permitModify == 0 && !w.file.Owner {
			return ErrRestricted
		}
		w.warn("The PDF was encrypted; the accessible version is not.")
		if known && p&permitAccess == 0 {
			w.fixed("7.16-1", "", 1)
		}
	}
	if !w.signed() {
		return nil
	}
	if !w.options.DropSignatures {
		return ErrSigned
	}
	w.warn("The signatures of the PDF are no longer valid in the accessible version.")
	return nil
}

// signed tells whether a signature field of the document has a value, or the document is certified.
func (w *work) signed() bool {
	permissions, _ := w.file.Dict(w.catalog["Perms"])
	if permissions["DocMDP"] != nil {
		return true
	}
	form, _ := w.file.Dict(w.catalog["AcroForm"])
	found := false
	w.eachField(form, func(field pdf.Dict, kind pdf.Name) {
		if kind == "Sig" && w.file.Resolve(field["V"]) != nil {
			found = true
		}
	})
	return found
}

// eachField visits the fields of a form, with their inherited type.
func (w *work) eachField(form pdf.Dict, visit func(field pdf.Dict, kind pdf.Name)) {
	seen := map[pdf.Ref]bool{}
	var walk func(o pdf.Object, kind pdf.Name, depth int)
	walk = func(o pdf.Object, kind pdf.Name, depth int) {
		list, _ := w.file.Array(o)
		for _, entry := range list {
			if ref, ok := entry.(pdf.Ref); ok {
				if seen[ref] {
					continue
				}
				seen[ref] = true
			}
			field, ok := w.file.Dict(entry)
			if !ok || depth > maxDepth {
				continue
			}
			own := kind
			if name := w.file.Name(field["FT"]); name != "" {
				own = name
			}
			visit(field, own)
			walk(field["Kids"], own, depth+1)
		}
	}
	walk(form["Fields"], "", 0)
}
