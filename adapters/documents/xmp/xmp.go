// Package xmp writes the metadata packet of a PDF (ISO 16684-1), as PDF/UA-1 needs it: with a title and, where the
// document conforms, its identification (ISO 14289-1, 5 and 7.1).
package xmp

import (
	"bytes"
	"encoding/xml"
	"strings"
	"time"
	"unicode/utf8"
)

// Metadata is what a packet says of a document. Empty fields are left out, or left as they are in an update.
type Metadata struct {
	// Title is the document's title in Language, a language tag (BCP 47).
	Title, Language string
	Author, Subject string
	// Keywords are separated by commas.
	Keywords string
	// Creator is the program that made the original, Producer the one that made the PDF.
	Creator, Producer string
	Created, Modified time.Time
	// UA identifies the document as one that conforms to PDF/UA-1. In an update, false takes the claim out.
	UA bool
}

// The namespaces, which these prefixes must have: some readers know the prefixes alone.
const (
	nsX      = "adobe:ns:meta/"
	nsRDF    = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
	nsDC     = "http://purl.org/dc/elements/1.1/"
	nsXMP    = "http://ns.adobe.com/xap/1.0/"
	nsPDF    = "http://ns.adobe.com/pdf/1.3/"
	nsPDFUA  = "http://www.aiim.org/pdfua/ns/id/"
	nsXML    = "http://www.w3.org/XML/1998/namespace"
	packetID = "W5M0MpCehiHzreSzNTczkc9d" // the same for all packets (ISO 16684-1, 7.3.2)
)

const (
	header  = "<?xpacket begin=\"\ufeff\" id=\"" + packetID + "\"?>\n<x:xmpmeta xmlns:x=\"" + nsX + "\">\n<rdf:RDF xmlns:rdf=\"" + nsRDF + "\">\n"
	trailer = "</rdf:RDF>\n</x:xmpmeta>\n<?xpacket end=\"w\"?>\n"
)

// Packet writes a packet.
func Packet(m Metadata) []byte {
	var b bytes.Buffer
	b.WriteString(header)
	m.description(&b)
	b.WriteString(trailer)
	return b.Bytes()
}

// description writes the properties as one rdf:Description.
func (m Metadata) description(b *bytes.Buffer) {
	b.WriteString("<rdf:Description rdf:about=\"\" xmlns:dc=\"" + nsDC + "\" xmlns:xmp=\"" + nsXMP + "\" xmlns:pdf=\"" +
		nsPDF + "\" xmlns:pdfuaid=\"" + nsPDFUA + "\">\n")
	property := func(name, value string) {
		if value != "" {
			b.WriteString("<" + name + ">" + escape(value) + "</" + name + ">\n")
		}
	}
	if m.Title != "" {
		// x-default is for readers that ask for no language (ISO 16684-1, 8.2.2.4).
		b.WriteString("<dc:title><rdf:Alt><rdf:li xml:lang=\"x-default\">" + escape(m.Title) + "</rdf:li>")
		if m.Language != "" {
			b.WriteString("<rdf:li xml:lang=\"" + escape(m.Language) + "\">" + escape(m.Title) + "</rdf:li>")
		}
		b.WriteString("</rdf:Alt></dc:title>\n")
	}
	if m.Author != "" {
		b.WriteString("<dc:creator><rdf:Seq><rdf:li>" + escape(m.Author) + "</rdf:li></rdf:Seq></dc:creator>\n")
	}
	if m.Subject != "" {
		b.WriteString("<dc:description><rdf:Alt><rdf:li xml:lang=\"x-default\">" + escape(m.Subject) +
			"</rdf:li></rdf:Alt></dc:description>\n")
	}
	if m.Language != "" {
		b.WriteString("<dc:language><rdf:Bag><rdf:li>" + escape(m.Language) + "</rdf:li></rdf:Bag></dc:language>\n")
	}
	property("pdf:Keywords", m.Keywords)
	property("xmp:CreatorTool", m.Creator)
	property("pdf:Producer", m.Producer)
	property("xmp:CreateDate", date(m.Created))
	property("xmp:ModifyDate", date(m.Modified))
	if m.UA {
		property("pdfuaid:part", "1")
	}
	b.WriteString("</rdf:Description>\n")
}

func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("2006-01-02T15:04:05Z07:00")
}

// escape writes text for XML; what XML cannot hold is left out.
func escape(text string) string {
	text = strings.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r >= ' ' && r != 0xfffe && r != 0xffff && r != utf8.RuneError {
			return r
		}
		return -1
	}, text)
	var b bytes.Buffer
	// Writing to memory does not fail.
	_ = xml.EscapeText(&b, []byte(text))
	return b.String()
}
