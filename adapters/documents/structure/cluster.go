package structure

import (
	"cmp"
	"slices"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
)

// cluster puts boxes together that are no farther apart than a gap. The groups are in the order of their first boxes, the
// boxes of a group in their own.
func cluster(boxes []pagetext.Rect, gap float64) [][]int {
	parent := make([]int, len(boxes))
	order := make([]int, len(boxes))
	for i := range parent {
		parent[i], order[i] = i, i
	}
	find := func(i int) int {
		for parent[i] != i {
			parent[i] = parent[parent[i]]
			i = parent[i]
		}
		return i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(boxes[a].Left, boxes[b].Left) })
	// A sweep from left to right, over the boxes that are still open. A box that another one of the same group covers in
	// height and outlasts is closed, so that few are open at a time.
	var open []int
	for _, i := range order {
		kept := open[:0]
		covered := false
		for _, j := range open {
			if boxes[j].Right+gap < boxes[i].Left {
				continue
			}
			if boxes[i].Bottom <= boxes[j].Top+gap && boxes[j].Bottom <= boxes[i].Top+gap {
				a, b := find(i), find(j)
				parent[max(a, b)] = min(a, b)
				if boxes[j].Bottom <= boxes[i].Bottom && boxes[j].Top >= boxes[i].Top && boxes[j].Right >= boxes[i].Right {
					covered = true
				} else if boxes[i].Bottom <= boxes[j].Bottom && boxes[i].Top >= boxes[j].Top && boxes[i].Right >= boxes[j].Right {
					continue
				}
			}
			kept = append(kept, j)
		}
		open = kept
		if !covered {
			open = append(open, i)
		}
	}
	groups := map[int]int{}
	var out [][]int
	for i := range boxes {
		root := find(i)
		k, ok := groups[root]
		if !ok {
			k = len(out)
			groups[root] = k
			out = append(out, nil)
		}
		out[k] = append(out[k], i)
	}
	return out
}
