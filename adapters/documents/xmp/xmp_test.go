package xmp

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

// failures asks our checks of a document with a packet about the rules on metadata.
func failures(t *testing.T, packet []byte) []string {
	t.Helper()
	f := pdf.New()
	page := f.Add(nil)
	tree := f.Add(pdf.Dict{"Type": pdf.Name("Pages"), "Count": pdf.Integer(1), "Kids": pdf.Array{page}})
	f.Set(page, pdf.Dict{"Type": pdf.Name("Page"), "Parent": tree, "MediaBox": pdf.Array{pdf.Integer(0), pdf.Integer(0), pdf.Integer(9), pdf.Integer(9)}})
	catalog := f.Catalog()
	catalog["Pages"] = tree
	catalog["Lang"] = pdf.String("en")
	catalog["Metadata"] = f.Add(pdf.NewStream(pdf.Dict{"Type": pdf.Name("Metadata"), "Subtype": pdf.Name("XML")}, packet))
	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}
	again, err := pdf.Open(b.Bytes(), pdf.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	result, err := pdfua.Check(again, pdfua.Limits{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, failure := range result.Failures {
		if strings.HasPrefix(failure.Rule, "5-") || failure.Rule == "7.1-8" || failure.Rule == "7.1-9" {
			out = append(out, failure.Rule)
		}
	}
	return out
}

func TestPacket(t *testing.T) {
	t.Parallel()
	full := Metadata{
		Title: "A < B & \"C\"\x01", Language: "de-CH", Author: "Ä", Subject: "S", Keywords: "k, l", Creator: "c", Producer: "p",
		Created: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), UA: true,
	}
	if got := failures(t, Packet(full)); got != nil {
		t.Errorf("a full packet fails %v", got)
	}
	if got := failures(t, Packet(Metadata{UA: true})); len(got) != 1 || got[0] != "7.1-9" {
		t.Errorf("without a title: %v", got)
	}
	if got := failures(t, Packet(Metadata{Title: "T"})); len(got) == 0 {
		t.Error("a packet that claims nothing is taken for PDF/UA")
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	const before = `<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/" xmlns:my="urn:my">
<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/">
<r:Description r:about="" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/" pdfuaid:part="2" my:kept="a &amp; b">
<dc:title><r:Alt><r:li xml:lang="x-default">Old</r:li></r:Alt></dc:title>
<dc:rights><r:Alt><r:li xml:lang="x-default">Mine &lt;3</r:li></r:Alt></dc:rights></r:Description>
</r:RDF></x:xmpmeta><?xpacket end="w"?>`
	got := Update([]byte(before), Metadata{Title: "New", UA: true})
	if rules := failures(t, got); rules != nil {
		t.Errorf("the updated packet fails %v:\n%s", rules, got)
	}
	for _, want := range []string{`my:kept="a &amp; b"`, "Mine &lt;3", ">New<", `xmlns:my="urn:my"`, `xmlns:r="http`} {
		if !bytes.Contains(got, []byte(want)) {
			t.Errorf("%s is missing in\n%s", want, got)
		}
	}
	for _, gone := range []string{"Old", `part="2"`} {
		if bytes.Contains(got, []byte(gone)) {
			t.Errorf("%s is left in\n%s", gone, got)
		}
	}
	if unclaimed := Update(got, Metadata{}); bytes.Contains(unclaimed, []byte("pdfuaid:part")) || !bytes.Contains(unclaimed, []byte(">New<")) {
		t.Errorf("an update without the claim gives\n%s", unclaimed)
	}
	for name, broken := range map[string]string{
		"empty": "", "no XML": "<x", "no RDF": "<x/>", "deep": strings.Repeat("<a>", 100_000), "unbound": `<r:RDF><a:b/></r:RDF>`,
	} {
		if got := Update([]byte(broken), Metadata{Title: "T"}); !bytes.Equal(got, Packet(Metadata{Title: "T"})) {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func wellFormed(packet []byte) error {
	d := xml.NewDecoder(bytes.NewReader(packet))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
	}
}

func TestPacketIsWellFormed(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.String()
		m := Metadata{Title: text.Draw(t, "title"), Language: text.Draw(t, "language"), Author: text.Draw(t, "author"), UA: true}
		packet := Packet(m)
		if err := wellFormed(packet); err != nil {
			t.Fatalf("%v in\n%s", err, packet)
		}
		if again := Update(packet, m); bytes.Count(again, []byte("<pdfuaid:part>")) != 1 {
			t.Fatalf("an update repeats the claim:\n%s", again)
		}
	})
}

func FuzzUpdate(f *testing.F) {
	f.Add([]byte(`<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" a="b"/></rdf:RDF></x:xmpmeta>`))
	f.Add(Packet(Metadata{Title: "T", UA: true}))
	f.Fuzz(func(t *testing.T, packet []byte) {
		got := Update(packet, Metadata{Title: "T", UA: true})
		if err := wellFormed(got); err != nil {
			t.Errorf("%v in\n%s", err, got)
		}
	})
}
