package pdfua

import (
	"regexp"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

var (
	headerForm   = regexp.MustCompile(`^%PDF-1\.[0-7]$`)
	languageForm = regexp.MustCompile(`^[a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*$`)
)

// document checks what belongs to no page.
func (c *checker) document() {
	f := c.file
	c.require(headerForm.MatchString(f.Header), "6.1-1", f.Header)
	mark, _ := f.Dict(c.catalog["MarkInfo"])
	c.require(f.Resolve(mark["Marked"]) == true, "6.2-1", "")
	c.require(f.Resolve(mark["Suspects"]) != true, "7.1-4", "")
	viewer, _ := f.Dict(c.catalog["ViewerPreferences"])
	c.require(f.Resolve(viewer["DisplayDocTitle"]) == true, "7.1-10", "")
	c.require(c.tree.root != nil, "7.1-11", "")
	c.checkLanguage(c.catalog["Lang"])
	c.facts.Tagged, c.facts.Encrypted, c.facts.Repaired = c.tree.root != nil, f.Encrypted, f.Repaired
	c.facts.Language, _ = c.text(c.catalog["Lang"])
	c.encryption()
	c.outlines()
	c.optionalContent()
	c.acroForm()
	c.embeddedFiles()
	c.actions(c.catalog["OpenAction"])
	c.additionalActions(c.catalog["AA"])
}

// language checks an entry Lang, if it is a string.
func (c *checker) checkLanguage(o pdf.Object) {
	if text, ok := c.text(o); ok {
		c.require(languageForm.MatchString(text), "7.2-29", text)
	}
}

func (c *checker) encryption() {
	if d, ok := c.file.Dict(c.file.Trailer["Encrypt"]); ok {
		p, known := c.file.Integer(d["P"])
		c.require(known && p&512 != 0, "7.16-1", "")
	}
}

func (c *checker) outlines() {
	root, _ := c.file.Dict(c.catalog["Outlines"])
	seen := map[pdf.Ref]bool{}
	var walk func(o pdf.Object, depth int)
	walk = func(o pdf.Object, depth int) {
		for o != nil && depth < c.limits.Depth && len(seen) < c.limits.Elements {
			if ref, ok := o.(pdf.Ref); ok {
				if seen[ref] {
					return
				}
				seen[ref] = true
			}
			item, ok := c.file.Dict(o)
			if !ok {
				return
			}
			c.facts.Outlines++
			title, _ := c.text(item["Title"])
			c.require(c.catalogLanguage, "7.2-2", title)
			c.actions(item["A"])
			walk(item["First"], depth+1)
			o = item["Next"]
		}
	}
	walk(root["First"], 0)
}

func (c *checker) optionalContent() {
	properties, ok := c.file.Dict(c.catalog["OCProperties"])
	if !ok {
		return
	}
	configs, _ := c.file.Array(properties["Configs"])
	for _, o := range append(pdf.Array{properties["D"]}, configs...) {
		config, ok := c.file.Dict(o)
		if !ok {
			continue
		}
		c.require(c.filled(config["Name"]), "7.10-1", "")
		c.require(c.file.Resolve(config["AS"]) == nil, "7.10-2", "")
	}
}

func (c *checker) acroForm() {
	form, ok := c.file.Dict(c.catalog["AcroForm"])
	if !ok {
		return
	}
	c.require(!c.dynamicXFA(form["XFA"]), "7.15-1", "")
	seen := map[pdf.Ref]bool{}
	var walk func(kids pdf.Object, depth int)
	walk = func(kids pdf.Object, depth int) {
		list, _ := c.file.Array(kids)
		for _, o := range list {
			if ref, ok := o.(pdf.Ref); ok {
				if seen[ref] {
					continue
				}
				seen[ref] = true
			}
			field, ok := c.file.Dict(o)
			if !ok || depth > c.limits.Depth || depth > 0 && field["T"] == nil {
				continue
			}
			c.facts.Fields++
			if _, has := c.text(field["TU"]); has {
				element := c.elementOf(field["StructParent"])
				_, known := c.file.String(element["Lang"])
				c.checkLanguage(element["Lang"])
				c.require(known || c.catalogLanguage, "7.2-25", "")
			}
			c.additionalActions(field["AA"])
			walk(field["Kids"], depth+1)
		}
	}
	walk(form["Fields"], 0)
}

var dynamicRender = regexp.MustCompile(`(?s)<(?:\w+:)?dynamicRender[^>]*>\s*required\s*<`)

// dynamicXFA tells whether an XFA form must be rendered from its own description.
func (c *checker) dynamicXFA(o pdf.Object) bool {
	o = c.file.Resolve(o)
	if parts, ok := o.(pdf.Array); ok {
		o = nil
		for i := 0; i+1 < len(parts); i++ {
			if name, _ := c.file.String(parts[i]); name == "config" {
				o = c.file.Resolve(parts[i+1])
				break
			}
		}
	}
	stream, ok := o.(*pdf.Stream)
	if !ok {
		return false
	}
	data, _ := c.file.Decode(stream)
	return dynamicRender.Match(data)
}

// embeddedFiles checks the file specifications of the name tree, and all that say they are one.
func (c *checker) embeddedFiles() {
	names, _ := c.file.Dict(c.catalog["Names"])
	for _, o := range c.file.Pairs(names["EmbeddedFiles"], "Names", c.limits.Depth) {
		if spec, ok := c.file.Dict(o); ok && c.file.Name(spec["Type"]) != "Filespec" {
			c.fileSpecification(spec)
		}
	}
	c.file.Each(func(d pdf.Dict) {
		if d["Type"] == pdf.Name("Filespec") {
			c.fileSpecification(d)
		}
	})
}

func (c *checker) fileSpecification(spec pdf.Dict) {
	name, _ := c.text(spec["UF"])
	c.require(spec["EF"] == nil || c.filled(spec["F"]) && c.filled(spec["UF"]), "7.11-1", name)
}

// additionalActions checks the actions of an AA dictionary.
func (c *checker) additionalActions(o pdf.Object) {
	triggers, _ := c.file.Dict(o)
	for _, action := range triggers {
		c.actions(action)
	}
}

// actions checks an action and those that follow it.
func (c *checker) actions(o pdf.Object) {
	for range c.limits.Depth {
		action, ok := c.file.Dict(o)
		if !ok {
			return
		}
		switch c.file.Name(action["S"]) {
		case "Rendition":
			rendition, _ := c.file.Dict(action["R"])
			if clip, ok := c.file.Dict(rendition["C"]); ok {
				c.mediaClip(clip)
			}
		case "JavaScript":
			c.facts.Scripts++
		}
		if list, ok := c.file.Array(action["Next"]); ok {
			for _, next := range list {
				if d, ok := c.file.Dict(next); ok && d["Next"] == nil {
					c.actions(next)
				}
			}
			return
		}
		o = action["Next"]
	}
}

func (c *checker) mediaClip(clip pdf.Dict) {
	c.facts.Media++
	_, typed := c.file.String(clip["CT"])
	c.require(typed, "7.18.6.2-1", "")
	alternatives, ok := c.file.Array(clip["Alt"])
	ok = ok && len(alternatives)%2 == 0
	for i, o := range alternatives {
		text, isText := c.text(o)
		ok = ok && isText && (i%2 == 0 || strings.TrimSpace(text) != "")
	}
	c.require(ok, "7.18.6.2-2", "")
}
