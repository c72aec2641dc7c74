package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// attribute gives an attribute of an element that is written in its own dictionary or class.
func (w *work) attribute(e *element, owner, name pdf.Name) pdf.Object {
	in := func(o pdf.Object) pdf.Object {
		list, isList := w.file.Array(o)
		if !isList {
			list = pdf.Array{o}
		}
		for _, entry := range list {
			if d, ok := w.file.Dict(entry); ok && w.file.Name(d["O"]) == owner {
				if v := w.file.Resolve(d[name]); v != nil {
					return v
				}
			}
		}
		return nil
	}
	if v := in(e.dict["A"]); v != nil {
		return v
	}
	classes := w.file.Resolve(e.dict["C"])
	list, isList := classes.(pdf.Array)
	if !isList {
		list = pdf.Array{classes}
	}
	root := w.outline.root.dict
	known, _ := w.file.Dict(root["ClassMap"])
	for _, class := range list {
		if v := in(known[w.file.Name(class)]); v != nil {
			return v
		}
	}
	return nil
}

// setTableAttribute sets an attribute of tables in the element's own dictionary; nil takes it out.
func (w *work) setTableAttribute(e *element, name pdf.Name, value pdf.Object) {
	const owner = pdf.Name("Table")
	list, isList := w.file.Array(e.dict["A"])
	if !isList && e.dict["A"] != nil {
		list = pdf.Array{e.dict["A"]}
	}
	for _, entry := range list {
		d, ok := w.file.Dict(entry)
		if !ok || w.file.Name(d["O"]) != owner {
			continue
		}
		if value == nil {
			delete(d, name)
			continue
		}
		if len(list) == 1 || d[name] != nil {
			d[name] = value
			return
		}
	}
	if value != nil {
		e.dict["A"] = append(list[:len(list):len(list)], pdf.Dict{"O": owner, name: value})
		if len(list) == 0 {
			e.dict["A"] = pdf.Dict{"O": owner, name: value}
		}
	}
}
