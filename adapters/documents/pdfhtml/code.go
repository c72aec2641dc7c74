package pdfhtml

import (
	"math"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/pagetext"
	"github.com/perfectworks/backend/adapters/documents/structure"
)

// isListing tells whether a part of the structure is program text or the like: at least two lines in a font of a fixed
// pitch, in a document that is not all so.
func (b *builder) isListing(n *structure.Node) bool {
	switch n.Type {
	case "P", "Code", "Div", "NonStruct", "Span":
	default:
		return false
	}
	if n.Type != "P" && isBlock(n) || n.Attributes().ActualText != "" || b.usual.mono && n.Type != "Code" {
		return false
	}
	mono, lines := true, 0
	var last *pagetext.Run
	b.eachRun(n, func(_ int, run *pagetext.Run) bool {
		if strings.TrimSpace(run.Text) == "" {
			return true
		}
		mono = run.Mono || n.Type == "Code"
		if last == nil || differs(last, run) {
			lines++
		}
		last = run
		return mono
	})
	return mono && lines > 1
}

// differs tells whether a run is on another line.
func differs(a, b *pagetext.Run) bool { return math.Abs(a.Baseline-b.Baseline) > b.Size/2 }

const (
	// pitch is the width of a glyph in most fonts of a fixed pitch, in ems.
	pitch = 0.6
	// maxIndent bounds the spaces that a gap stands for.
	maxIndent = 120
	// blankLine is from how many ems between baselines on a line between is empty.
	blankLine = 2.0
)

// listing writes program text with its lines and indents.
func (b *builder) listing(parent *html.Node, n *structure.Node) {
	var out strings.Builder
	var last *pagetext.Run
	left := math.Inf(1)
	b.eachRun(n, func(_ int, run *pagetext.Run) bool {
		if strings.TrimSpace(run.Text) != "" {
			left = min(left, run.Box.Left-indentOf(run))
		}
		return true
	})
	lastPage := 0
	b.eachRun(n, func(page int, run *pagetext.Run) bool {
		line := strings.ReplaceAll(clean(run.Text), string(softHyphen), "-")
		if last == nil && strings.TrimSpace(line) == "" {
			return true
		}
		em := max(run.Size, 1)
		switch {
		case last == nil || differs(last, run) || page != lastPage:
			if last != nil {
				out.WriteByte('\n')
				if page == lastPage && last.Baseline-run.Baseline > blankLine*em {
					out.WriteByte('\n')
				}
			}
			out.WriteString(spaces((run.Box.Left - indentOf(run) - left) / (pitch * em)))
		default:
			out.WriteString(spaces((run.Box.Left - last.Box.Right) / (pitch * em)))
		}
		out.WriteString(line)
		last, lastPage = run, page
		return true
	})
	lines := strings.Split(out.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	pre := element("pre")
	code := element("code")
	b.foreign(pre, n)
	code.AppendChild(text(strings.Trim(strings.Join(lines, "\n"), "\n")))
	pre.AppendChild(code)
	b.place(pre, n)
	b.add(parent, pre)
	b.page = max(b.page, lastPage)
}

// indentOf gives the width of the spaces that a run begins with, which its box leaves out.
func indentOf(run *pagetext.Run) float64 {
	return float64(len(run.Text)-len(strings.TrimLeft(run.Text, " "))) * pitch * run.Size
}

func spaces(n float64) string {
	return strings.Repeat(" ", int(min(max(math.Round(n), 0), maxIndent)))
}
