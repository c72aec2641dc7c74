package pdfua

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"

	"golang.org/x/text/encoding/unicode"
)

const (
	nsIdentification = "http://www.aiim.org/pdfua/ns/id/"
	nsDublinCore     = "http://purl.org/dc/elements/1.1/"
	nsRDF            = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	nsXML            = "http://www.w3.org/XML/1998/namespace"
)

// metadata checks the XMP of the catalog.
func (c *checker) metadata() {
	stream, ok := c.file.Stream(c.catalog["Metadata"])
	ok = ok && c.file.Name(stream.Dict["Type"]) == "Metadata" && c.file.Name(stream.Dict["Subtype"]) == "XML"
	c.require(ok, "7.1-8", "")
	if !ok {
		return
	}
	data, err := c.file.Decode(stream)
	var x xmp
	if err == nil {
		x, err = readXMP(data)
	}
	if err != nil {
		x = xmp{}
	}
	c.facts.Title = x.title
	c.require(x.identified, "5-1", "")
	if x.identified {
		c.require(x.part == "1", "5-2", x.part)
		for name, rule := range map[string]string{"part": "5-3", "amd": "5-4", "corr": "5-5"} {
			prefix, has := x.prefixes[name]
			c.require(!has || prefix == "pdfuaid", rule, prefix)
		}
	}
	c.require(x.hasTitle, "7.1-9", "")
	c.require(c.catalogLanguage || !x.defaultLanguage, "7.2-33", "")
}

// xmp is what the checks need of an XMP packet.
type xmp struct {
	identified bool
	part       string
	prefixes   map[string]string
	hasTitle   bool
	title      string
	// defaultLanguage tells that some text has x-default as its only language.
	defaultLanguage bool
}

var errNoRDF = errors.New("the metadata have no RDF")

// maxXMPDepth is how deep elements may nest.
const maxXMPDepth = 64

// readXMP reads a packet. Prefixes count in PDF/UA-1, so names are resolved here and not by the decoder.
func readXMP(data []byte) (xmp, error) {
	if bytes.HasPrefix(data, []byte("\xfe\xff")) || bytes.HasPrefix(data, []byte("\xff\xfe")) {
		utf8, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder().Bytes(data)
		if err != nil {
			return xmp{}, err
		}
		data = utf8
	}
	r := xmpReader{x: xmp{prefixes: map[string]string{}}}
	d := xml.NewDecoder(bytes.NewReader(data))
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	sawRDF := false
	for {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return xmp{}, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(r.open) >= maxXMPDepth {
				return xmp{}, errNoRDF
			}
			r.start(t)
			sawRDF = sawRDF || r.open[len(r.open)-1].space == nsRDF
		case xml.EndElement:
			if len(r.open) == 0 || r.open[len(r.open)-1].raw != t.Name {
				return xmp{}, errors.New("the metadata are not well-formed XML")
			}
			r.end()
		case xml.CharData:
			if len(r.open) > 0 {
				r.open[len(r.open)-1].text += string(t)
			}
		}
	}
	if len(r.open) > 0 || !sawRDF {
		return xmp{}, errNoRDF
	}
	return r.x, nil
}

type xmpReader struct {
	x    xmp
	open []xmpElement
}

type xmpElement struct {
	raw          xml.Name
	space        string
	spaces       map[string]string
	text         string
	items        int
	defaultItems int
	itemText     string
	hasItem      bool
}

func (r *xmpReader) resolve(prefix string, own map[string]string) string {
	if prefix == "xml" {
		return nsXML
	}
	if space, ok := own[prefix]; ok {
		return space
	}
	for i := len(r.open) - 1; i >= 0; i-- {
		if space, ok := r.open[i].spaces[prefix]; ok {
			return space
		}
	}
	return ""
}

func (r *xmpReader) start(t xml.StartElement) {
	e := xmpElement{raw: t.Name, spaces: map[string]string{}}
	for _, a := range t.Attr {
		switch {
		case a.Name.Space == "xmlns":
			e.spaces[a.Name.Local] = a.Value
		case a.Name.Space == "" && a.Name.Local == "xmlns":
			e.spaces[""] = a.Value
		}
	}
	e.space = r.resolve(t.Name.Space, e.spaces)
	isDescription := e.space == nsRDF && t.Name.Local == "Description"
	for _, a := range t.Attr {
		if a.Name.Space == "" || a.Name.Space == "xmlns" {
			continue
		}
		space := r.resolve(a.Name.Space, e.spaces)
		if isDescription {
			r.property(space, a.Name.Space, a.Name.Local, a.Value)
			if space == nsDublinCore && a.Name.Local == "title" && a.Name.Space == "dc" {
				r.x.hasTitle, r.x.title = true, a.Value
			}
		}
		if space == nsXML && a.Name.Local == "lang" && e.space == nsRDF && t.Name.Local == "li" &&
			a.Value == "x-default" && len(r.open) > 0 {
			r.open[len(r.open)-1].defaultItems++
		}
	}
	if e.space == nsRDF && t.Name.Local == "li" && len(r.open) > 0 {
		r.open[len(r.open)-1].items++
	}
	r.open = append(r.open, e)
}

func (r *xmpReader) property(space, prefix, name, value string) {
	if space != nsIdentification {
		return
	}
	r.x.identified = true
	if _, known := r.x.prefixes[name]; !known {
		r.x.prefixes[name] = prefix
		if name == "part" {
			r.x.part = strings.TrimSpace(value)
		}
	}
}

func (r *xmpReader) end() {
	e := r.open[len(r.open)-1]
	r.open = r.open[:len(r.open)-1]
	r.property(e.space, e.raw.Space, e.raw.Local, e.text)
	if e.space == nsRDF && len(r.open) > 0 {
		parent := &r.open[len(r.open)-1]
		switch e.raw.Local {
		case "li":
			if !parent.hasItem {
				parent.hasItem, parent.itemText = true, e.text
			}
		case "Alt":
			if e.items == 1 && e.defaultItems == 1 {
				r.x.defaultLanguage = true
			}
			parent.hasItem, parent.itemText = e.hasItem, e.itemText
		}
	}
	if e.space == nsDublinCore && e.raw.Local == "title" && e.raw.Space == "dc" {
		r.x.hasTitle = e.hasItem
		r.x.title = strings.TrimSpace(e.itemText)
	}
}
