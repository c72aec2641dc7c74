package structure_test

import (
	"os"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/corpustest"
	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// least is the F1 that is asked of each role.
var least = map[corpustest.Role]float64{
	corpustest.Headings: 0.9, corpustest.HeadingLevels: 0.9, corpustest.Paragraphs: 0.9, corpustest.Links: 0.9,
	corpustest.ListItems: 0.8, corpustest.Cells: 0.75, corpustest.Rows: 0.75,
}

// TestCorpusInfer measures the inferred structure of documents whose tags are known. It needs Chromium and poppler.
func TestCorpusInfer(t *testing.T) {
	t.Parallel()
	if os.Getenv("CORPUS") == "" {
		t.Skip("run by make corpus")
	}
	known, err := corpustest.MakeKnown(t.Context())
	if err != nil {
		t.Skip(err)
	}
	sums := map[corpustest.Half]map[corpustest.Role]corpustest.Score{corpustest.Tune: {}, corpustest.Held: {}}
	for _, k := range known {
		data, err := os.ReadFile(k.Untagged)
		if err != nil {
			t.Fatal(err)
		}
		tree, pages := inferFile(t, data, 10_000_000)
		if tree == nil {
			t.Errorf("%s cannot be read", k.Name)
			continue
		}
		complete(t, tree, pages)
		wellNested(t, tree)
		for role, score := range corpustest.Compare(k.Truth, blocksOf(tree, pages)) {
			sums[k.Half][role] = sums[k.Half][role].Add(score)
		}
	}
	for half, roles := range sums {
		for _, role := range corpustest.Roles {
			score := roles[role]
			t.Logf("%s %-15s F1 %.3f (%d of %d, %d found)", half, role, score.F1(), score.Matched, score.Truth, score.Found)
			if score.F1() < least[role] {
				t.Errorf("%s %s: F1 %.3f is below %.2f", half, role, score.F1(), least[role])
			}
		}
	}
}

// blockReader reads a tree as corpustest reads tags.
type blockReader struct {
	pages  []*pagetext.Page
	blocks []corpustest.Block
}

func blocksOf(tree *structure.Tree, pages []*pagetext.Page) []corpustest.Block {
	r := &blockReader{pages: pages}
	r.group(tree.Root)
	return r.blocks
}

func (r *blockReader) add(role corpustest.Role, text string) {
	if text = corpustest.Plain(text); text != "" || role == corpustest.Figures {
		r.blocks = append(r.blocks, corpustest.Block{Role: role, Text: text})
	}
}

func (r *blockReader) group(n *structure.Node) {
	var loose []*structure.Node
	flush := func() {
		if len(loose) > 0 {
			r.add(corpustest.Paragraphs, r.texts(loose))
		}
		loose = nil
	}
	for _, kid := range n.Kids {
		switch kid.Type {
		case "", "Span", "Link", "Reference", "Code", "Lbl", "Form":
			loose = append(loose, kid)
			continue
		}
		flush()
		r.block(kid)
	}
	flush()
}

func (r *blockReader) block(n *structure.Node) {
	switch n.Type {
	case "H1", "H2", "H3", "H4", "H5", "H6":
		text := r.texts(n.Kids)
		r.add(corpustest.Headings, text)
		r.blocks = append(r.blocks, corpustest.Block{
			Role: corpustest.HeadingLevels, Text: string(n.Type) + ":" + corpustest.Plain(text),
		})
	case "P":
		r.add(corpustest.Paragraphs, r.texts(n.Kids))
	case "L", "Table":
		for _, kid := range n.Kids {
			r.block(kid)
		}
	case "LI":
		r.item(n)
	case "TR":
		r.row(n)
	case "Caption":
		r.add(corpustest.Captions, r.texts(n.Kids))
	case "Figure":
		r.figure(n)
	default:
		r.group(n)
	}
}

func (r *blockReader) item(n *structure.Node) {
	var own, lists []*structure.Node
	var sort func(kids []*structure.Node)
	sort = func(kids []*structure.Node) {
		for _, kid := range kids {
			switch kid.Type {
			case "Lbl":
			case "L":
				lists = append(lists, kid)
			case "LBody":
				sort(kid.Kids)
			default:
				own = append(own, kid)
			}
		}
	}
	sort(n.Kids)
	r.add(corpustest.ListItems, r.texts(own))
	for _, list := range lists {
		r.block(list)
	}
}

func (r *blockReader) row(n *structure.Node) {
	var all strings.Builder
	for _, cell := range n.Kids {
		text := r.texts(cell.Kids)
		all.WriteString(text)
		r.add(corpustest.Cells, text)
		if cell.Type == "TH" {
			r.add(corpustest.HeaderCells, text)
		}
	}
	r.add(corpustest.Rows, all.String())
}

func (r *blockReader) figure(n *structure.Node) {
	for _, kid := range n.Kids {
		if kid.Type == "Caption" {
			r.block(kid)
		}
	}
	r.add(corpustest.Figures, "")
}

func (r *blockReader) texts(nodes []*structure.Node) string {
	var b strings.Builder
	for _, n := range nodes {
		switch n.Type {
		case "Figure":
			r.figure(n)
		case "":
			b.WriteString(structure.Text(n, r.pages))
		default:
			text := r.texts(n.Kids)
			if n.Type == "Link" {
				r.add(corpustest.Links, text)
			}
			b.WriteString(text)
		}
	}
	return b.String()
}
