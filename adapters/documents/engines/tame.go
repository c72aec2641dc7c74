package engines

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// policy is what a document may do in the browser: show itself, with the images, fonts and style sheets in it (Content
// Security Policy Level 3).
const policy = "default-src 'none'; img-src data:; media-src data:; font-src data:; style-src 'unsafe-inline' data:; " +
	"base-uri 'none'; form-action 'none'"

// withoutScripts takes out of a document what could run, navigate or connect, and puts a policy into it that forbids what
// is left. Style sheets move out of the text of elements, so that no style can show it. Its error is that of the parser.
func withoutScripts(source []byte) ([]byte, error) {
	root, err := html.Parse(bytes.NewReader(source))
	if err != nil {
		return nil, fmt.Errorf("read the page: %w", err)
	}
	var removed []*html.Node
	var head *html.Node
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		switch {
		case n.DataAtom == atom.Head && head == nil:
			head = n
		case n.Data == "script" || n.Data == "base" || n.Data == "portal" || n.Data == "meta" && attribute(n, "http-equiv") != "",
			n.Data == "link" && !strings.EqualFold(strings.TrimSpace(attribute(n, "rel")), "stylesheet"):
			removed = append(removed, n)
			continue
		case n.Data == "style" && n.Namespace == "":
			intoLink(n)
		}
		inHead := head != nil && n.Parent == head
		n.Attr = slices.DeleteFunc(n.Attr, func(a html.Attribute) bool { return dangerous(n, a) || inHead && a.Key == "style" })
		for i, a := range n.Attr {
			if a.Key == "href" && runs(a.Val) {
				n.Attr[i].Val = "#" // a link stays one
			}
		}
	}
	for _, n := range removed {
		n.Parent.RemoveChild(n)
	}
	if head != nil { // the parser always makes one
		for _, n := range []*html.Node{
			{Data: "link", DataAtom: atom.Link, Attr: []html.Attribute{{Key: "rel", Val: "stylesheet"}, {Key: "href", Val: sheetAddress(hideHead)}}},
			{Data: "meta", DataAtom: atom.Meta, Attr: []html.Attribute{{Key: "http-equiv", Val: "Content-Security-Policy"}, {Key: "content", Val: policy}}},
		} {
			n.Type = html.ElementNode
			head.InsertBefore(n, head.FirstChild)
		}
		for i, a := range head.Attr {
			if a.Key == "style" {
				head.Attr = slices.Delete(head.Attr, i, i+1)
				break
			}
		}
	}
	var out bytes.Buffer
	if err := html.Render(&out, root); err != nil {
		return nil, fmt.Errorf("write the page: %w", err)
	}
	return out.Bytes(), nil
}

// hideHead lets no style of the document show what is in its head. Important declarations in the layer that comes first win
// over all others but those of style attributes (CSS Cascading and Inheritance Level 5, 6.1).
const hideHead = "@layer perfectworks-head { head, head * { display: none !important } }"

func sheetAddress(sheet string) string {
	return "data:text/css;charset=utf-8;base64," + base64.StdEncoding.EncodeToString([]byte(sheet))
}

// intoLink turns a style element into a link to the same style sheet.
func intoLink(n *html.Node) {
	var sheet strings.Builder
	for n.FirstChild != nil {
		sheet.WriteString(n.FirstChild.Data)
		n.RemoveChild(n.FirstChild)
	}
	n.Data, n.DataAtom = "link", atom.Link
	n.Attr = append(n.Attr, html.Attribute{Key: "rel", Val: "stylesheet"}, html.Attribute{Key: "href", Val: sheetAddress(sheet.String())})
}

// dangerous recognizes attributes that run scripts, or load another document into this one.
func dangerous(n *html.Node, a html.Attribute) bool {
	if strings.HasPrefix(a.Key, "on") {
		return true
	}
	switch a.Key {
	case "srcdoc", "ping", "manifest":
		return true
	case "src":
		return n.Data == "iframe" || n.Data == "frame" || n.Data == "embed"
	case "action", "formaction", "to", "from", "values":
		return runs(a.Val)
	}
	return false
}

// runs recognizes addresses that are scripts. Browsers pass over white space and control characters in front and within.
func runs(address string) bool {
	scheme, _, _ := strings.Cut(strings.ToLower(strings.Map(func(r rune) rune {
		if r <= ' ' {
			return -1
		}
		return r
	}, address)), ":")
	return scheme == "javascript" || scheme == "vbscript"
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key && a.Namespace == "" {
			return a.Val
		}
	}
	return ""
}
