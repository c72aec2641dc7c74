package structure

import (
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

const (
	// marginShare is the part of a page's height at its top and bottom where artifacts are headers and footers.
	marginShare = 0.12
	// lineGap is the distance of baselines, in ems, beyond which untagged text begins a new paragraph.
	lineGap = 1.6
	// leastFigure is the least width and height, in points, of an untagged image that shows something: smaller ones are
	// bullets, lines and spacers.
	leastFigure = 16
)

// rest puts what no element reaches into the tree: artifacts if it is marked or looks so, else paragraphs and figures.
func (r *reader) rest(tree *Tree) {
	tree.Artifacts = r.artifacts
	var added []*Node
	var numbers []int
	for _, p := range r.pages {
		if p == nil {
			continue
		}
		var nodes []*Node
		tree.Artifacts, nodes = p.rest(tree.Artifacts)
		for _, n := range nodes {
			added, numbers = append(added, n), append(numbers, p.Number)
		}
	}
	if len(added) == 0 {
		return
	}
	insert(tree.Root, added, numbers)
}

// rest gives the untagged content of a page.
func (p *pageIndex) rest(artifacts []Artifact) ([]Artifact, []*Node) {
	var nodes []*Node
	var open *Node
	last := -1
	bottom, top, some := p.extent()
	for i := range p.Runs() {
		if p.tookRuns[i] {
			open = nil
			continue
		}
		run := &p.Runs()[i]
		// In a page that is tagged, text without tags in its margins is a header or footer whose mark was forgotten.
		over, under := max(top, p.Height*(1-marginShare)), min(bottom, p.Height*marginShare)
		margin := some && (run.Box.Bottom >= over || run.Box.Top <= under)
		if run.Place.Artifact || run.Hidden || margin || strings.TrimSpace(run.Text) == "" {
			artifacts = p.artifact(artifacts, run.Box, i, -1)
			continue
		}
		if open == nil || !continues(&p.Runs()[last], run) {
			open = &Node{Content: Content{Page: p.Number}}
			nodes = append(nodes, &Node{Type: "P", Kids: []*Node{open}})
		}
		open.Content.Runs = append(open.Content.Runs, i)
		last = i
	}
	for i := range p.Images {
		if p.tookImages[i] {
			continue
		}
		image := &p.Images[i]
		if image.Place.Artifact || image.Hidden || !p.shows(image.Box) {
			artifacts = p.artifact(artifacts, image.Box, -1, i)
			continue
		}
		leaf := &Node{Content: Content{Page: p.Number, Images: []int{i}}}
		nodes = append(nodes, &Node{Type: "Figure", Kids: []*Node{leaf}})
	}
	return artifacts, nodes
}

// extent gives how far the tagged text of a page reaches down and up.
func (p *pageIndex) extent() (bottom, top float64, some bool) {
	for i, took := range p.tookRuns {
		if !took || p.Runs()[i].Hidden {
			continue
		}
		box := p.Runs()[i].Box
		if !some {
			bottom, top, some = box.Bottom, box.Top, true
		}
		bottom, top = min(bottom, box.Bottom), max(top, box.Top)
	}
	return bottom, top, some
}

// artifact adds a run or an image, whichever index is not negative, to the artifacts; neighbours of a kind share one.
func (p *pageIndex) artifact(artifacts []Artifact, box pagetext.Rect, run, image int) []Artifact {
	kind := pdf.Name("")
	switch {
	case box.Bottom > p.Height*(1-marginShare):
		kind = "Header"
	case box.Top < p.Height*marginShare:
		kind = "Footer"
	}
	n := len(artifacts)
	if n == 0 || artifacts[n-1].Content.Page != p.Number || artifacts[n-1].Kind != kind {
		artifacts = append(artifacts, Artifact{Kind: kind, Content: Content{Page: p.Number}})
		n++
	}
	content := &artifacts[n-1].Content
	if run >= 0 {
		content.Runs = append(content.Runs, run)
	} else {
		content.Images = append(content.Images, image)
	}
	return artifacts
}

// continues tells whether a run goes on with the paragraph of the one before it.
func continues(before, run *pagetext.Run) bool {
	size := max(before.Size, run.Size)
	return math.Abs(before.Baseline-run.Baseline) <= lineGap*size && math.Abs(before.Size-run.Size) <= size/4
}

// shows tells whether an untagged image shows something: it is large enough, and no background of the whole page with
// text on it.
func (p *pageIndex) shows(box pagetext.Rect) bool {
	wide, high := box.Right-box.Left, box.Top-box.Bottom
	if wide < leastFigure || high < leastFigure {
		return false
	}
	return len(p.Runs()) == 0 || wide*high < p.Width*p.Height*0.9
}

// insert puts nodes, which are in the order of their pages, among the kids of the innermost node that holds the whole
// document: each after the last kid that begins on its page or before it.
func insert(root *Node, nodes []*Node, pages []int) {
	groups := []pdf.Name{"Document", "Part", "Art", "Sect", "Div", "NonStruct"}
	for len(root.Kids) == 1 && slices.Contains(groups, root.Kids[0].Type) {
		root = root.Kids[0]
	}
	first := make([]int, len(root.Kids))
	for i, kid := range root.Kids {
		first[i] = firstPage(kid)
	}
	// From the end on, a place is after the last kid that begins early enough.
	kids := make([]*Node, 0, len(root.Kids)+len(nodes))
	i, j := len(root.Kids), len(nodes)
	for i > 0 || j > 0 {
		if i == 0 || j > 0 && first[i-1] <= pages[j-1] {
			j--
			kids = append(kids, nodes[j])
		} else {
			i--
			kids = append(kids, root.Kids[i])
		}
	}
	slices.Reverse(kids)
	root.Kids = kids
}

// firstPage gives the page that the first leaf with content is on, 0 if there is none.
func firstPage(n *Node) int {
	if n.Type == "" {
		return n.Content.Page
	}
	for _, kid := range n.Kids {
		if page := firstPage(kid); page > 0 {
			return page
		}
	}
	return 0
}

// Coverage tells which share of the visible text of a file the tags reach, from 0 to 1, by the tree that [Read] made of
// them. Artifacts do not count, unless there is nothing else: then the share is 0. Without any text it is 1.
func Coverage(tree *Tree, pages []*pagetext.Page) float64 {
	byNumber := map[int]*pagetext.Page{}
	for _, p := range pages {
		byNumber[p.Number] = p
	}
	var tagged, untagged, artifacts int
	var walk func(n *Node, reached bool)
	walk = func(n *Node, reached bool) {
		if n.Type == "" {
			if length := lengthOf(n.Content, byNumber); reached {
				tagged += length
			} else {
				untagged += length
			}
			return
		}
		for _, kid := range n.Kids {
			walk(kid, reached || n.Ref != pdf.Ref{})
		}
	}
	walk(tree.Root, false)
	for _, artifact := range tree.Artifacts {
		artifacts += lengthOf(artifact.Content, byNumber)
	}
	switch {
	case tagged+untagged > 0:
		return float64(tagged) / float64(tagged+untagged)
	case artifacts > 0:
		return 0
	}
	return 1
}

// lengthOf counts the visible characters of some content.
func lengthOf(c Content, pages map[int]*pagetext.Page) int {
	p := pages[c.Page]
	if p == nil {
		return 0
	}
	length := 0
	for _, i := range c.Runs {
		if run := &p.Runs()[i]; !run.Hidden {
			length += utf8.RuneCountInString(strings.TrimSpace(run.Text))
		}
	}
	return length
}
