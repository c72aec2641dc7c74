// Package pdftest writes PDF files for tests, the sound and the vicious.
package pdftest

import (
	"bytes"
	"compress/flate"
	"compress/zlib"
	"encoding/binary"
	"fmt"
	"strings"
)

// File gathers objects; the first one must be the catalog.
type File struct {
	objects []string
	// Trailer is put into the trailer dictionary.
	Trailer string
}

// Add adds an object and gives its number.
func (f *File) Add(object string) int {
	f.objects = append(f.objects, object)
	return len(f.objects)
}

// Stream adds a stream with the given entries, which must not hold Length.
func (f *File) Stream(entries string, data []byte) int {
	return f.Add(fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", entries, len(data), data))
}

// Bytes writes the file with a cross-reference table.
func (f *File) Bytes() []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
	offsets := make([]int, len(f.objects))
	for i, object := range f.objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, f.Trailer, start)
	return b.Bytes()
}

// Pages makes a file of n empty pages.
func Pages(n int) *File {
	f := &File{}
	f.Add("<</Type/Catalog/Pages 2 0 R>>")
	kids := make([]string, n)
	for i := range kids {
		kids[i] = fmt.Sprintf("%d 0 R", i+3)
	}
	f.Add(fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]/MediaBox[0 0 600 800]>>", n, strings.Join(kids, " ")))
	for range n {
		f.Add("<</Type/Page/Parent 2 0 R>>")
	}
	return f
}

// OnePage makes a file with one page of the given content stream and page entries.
func OnePage(content, entries string) *File {
	f := &File{}
	f.Add("<</Type/Catalog/Pages 2 0 R>>")
	f.Add("<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 600 800]>>")
	f.Add("<</Type/Page/Parent 2 0 R/Contents 4 0 R" + entries + ">>")
	f.Stream("", []byte(content))
	return f
}

// Bomb compresses a size of zeros as often as told.
func Bomb(size, times int) []byte {
	data := deflatedZeros(size)
	for range times - 1 {
		var b bytes.Buffer
		w := zlib.NewWriter(&b)
		_, _ = w.Write(data) // a buffer takes everything
		_ = w.Close()
		data = b.Bytes()
	}
	return data
}

// deflatedZeros is a size of zeros as zlib compresses them, without having them
// all in memory: it repeats what a megabyte of them compresses to.
func deflatedZeros(size int) []byte {
	const block = 1 << 20
	zeros := make([]byte, min(block, size))
	deflated := func(n int, end func(*flate.Writer) error) []byte {
		var b bytes.Buffer
		w, _ := flate.NewWriter(&b, flate.DefaultCompression) // a known level
		_, _ = w.Write(zeros[:n])
		_ = end(w)
		return b.Bytes()
	}
	b := bytes.NewBuffer([]byte{0x78, 0x9c}) // deflate, with a window of 32 KiB
	if size >= block {
		b.Write(bytes.Repeat(deflated(block, (*flate.Writer).Flush), size/block))
	}
	b.Write(deflated(size%block, (*flate.Writer).Close))
	// The checksum of RFC 1950, Adler-32: of n zeros, the sum is 1 and the sum of sums n.
	return binary.BigEndian.AppendUint32(b.Bytes(), uint32(size%65521)<<16|1)
}

// FlateBomb makes a file whose page content decodes to a size of zeros.
func FlateBomb(size int) *File {
	f := OnePage("", "")
	f.objects[3] = ""
	data := Bomb(size, 2)
	f.objects[3] = fmt.Sprintf("<</Filter[/FlateDecode/FlateDecode]/Length %d>>\nstream\n%s\nendstream", len(data), data)
	return f
}

// ObjectStreamBomb makes a file whose catalog lies in an object stream that decodes to a size of zeros.
func ObjectStreamBomb(size int) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n")
	container := b.Len()
	data := Bomb(size, 2)
	fmt.Fprintf(&b, "2 0 obj\n<</Type/ObjStm/N 1/First 4/Filter[/FlateDecode/FlateDecode]/Length %d>>\nstream\n%s\nendstream\nendobj\n", len(data), data)
	table := b.Len()
	rows := []byte{0, 0, 0, 0, 2, 0, 2, 0, 1, byte(container >> 8), byte(container), 0, 1, byte(table >> 8), byte(table), 0}
	fmt.Fprintf(&b, "3 0 obj\n<</Type/XRef/Size 4/W[1 2 1]/Root 1 0 R/Length %d>>\nstream\n%s\nendstream\nendobj\nstartxref\n%d\n%%%%EOF\n", len(rows), rows, table)
	return b.Bytes()
}

// Reserve gives the number of an object that [File.Set] writes later.
func (f *File) Reserve() int { return f.Add("null") }

// Set writes a reserved object.
func (f *File) Set(number int, object string) { f.objects[number-1] = object }

// Element is a structure element: its type, other entries of its dictionary, and its kids. An orphan does not name
// its parent.
type Element struct {
	Type    string
	Entries string
	Kids    []Element
	Orphan  bool
}

const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:pdfuaid="http://www.aiim.org/pdfua/ns/id/">
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">Title</rdf:li></rdf:Alt></dc:title><pdfuaid:part>1</pdfuaid:part>
</rdf:Description></rdf:RDF></x:xmpmeta>`

// Tagged makes a file with one empty page that conforms to PDF/UA-1 as far as its structure does. Page and root are
// further entries of the page and of the root of the structure tree.
func Tagged(page, root string, elements ...Element) *File {
	f := &File{}
	f.Add("<</Type/Catalog/Pages 2 0 R/Lang(en)/MarkInfo<</Marked true>>/ViewerPreferences<</DisplayDocTitle true>>" +
		"/Metadata 4 0 R/StructTreeRoot 5 0 R>>")
	f.Add("<</Type/Pages/Count 1/Kids[3 0 R]/MediaBox[0 0 600 800]>>")
	f.Add("<</Type/Page/Parent 2 0 R" + page + ">>")
	f.Stream("/Type/Metadata/Subtype/XML", []byte(xmp))
	tree := f.Reserve()
	f.Set(tree, fmt.Sprintf("<</Type/StructTreeRoot/K%s%s>>", f.elements(tree, elements), root))
	return f
}

func (f *File) elements(parent int, elements []Element) string {
	var refs []string
	for _, e := range elements {
		number := f.Reserve()
		refs = append(refs, fmt.Sprintf("%d 0 R", number))
		entries := e.Entries
		if !e.Orphan {
			entries += fmt.Sprintf("/P %d 0 R", parent)
		}
		f.Set(number, fmt.Sprintf("<</Type/StructElem/S/%s/K%s%s>>", e.Type, f.elements(number, e.Kids), entries))
	}
	return "[" + strings.Join(refs, " ") + "]"
}
