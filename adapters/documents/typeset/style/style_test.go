package style

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"
)

// styleOf gives the style of the element with the id "x" in a document.
func styleOf(t *testing.T, source string) *Style {
	t.Helper()
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		t.Fatal(err)
	}
	var sheets []*Sheet
	var find func(n *html.Node, visit func(*html.Node))
	find = func(n *html.Node, visit func(*html.Node)) {
		visit(n)
		for k := n.FirstChild; k != nil; k = k.NextSibling {
			find(k, visit)
		}
	}
	var target *html.Node
	find(root, func(n *html.Node) {
		if n.Data == "style" && n.FirstChild != nil {
			sheets = append(sheets, Parse(n.FirstChild.Data))
		}
		if id, _ := attribute(n, "id"); id == "x" {
			target = n
		}
	})
	r := NewResolver(sheets...)
	var compute func(n *html.Node) *Style
	compute = func(n *html.Node) *Style {
		if n == nil || n.Type != html.ElementNode {
			return Root()
		}
		return r.Style(n, compute(n.Parent))
	}
	if target == nil {
		t.Fatalf("nothing has the id x in %s", source)
	}
	return compute(target)
}

// TestSelectors tests which selectors match the element with the id x.
func TestSelectors(t *testing.T) {
	t.Parallel()
	const body = `<div class="a b"><p>1</p><p id=x class="c d" lang="en-GB" data-k="v w" title=Word><b></b></p><i></i><p>3</p></div>`
	for selector, want := range map[string]bool{
		"p": true, "i": false, "*": true, "#x": true, "#y": false, ".c": true, ".c.d": true, ".e": false, "p.c#x": true, "P": true,
		"div p": true, "div > p": true, "body > p": false, "body p": true, "p + p": true, "p ~ p": true, "i + p": false, "i ~ p": false,
		".a > .c": true, "html body div.a.b > p#x": true, "section p": false, "a, p": true, "a,b": false,
		"[title]": true, "[title=Word]": true, `[title="word"]`: false, `[title="word" i]`: true, "[data-k~=w]": true, "[data-k~=x]": false,
		"[lang|=en]": true, "[lang|=de]": false, "[title^=Wo]": true, "[title$=rd]": true, "[title*=or]": true, "[title^='']": false,
		":first-child": false, ":nth-child(2)": true, ":nth-child(2n)": true, ":nth-child(even)": true, ":nth-child(odd)": false,
		":nth-child(-n+2)": true, ":nth-child(n+3)": false, ":nth-last-child(3)": true, "p:nth-of-type(2)": true, "p:last-of-type": false,
		":not(.e)": true, ":not(.c)": false, ":is(i, .c)": true, ":where(.c)": true, ":not(:is(p))": false, ":lang(en)": true, ":lang(de)": false,
		":empty": false, ":root p": true, "p:hover": false, "p::first-line": false, "p:unknown(2)": false, "p >": false, "> p": false, "p..c": false,
		"": false, "p{": false, `\70`: true,
	} {
		got := styleOf(t, "<style>"+selector+"{min-width:7pt}</style>"+body).MinWidth.Points == 7
		if got != want {
			t.Errorf("%q matches: %v", selector, got)
		}
	}
}

// TestCascade tests which of several declarations counts.
func TestCascade(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]float64{
		`<style>p{text-indent:1pt}p{text-indent:2pt}</style><p id=x>`:                                    2,
		`<style>p.a{text-indent:1pt}p{text-indent:2pt}</style><p id=x class=a>`:                          1,
		`<style>#x{text-indent:1pt}p.a{text-indent:2pt}</style><p id=x class=a>`:                         1,
		`<style>p{text-indent:1pt!important}#x{text-indent:2pt}</style><p id=x style="text-indent:3pt">`: 1,
		`<style>#x{text-indent:2pt}</style><p id=x style="text-indent:3pt">`:                             3,
		`<style>div{text-indent:4pt}</style><div><p id=x>`:                                               4,
		`<style>div{text-indent:4pt}p{text-indent:initial}</style><div><p id=x>`:                         0,
		`<style>@media screen{p{text-indent:1pt}}@media print{p{text-indent:2pt}}</style><p id=x>`:       2,
		`<style>@media (min-width:9000px){p{text-indent:1pt}}</style><p id=x>`:                           0,
		`<style>@media not print{p{text-indent:1pt}}</style><p id=x>`:                                    0,
		`<style>@supports (x:y){p{text-indent:1pt}}</style><p id=x>`:                                     1,
		`<style>@font-face{x:y}p{text-indent:1pt}</style><p id=x>`:                                       1,
		`<style>p{text-indent:oops;text-indent:3pt;bad}</style><p id=x>`:                                 3,
		`<style>:root{--a:5pt}p{text-indent:var(--a)}</style><p id=x>`:                                   5,
		`<style>p{text-indent:var(--b, 6pt)}</style><p id=x>`:                                            6,
		`<style>p{--a:var(--a);text-indent:var(--a)}</style><p id=x>`:                                    0,
		`<style>p{font-size:10pt;text-indent:2em}</style><p id=x>`:                                       20,
		`<style>p{text-indent:calc(2 * 3pt + 1in / 2)}</style><p id=x>`:                                  42,
		`<style>p{text-indent:clamp(1pt, 9pt, 4pt)}</style><p id=x>`:                                     4,
		`<style>p{text-indent:max(1pt, 9pt)}</style><p id=x>`:                                            9,
	} {
		if got := styleOf(t, source).Indent.Points; math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: %v instead of %v", source, got, want)
		}
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	for css, get := range map[string]func(*Style) (any, any){
		"margin:1pt 2pt 3pt":               func(s *Style) (any, any) { return s.Margin[Left].Points, 2.0 },
		"margin-inline:auto 3pt":           func(s *Style) (any, any) { return s.Margin[Left].Auto && s.Margin[Right].Points == 3, true },
		"padding:-1pt":                     func(s *Style) (any, any) { return s.Padding[Top].Points, 0.0 },
		"border:1pt dashed red":            func(s *Style) (any, any) { return s.Border[Bottom], Edge{1, "dashed", Color{1, 0, 0, 1}, false} },
		"border-left:2pt solid;color:blue": func(s *Style) (any, any) { return s.Border[Left].Color, Color{0, 0, 1, 1} },
		"border-width:9pt":                 func(s *Style) (any, any) { return s.Border[Left].Width, 0.0 },
		"border-top-color:lime":            func(s *Style) (any, any) { return s.Border[Top].Color, Color{0, 1, 0, 1} },
		"font:italic bold 20pt/2 Georgia": func(s *Style) (any, any) {
			return fmt.Sprint(s.Italic, s.Bold, s.Size, s.LineHeight.Share, s.Family), "true true 20 2 1"
		},
		"font-size:200%":                                           func(s *Style) (any, any) { return s.Size, 22.0 },
		"font-size:1e9pt":                                          func(s *Style) (any, any) { return s.Size, 500.0 },
		"color:#f008":                                              func(s *Style) (any, any) { return fmt.Sprintf("%.2f", s.Color), "[1.00 0.00 0.00 0.53]" },
		"color:rgb(255 0 0 / 50%)":                                 func(s *Style) (any, any) { return s.Color, Color{1, 0, 0, 0.5} },
		"color:hsl(120deg, 100%, 50%)":                             func(s *Style) (any, any) { return s.Color, Color{0, 1, 0, 1} },
		"background:url(x) rebeccapurple":                          func(s *Style) (any, any) { return s.Background, Color{0.4, 0.2, 0.6, 1} },
		"display:table-cell":                                       func(s *Style) (any, any) { return s.Display, Block },
		"float:left;display:inline":                                func(s *Style) (any, any) { return s.Display, Block },
		"text-decoration:underline line-through":                   func(s *Style) (any, any) { return s.Underline && s.Through, true },
		"flex:2 1 10%":                                             func(s *Style) (any, any) { return fmt.Sprint(s.Grow, s.Basis.Share), "2 0.1" },
		"grid-template-columns:repeat(2,1fr) 10pt":                 func(s *Style) (any, any) { return len(s.Tracks), 3 },
		"grid-template-columns:repeat(auto-fill,minmax(90pt,1fr))": func(s *Style) (any, any) { return s.AutoFill, 90.0 },
		"list-style:'- ' inside":                                   func(s *Style) (any, any) { return s.ListType, "\x00- " },
		"position:fixed":                                           func(s *Style) (any, any) { return s.Unsupported(), "position: fixed" },
		"page-break-before:always":                                 func(s *Style) (any, any) { return s.BreakBefore, true },
		"width:50%;width:-3pt":                                     func(s *Style) (any, any) { return s.Width.Share, 0.5 },
	} {
		if got, want := get(styleOf(t, `<p id=x style="`+css+`">`)); got != want {
			t.Errorf("%s: %v instead of %v", css, got, want)
		}
	}
	for source, want := range map[string]string{
		`<table cellpadding=4 border=1><td id=x>`: "3 0.75",
		`<table><td id=x bgcolor=red>`:            "4 0",
	} {
		s := styleOf(t, source)
		if got := fmt.Sprintf("%v %v", s.Padding[Left].Points, s.Border[Left].Width); got != want {
			t.Errorf("%s: %s instead of %s", source, got, want)
		}
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	for css, want := range map[string]string{
		"@page{size:a5 landscape;margin:1in 2in}": "[595.276 419.528] 72 144",
		"@page{size:100pt 200pt}":                 "[100 200] 0 0",
		"@page{margin-left:3pt}":                  "[0 0] 0 0",
		"@page :first{size:a5}":                   "[0 0] 0 0",
		"@media screen{@page{size:a5}}":           "[0 0] 0 0",
	} {
		p := Parse(css).Page
		if got := fmt.Sprintf("%v %v %v", p.Size, p.Margin[Top].Points, p.Margin[Right].Points); got != want {
			t.Errorf("%s: %s instead of %s", css, got, want)
		}
	}
	if got := Parse("@import 'x';@import url(y);").Ignored; len(got) != 1 {
		t.Errorf("imports are told as %v", got)
	}
}

// TestNthAgrees compares an+b with counting.
func TestNthAgrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		step, offset := rapid.IntRange(-5, 5).Draw(t, "step"), rapid.IntRange(-9, 9).Draw(t, "offset")
		place := rapid.IntRange(1, 30).Draw(t, "place")
		want := false
		for n := range 100 {
			want = want || step*n+offset == place
		}
		c := condition{step: step, offset: offset}
		if got := c.nth(place); got != want {
			t.Fatalf("%dn+%d at %d: %v", step, offset, place, got)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("p>b+i~u:nth-child(2n+1){color:red;margin:calc(1px + 2%) auto}", "border:1px solid rgb(1,2,3)")
	f.Add("@media print and (min-width:3em){a{--x:var(--x)}}@page{size:A4}", "width:min(1em,max(2px,3%))")
	f.Add("a:not(:is(b,c)):lang(x)[y='z' i]::before{content:'\\41 ' attr(q) open-quote}", "font:1em/2 x")
	f.Fuzz(func(t *testing.T, sheet, declarations string) {
		root, err := html.Parse(strings.NewReader("<p class=a id=b><b></b>"))
		if err != nil {
			t.Fatal(err)
		}
		r := NewResolver(Parse(sheet))
		p := root.FirstChild.LastChild.FirstChild
		p.Attr = append(p.Attr, html.Attribute{Key: "style", Val: declarations})
		s := r.Style(p, Root())
		r.Pseudo(p, "before", s)
		if math.IsNaN(s.Size) || s.Size <= 0 || s.Size > 500 {
			t.Errorf("the size is %v", s.Size)
		}
		for _, l := range []Length{s.Width, s.Height, s.Margin[Left], s.Padding[Top], s.Indent} {
			if math.IsNaN(l.Of(500, 0)) || math.IsInf(l.Of(500, 0), 0) {
				t.Errorf("a length is %v", l)
			}
		}
	})
}

// TestSourcesStayHidden gives style sheets that want to show what is for programs.
func TestSourcesStayHidden(t *testing.T) {
	t.Parallel()
	for _, element := range []string{"head", "style", "title", "script"} {
		source := fmt.Sprintf(`<html><head><style>* , %[1]s { display: block !important }</style>`, element)
		if element != "head" {
			source += fmt.Sprintf(`<%[1]s id=x style="display: block !important">secret</%[1]s></head>`, element)
		} else {
			source = `<html><head id=x style="display: block !important"><style>head { display: block !important }</style></head>`
		}
		if s := styleOf(t, source); s.Display != None {
			t.Errorf("%s is shown as %s", element, s.Display)
		}
	}
}
