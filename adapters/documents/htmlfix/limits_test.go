package htmlfix_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
	"github.com/perfectworks/backend/adapters/documents/htmlfix"
)

// TestLargeDocumentsEnd gives documents in which something is there very often.
func TestLargeDocumentsEnd(t *testing.T) {
	t.Parallel()
	var attributes, links strings.Builder
	for i := range 8_000 {
		fmt.Fprintf(&attributes, " aria-a%d=x", i)
	}
	for i := range 2_000 {
		fmt.Fprintf(&links, `<a href="/%d"><img src="%d.png"></a><a href="/%d">Link %d</a>`, i, i, i, i)
	}
	for name, source := range map[string]string{
		"attributes":  "<p" + attributes.String() + ">x",
		"identifiers": strings.Repeat(`<label for=a>Name</label><input id=a>`, 2_000),
		"images":      "<a href=x>" + strings.Repeat("<img src=a>", 4_000) + "</a>",
		"links":       links.String(),
		"fields":      strings.Repeat("Name: <input> ", 2_000),
		"headings":    strings.Repeat("<h2>a</h2><h6>b</h6>", 2_000),
		"items":       strings.Repeat("<div><li>a</div>", 2_000),
		"terms":       "<dl>" + strings.Repeat("<dt>a<p>b</p>", 2_000) + "</dl>",
		"strays":      "<ul>" + strings.Repeat("a<li>b</li>", 2_000) + "</ul>",
		"tables":      strings.Repeat("<table border=1><tr><td>a<td>1<tr><td>b<td>2</table>", 2_000),
		"parts":       strings.Repeat("<header>a</header><p>b</p>", 1_500),
		"harm":        "<body>" + strings.Repeat("<div role=navigation tabindex=3>a<svg role=img><desc>a</desc></svg></div><span role=listitem>b</span>", 1_000),
		"deep":        strings.Repeat("<div style='color:#aaa;background:#fff'>a", 450),
		"colours":     "<div style='color:#aaa;background:#fff'>" + strings.Repeat("<p>a</p>", 4_000) + "</div>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if result := fix(t, source); len(result.Fixed) == 0 {
				t.Error("nothing is repaired")
			}
		})
	}
}

func TestDeepNestingIsRefused(t *testing.T) {
	t.Parallel()
	var deep *htmlcheck.TooDeepError
	if _, err := htmlfix.Fix([]byte(strings.Repeat("<div>", 100_000)), htmlfix.Options{}); !errors.As(err, &deep) {
		t.Errorf("got %v", err)
	}
}

// TestGoodPageStays repairs a page with nothing to repair, in an unusual style.
func TestGoodPageStays(t *testing.T) {
	t.Parallel()
	source := "\xef\xbb\xbf<!doctype HTML>\r\n<HTML lang = en  ><head><META charset=utf-8 ><title>Prices</title></HEAD >\r\n" +
		"<body ><!-- <img> --><header><nav aria-label='Main'><ul><li><a href=/ >Hom&eacute;</a></ul></nav></header>\r\n" +
		"<main id=m><h1>Prices</h1 ><p CLASS=x data-Y='1'>a & b<script>if (a < b) c()</script>\t<img src=a alt='A cup'></main>\r\n\r\n"
	result := fix(t, source)
	if diff := cmp.Diff(source, string(result.HTML)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	if len(result.Fixed)+len(result.Manual) > 0 {
		t.Errorf("something is found: %+v", result)
	}
}

func TestPlacesAreThoseOfTheOriginal(t *testing.T) {
	t.Parallel()
	source := "<!DOCTYPE html><html>\n<title>t</title><h2 tabindex=1>Main</h2>\n\té<img src=a><ul>\n<p role=buton>x</p></ul>"
	result := fix(t, source)
	got := map[string][2]int{}
	for _, r := range result.Fixed {
		got[r.Rule] = [2]int{r.Line, r.Column}
	}
	for _, f := range result.Manual {
		if _, known := got[f.Rule]; !known {
			got[f.Rule] = [2]int{f.Line, f.Column}
		}
	}
	for rule, want := range map[string][2]int{"tabindex": {2, 17}, "image-alt": {3, 3}, "list": {3, 14}, "aria-roles": {4, 1}, "html-has-lang": {1, 16}} {
		if got[rule] != want {
			t.Errorf("%s is at %v, want %v", rule, got[rule], want)
		}
	}
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	var asked []htmlfix.Image
	describe := func(image htmlfix.Image) string {
		asked = append(asked, image)
		return map[string]string{"cat.png": " A cat &\n \"Tom\" ", "go.png": "Start", "none.png": "", "bad.png": "image.png"}[image.Source]
	}
	source := page(`<p>Before <img src="cat.png"> after</p><a href="/go"><img src="go.png"></a><img src="none.png"><img src="bad.png">` +
		`<a href="/x"><img src="icon.png"> Text</a><img src="cat.png"><img src="bad.png">`)
	result, err := htmlfix.Fix([]byte(source), htmlfix.Options{Describe: describe})
	if err != nil {
		t.Fatal(err)
	}
	want := page(`<p>Before <img src="cat.png" alt="A cat &amp; &#34;Tom&#34;"> after</p><a href="/go"><img src="go.png" alt="Start"></a>` +
		`<img src="none.png"><img src="bad.png"><a href="/x"><img src="icon.png" alt=""> Text</a>` +
		`<img src="cat.png" alt="A cat &amp; &#34;Tom&#34;"><img src="bad.png">`)
	if diff := cmp.Diff(want, string(result.HTML)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	wantAsked := []htmlfix.Image{
		{Source: "cat.png", Language: "en", Before: "x Before", After: "after Text"},
		{Source: "go.png", Language: "en", Before: "x Before after", After: "Text", Link: true},
		{Source: "none.png", Language: "en", Before: "x Before after", After: "Text"},
		{Source: "bad.png", Language: "en", Before: "x Before after", After: "Text"},
	}
	if diff := cmp.Diff(wantAsked, asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	reviews, left := 0, 0
	for _, f := range result.Manual {
		if f.Rule == "image-alt" && strings.Contains(f.Detail, "written by a program") {
			reviews++
		} else if f.Rule == "image-alt" {
			left++
		}
	}
	if reviews != 3 || left != 3 {
		t.Errorf("%d descriptions are to be looked at and %d images are left, want 3 and 3", reviews, left)
	}
}
