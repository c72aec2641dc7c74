package structure

// holder is what a run belongs to: a leaf, or an artifact by its index and one.
type holder struct {
	leaf     *Node
	artifact int
}

// rest finds a place for all that is in no leaf. Blank runs go with what was painted before them; other things become
// artifacts.
func (d *document) rest(t *Tree) {
	runs := make([][]holder, len(d.pages))
	images := make([][]bool, len(d.pages))
	for i, p := range d.pages {
		runs[i], images[i] = make([]holder, len(p.Runs)), make([]bool, len(p.Images))
	}
	note := func(c *Content, h holder) {
		for _, r := range c.Runs {
			runs[c.Page-1][r] = h
		}
		for _, m := range c.Images {
			images[c.Page-1][m] = true
		}
	}
	walkLeaves(t.Root, func(n *Node) {
		if n.Content.Page > 0 {
			note(&n.Content, holder{leaf: n})
		}
	})
	for k := range t.Artifacts {
		note(&t.Artifacts[k].Content, holder{artifact: k + 1})
	}
	for i := range d.pages {
		loose := Content{Page: i + 1}
		after := map[int][]int{} // blank runs by the run they follow
		for r, held := range runs[i] {
			if held != (holder{}) {
				continue
			}
			first := r - 1
			for first >= 0 && runs[i][first] == (holder{}) {
				first--
			}
			if first < 0 {
				loose.Runs = append(loose.Runs, r)
				continue
			}
			after[first] = append(after[first], r)
		}
		insertBlank(t, runs[i], after)
		for m, held := range images[i] {
			if !held {
				loose.Images = append(loose.Images, m)
			}
		}
		if len(loose.Runs)+len(loose.Images) > 0 {
			t.Artifacts = append(t.Artifacts, Artifact{Content: loose})
		}
	}
}

// insertBlank puts runs behind those that they follow.
func insertBlank(t *Tree, held []holder, after map[int][]int) {
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
			longer = append(longer, r)
			longer = append(longer, after[r]...)
		}
		c.Runs = longer
	}
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
