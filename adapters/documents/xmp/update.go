package xmp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

// maxDepth and maxBytes bound the packets that are kept. Longer or deeper ones are written anew.
const (
	maxDepth = 64
	maxBytes = 4 << 20
)

var errNotXMP = errors.New("the packet is not one of XMP")

// Update gives a packet with the properties of m and, of what the existing packet has, all others. A packet that
// cannot be read is replaced.
func Update(existing []byte, m Metadata) []byte {
	kept, err := others(existing, m)
	if err != nil {
		return Packet(m)
	}
	var b bytes.Buffer
	b.WriteString(header)
	b.Write(kept)
	m.description(&b)
	b.WriteString(trailer)
	return b.Bytes()
}

// replaces tells whether a property is one that m writes itself.
func (m Metadata) replaces(name xml.Name) bool {
	switch name {
	case xml.Name{Space: nsDC, Local: "title"}:
		return m.Title != ""
	case xml.Name{Space: nsDC, Local: "creator"}:
		return m.Author != ""
	case xml.Name{Space: nsDC, Local: "description"}:
		return m.Subject != ""
	case xml.Name{Space: nsDC, Local: "language"}:
		return m.Language != ""
	case xml.Name{Space: nsPDF, Local: "Keywords"}:
		return m.Keywords != ""
	case xml.Name{Space: nsPDF, Local: "Producer"}:
		return m.Producer != ""
	case xml.Name{Space: nsXMP, Local: "CreatorTool"}:
		return m.Creator != ""
	case xml.Name{Space: nsXMP, Local: "CreateDate"}:
		return !m.Created.IsZero()
	case xml.Name{Space: nsXMP, Local: "ModifyDate"}, xml.Name{Space: nsXMP, Local: "MetadataDate"}:
		return !m.Modified.IsZero()
	case xml.Name{Space: nsPDFUA, Local: "part"}:
		return true
	}
	// An amendment or a corrigendum belongs to the claim that is made anew.
	return name.Space == nsPDFUA
}

// others copies the descriptions of a packet without the properties that m replaces.
func others(packet []byte, m Metadata) ([]byte, error) {
	if len(packet) > maxBytes {
		return nil, errNotXMP
	}
	d := xml.NewDecoder(bytes.NewReader(packet))
	c := copier{replaces: m.replaces}
	for {
		token, err := d.RawToken()
		switch {
		case errors.Is(err, io.EOF):
			if !c.found || len(c.open) != 0 {
				return nil, errNotXMP
			}
			return c.out.Bytes(), nil
		case err != nil:
			return nil, errNotXMP
		}
		if err := c.token(token); err != nil {
			return nil, err
		}
	}
}

// copier copies what lies in rdf:RDF. Prefixes are kept as they are written; those declared outside of what is copied
// are declared again.
type copier struct {
	replaces func(xml.Name) bool
	out      bytes.Buffer
	open     []element
	found    bool
	// skip is the depth at which an element began that is left out, 0 if there is none.
	skip int
}

type element struct {
	raw    xml.Name
	name   xml.Name
	spaces map[string]string
}

func (c *copier) inRDF() bool {
	return slices.ContainsFunc(c.open, func(e element) bool { return e.name == xml.Name{Space: nsRDF, Local: "RDF"} })
}

// resolve gives the namespace of a prefix.
func (c *copier) resolve(prefix string) string {
	for i := range slices.Backward(c.open) {
		if space, ok := c.open[i].spaces[prefix]; ok {
			return space
		}
	}
	if prefix == "xml" {
		return nsXML
	}
	return ""
}

func (c *copier) token(token xml.Token) error {
	switch t := token.(type) {
	case xml.StartElement:
		return c.start(t)
	case xml.EndElement:
		return c.end(t)
	case xml.CharData:
		if c.skip == 0 && c.inRDF() && len(c.open) > 0 {
			_ = xml.EscapeText(&c.out, t) // memory does not fail
		}
	}
	return nil
}

func (c *copier) start(t xml.StartElement) error {
	if len(c.open) >= maxDepth {
		return errNotXMP
	}
	inside := c.inRDF()
	e := element{raw: t.Name, spaces: map[string]string{}}
	for _, a := range t.Attr {
		if a.Name.Space == "xmlns" {
			e.spaces[a.Name.Local] = a.Value
		} else if a.Name.Space == "" && a.Name.Local == "xmlns" {
			e.spaces[""] = a.Value
		}
	}
	c.open = append(c.open, e)
	last := &c.open[len(c.open)-1]
	last.name = xml.Name{Space: c.resolve(t.Name.Space), Local: t.Name.Local}
	if last.name == (xml.Name{Space: nsRDF, Local: "RDF"}) {
		c.found = true
		return nil
	}
	if !inside || c.skip > 0 {
		return nil
	}
	if last.name.Space == "" {
		return errNotXMP
	}
	top := c.open[len(c.open)-2].name.Local == "RDF"
	property := len(c.open) > 2 && c.open[len(c.open)-2].name == xml.Name{Space: nsRDF, Local: "Description"} &&
		c.open[len(c.open)-3].name.Local == "RDF"
	if property && c.replaces(last.name) {
		c.skip = len(c.open)
		return nil
	}
	c.out.WriteString("<" + written(t.Name))
	if top {
		c.declare(last.spaces)
	}
	for _, a := range t.Attr {
		if top && a.Name.Space != "xmlns" && c.replaces(xml.Name{Space: c.resolve(a.Name.Space), Local: a.Name.Local}) {
			continue // a simple property may be written as an attribute
		}
		c.out.WriteString(" " + written(a.Name) + "=\"" + escape(a.Value) + "\"")
	}
	c.out.WriteString(">")
	return nil
}

// declare repeats the namespaces declared around rdf:RDF, so that a copied description stands for itself.
func (c *copier) declare(own map[string]string) {
	declared := map[string]string{}
	for _, e := range c.open[:len(c.open)-1] {
		for prefix, space := range e.spaces {
			declared[prefix] = space
		}
	}
	var prefixes []string
	for prefix := range declared {
		if _, again := own[prefix]; !again && prefix != "rdf" && prefix != "x" {
			prefixes = append(prefixes, prefix)
		}
	}
	slices.Sort(prefixes)
	for _, prefix := range prefixes {
		name := "xmlns"
		if prefix != "" {
			name = "xmlns:" + prefix
		}
		c.out.WriteString(" " + name + "=\"" + escape(declared[prefix]) + "\"")
	}
}

func (c *copier) end(t xml.EndElement) error {
	depth := len(c.open)
	if depth == 0 || c.open[depth-1].raw != t.Name {
		return errNotXMP
	}
	c.open = c.open[:depth-1]
	switch {
	case c.skip == depth:
		c.skip = 0
	case c.skip == 0 && c.inRDF():
		c.out.WriteString("</" + written(t.Name) + ">")
		if c.open[len(c.open)-1].name.Local == "RDF" {
			c.out.WriteString("\n")
		}
	}
	return nil
}

func written(name xml.Name) string {
	return strings.TrimPrefix(name.Space+":"+name.Local, ":")
}
