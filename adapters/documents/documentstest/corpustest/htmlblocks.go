package corpustest

import (
	"bytes"
	"fmt"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// HTMLBlocks reads an HTML document as the blocks that [Blocks] reads of its PDF. Of a document with an element main
// only this is read: what stands around it, such as a list of contents, leads there.
func HTMLBlocks(data []byte) ([]Block, error) {
	root, err := html.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, fmt.Errorf("read the HTML: %w", err)
	}
	for n := range root.Descendants() {
		if n.DataAtom == atom.Main {
			root = n
			break
		}
	}
	document := &element{kind: "Document"}
	addNodes(document, root, 0)
	r := blockReader{}
	r.group(document)
	return r.blocks, nil
}

// structureTypes are the elements of HTML by the structure type that stands for them in a PDF. Others group blocks.
var structureTypes = map[atom.Atom]string{
	atom.H1: "H1", atom.H2: "H2", atom.H3: "H3", atom.H4: "H4", atom.H5: "H5", atom.H6: "H6", atom.P: "P", atom.Ul: "L",
	atom.Ol: "L", atom.Menu: "L", atom.Li: "LI", atom.Table: "Table", atom.Thead: "THead", atom.Tbody: "TBody",
	atom.Tfoot: "TFoot", atom.Tr: "TR", atom.Th: "TH", atom.Td: "TD", atom.Caption: "Caption", atom.Figcaption: "Caption",
	atom.Img: "Figure", atom.Svg: "Figure", atom.Span: "Span", atom.Em: "Span", atom.Strong: "Span", atom.B: "Span",
	atom.I: "Span", atom.U: "Span", atom.Small: "Span", atom.Sub: "Span", atom.Sup: "Span", atom.Code: "Span",
	atom.Abbr: "Span", atom.Cite: "Span", atom.Q: "Span", atom.Mark: "Span", atom.Time: "Span", atom.Bdi: "Span",
	atom.Bdo: "Span", atom.S: "Span", atom.Label: "Span",
}

// addNodes adds what is in a node to an element.
func addNodes(to *element, n *html.Node, depth int) {
	for child := range n.ChildNodes() {
		if child.Type == html.ElementNode {
			addElement(to, child, depth)
		}
		if child.Type == html.TextNode && Plain(child.Data) != "" {
			to.kids = append(to.kids, &element{text: child.Data})
		}
	}
}

func addElement(to *element, n *html.Node, depth int) {
	switch n.DataAtom {
	case atom.Head, atom.Script, atom.Style, atom.Template, atom.Noscript, atom.Title:
		return
	case atom.Html, atom.Body:
		addNodes(to, n, depth)
		return
	default:
	}
	e := &element{kind: structureTypes[n.DataAtom]}
	switch {
	case n.DataAtom == atom.A && hasAttribute(n, "href"):
		e.kind = "Link"
	case n.DataAtom == atom.A:
		e.kind = "Span"
	case e.kind == "":
		e.kind = "Div"
	}
	if depth >= maxNesting {
		e = to
	} else {
		to.kids = append(to.kids, e)
	}
	if e.kind != "Figure" {
		addNodes(e, n, min(depth+1, maxNesting))
	}
}

func hasAttribute(n *html.Node, key string) bool {
	for _, a := range n.Attr {
		if a.Key == key {
			return true
		}
	}
	return false
}
