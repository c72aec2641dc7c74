package tagging

import (
	"bytes"
	"encoding/xml"
	"strings"
)

const (
	nsDC    = "http://purl.org/dc/elements/1.1/"
	nsPDFUA = "http://www.aiim.org/pdfua/ns/id/"
	// maxPacket is how long a metadata packet may be to be read.
	maxPacket = 4 << 20
)

// readPacket gives the title of a metadata packet, and whether it identifies the file as PDF/UA.
func readPacket(packet []byte) (title string, identified bool) {
	if len(packet) > maxPacket {
		return "", false
	}
	d := xml.NewDecoder(bytes.NewReader(packet))
	d.Strict = false
	inTitle, done := false, false
	for {
		token, err := d.Token()
		if err != nil {
			return strings.TrimSpace(title), identified
		}
		switch t := token.(type) {
		case xml.StartElement:
			inTitle = inTitle || t.Name == xml.Name{Space: nsDC, Local: "title"}
			identified = identified || t.Name.Space == nsPDFUA
			for _, a := range t.Attr {
				identified = identified || a.Name.Space == nsPDFUA
				if (a.Name == xml.Name{Space: nsDC, Local: "title"}) {
					title, done = a.Value, true
				}
			}
		case xml.EndElement:
			// The first of several languages is the default (ISO 16684-1, 8.2.2.4).
			done = done || inTitle && strings.TrimSpace(title) != ""
			inTitle = inTitle && t.Name != xml.Name{Space: nsDC, Local: "title"}
		case xml.CharData:
			if inTitle && !done {
				title += string(t)
			}
		}
	}
}
