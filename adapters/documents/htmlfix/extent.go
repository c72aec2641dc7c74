package htmlfix

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// extent tells where an element begins and ends in the source.
type extent struct {
	// start is the place of the start tag, inner that of the content, innerEnd that where the content ends.
	start, inner, innerEnd int
	// end is the place after the end tag, or innerEnd if the markup leaves it out.
	end int
	// closed is set if there is an end tag.
	closed bool
}

const (
	placeAttribute = "data-perfectworks-place"
	placeComment   = "perfectworks-place:"
)

// extents finds where the elements end, by the offset of their start tags. The parser tells no places. So each tag is
// surrounded by comments, which the parser keeps where they are and which change nothing else (HTML, 13.2.6: in each
// insertion mode a comment is inserted and nothing more is done): the one that ends up as the last child of an element
// stands where its content ends, and the one that follows a tag stands beside the element that the tag has ended.
// Elements that the parser repeats are left out.
func extents(source []byte, tokens []htmlcheck.Token) (map[int]extent, error) {
	root, err := html.Parse(bytes.NewReader(withPlaces(source, tokens)))
	if err != nil {
		return nil, err
	}
	out := map[int]extent{}
	seen := map[int]bool{}
	var repeated []int
	var walk func(*html.Node)
	walk = func(n *html.Node) {
		for child := n.FirstChild; child != nil; child = child.NextSibling {
			walk(child)
		}
		if start, ok := placeOf(n); ok {
			if seen[start] {
				repeated = append(repeated, start)
			}
			seen[start] = true
			if e, ok := extentOf(n, start, tokens); ok {
				out[start] = e
			} else if inner, ok := lastOpen(n, out); ok && e.inner > 0 { // what ends the last child ends this too
				e.innerEnd, e.end = inner, inner
				out[start] = e
			}
		}
	}
	walk(root)
	for _, start := range repeated {
		delete(out, start)
	}
	return out, nil
}

// lastOpen tells where an element ends whose end tag is left out, from its last child if that has none either.
func lastOpen(n *html.Node, known map[int]extent) (int, bool) {
	if n.LastChild == nil {
		return 0, false
	}
	start, ok := placeOf(n.LastChild)
	e, found := known[start]
	return e.end, ok && found && !e.closed && !slices.Contains(voidElements, n.LastChild.Data)
}

func withPlaces(source []byte, tokens []htmlcheck.Token) []byte {
	var out bytes.Buffer
	out.Grow(len(source) + 64*len(tokens))
	comment := func(kind string, at int) {
		out.WriteString("<!--" + placeComment + kind + strconv.Itoa(at) + "-->")
	}
	for _, t := range tokens {
		raw := source[t.Start:t.End]
		switch t.Kind {
		case html.StartTagToken, html.SelfClosingTagToken:
			comment("<", t.Start)
			name := htmlcheck.NameEnd(raw, 1)
			out.Write(raw[:name])
			out.WriteString(" " + placeAttribute + "=" + strconv.Itoa(t.Start) + " ")
			out.Write(raw[name:])
		case html.EndTagToken:
			if !slices.Contains(rawText, t.Name) { // inside of those it would be text
				comment("<", t.Start)
			}
			out.Write(raw)
			comment(">", t.Start)
		default:
			out.Write(raw)
		}
	}
	comment("<", contentEnd(tokens))
	return out.Bytes()
}

// rawText are the elements whose content is text whatever it looks like.
var rawText = strings.Fields("iframe noembed noframes noscript plaintext script style textarea title xmp")

// voidElements have no content.
var voidElements = strings.Fields("area base br col embed hr img input link meta param source track wbr")

func placeOf(n *html.Node) (int, bool) {
	if n.Type != html.ElementNode {
		return 0, false
	}
	for _, a := range n.Attr {
		if a.Key == placeAttribute {
			place, err := strconv.Atoi(a.Val)
			return place, err == nil
		}
	}
	return 0, false
}

// commentPlace reads one of the comments.
func commentPlace(n *html.Node, kind string) (int, bool) {
	if n == nil || n.Type != html.CommentNode {
		return 0, false
	}
	digits, ok := strings.CutPrefix(n.Data, placeComment+kind)
	if !ok {
		return 0, false
	}
	place, err := strconv.Atoi(digits)
	return place, err == nil
}

func extentOf(n *html.Node, start int, tokens []htmlcheck.Token) (extent, bool) {
	i, ok := tokenAt(tokens, start)
	if !ok {
		return extent{}, false
	}
	e := extent{start: start, inner: tokens[i].End, innerEnd: tokens[i].End, end: tokens[i].End}
	if slices.Contains(voidElements, n.Data) {
		return e, n.FirstChild == nil
	}
	if place, ok := commentPlace(n.NextSibling, ">"); ok {
		j, ok := tokenAt(tokens, place)
		if !ok || place < e.inner {
			return extent{}, false
		}
		e.innerEnd, e.end, e.closed = place, tokens[j].End, true
		return e, true
	}
	place, ok := commentPlace(n.LastChild, "<")
	if !ok || place < e.inner {
		return e, false
	}
	e.innerEnd, e.end = place, place
	return e, true
}
