package structure

import "github.com/perfectworks/backend/adapters/documents/pagetext"

// holder is what a run belongs to: a leaf, or an artifact by its index and one.
type holder struct {
	leaf     *Node
	artifact int
}

// rest finds a place for all that is in no leaf. Blank runs go with what was painted before them, behind it or, where text
// runs from right to left, in front of it; other things become artifacts.
func (d *document) rest(t *Tree) {
	leaves, artifacts := make([][]*Node, len(d.pages)), make([][]int, len(d.pages))
	walkLeaves(t.Root, func(n *Node) {
		if page := n.Content.Page; page > 0 {
			leaves[page-1] = append(leaves[page-1], n)
		}
	})
	for k := range t.Artifacts {
		page := t.Artifacts[k].Content.Page
		artifacts[page-1] = append(artifacts[page-1], k)
	}
	for i, page := range d.pages {
		runs, images := make([]holder, len(page.Runs())), make([]bool, len(page.Images))
		note := func(c *Content, h holder) {
			for _, r := range c.Runs {
				runs[r] = h
			}
			for _, m := range c.Images {
				images[m] = true
			}
		}
		for _, leaf := range leaves[i] {
			note(&leaf.Content, holder{leaf: leaf})
		}
		for _, k := range artifacts[i] {
			note(&t.Artifacts[k].Content, holder{artifact: k + 1})
		}
		if loose := t.placeBlank(page, runs, images); len(loose.Runs)+len(loose.Images) > 0 {
			t.Artifacts = append(t.Artifacts, Artifact{Content: loose})
		}
	}
}

// placeBlank puts the blank runs of a page beside what they follow, and gives what else nothing holds.
func (t *Tree) placeBlank(page *pagetext.Page, runs []holder, images []bool) Content {
	loose := Content{Page: page.Number}
	after := map[int][]int{} // blank runs by the run they follow
	for r, held := range runs {
		if held != (holder{}) {
			continue
		}
		first := r - 1
		for first >= 0 && runs[first] == (holder{}) {
			first--
		}
		if first < 0 {
			loose.Runs = append(loose.Runs, r)
			continue
		}
		after[first] = append(after[first], r)
	}
	insertBlank(t, page, runs, after)
	for m, held := range images {
		if !held {
			loose.Images = append(loose.Images, m)
		}
	}
	return loose
}

// insertBlank puts runs beside those that they follow on a page.
func insertBlank(t *Tree, page *pagetext.Page, held []holder, after map[int][]int) {
	done := map[*Content]bool{}
	for first := range after {
		var c *Content
		if h := held[first]; h.leaf != nil {
			c = &h.leaf.Content
		} else {
			c = &t.Artifacts[h.artifact-1].Content
		}
		if done[c] {
			continue
		}
		done[c] = true
		longer := make([]int, 0, len(c.Runs)+len(after[first]))
		for _, r := range c.Runs {
			blank := after[r]
			if n := len(blank); n > 0 && paintedBackwards(page.Runs(), r, blank[n-1]+1) {
				longer = append(append(longer, blank...), r)
				continue
			}
			longer = append(append(longer, r), blank...)
		}
		c.Runs = longer
	}
}

// paintedBackwards tells whether two runs, which may not exist, are painted in the other order than that of reading.
func paintedBackwards(runs []pagetext.Run, a, b int) bool {
	if by := balance(runs[a].Text); by != 0 {
		return by > 0
	}
	return b < len(runs) && rightToLeft(runs[b].Text)
}

// walkLeaves visits the leaves in order. Inferred trees are not deep.
func walkLeaves(n *Node, visit func(*Node)) {
	if n.Type == "" {
		visit(n)
		return
	}
	for _, kid := range n.Kids {
		walkLeaves(kid, visit)
	}
}
