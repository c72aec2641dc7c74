package htmlcheck_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// TestReferencesEnd gives references that lead back or multiply.
func TestReferencesEnd(t *testing.T) {
	t.Parallel()
	var names strings.Builder
	for i := range 40 {
		next := fmt.Sprintf("n%d", i+1)
		fmt.Fprintf(&names, `<p id="n%d"><button aria-labelledby="%s">x</button></p>`, i, strings.Repeat(next+" ", 8))
	}
	for _, page := range []string{
		`<div role="list" aria-owns="g"><div role="group" id="g" aria-owns="g">x</div></div>`,
		`<div role="list" id="l" aria-owns="l">x</div>`,
		names.String(),
		strings.Repeat(`<table>`, 1) + strings.Repeat(`<tr><th>x`, 20_000),
		strings.Repeat(`<label>x<input id=a></label>`, 20_000),
		`<a href=x>` + strings.Repeat(`<img alt=x>`, 20_000),
	} {
		check(t, page)
	}
}

func BenchmarkCheck(b *testing.B) {
	part := `<section><h2>Part</h2><p style="color: #333; background: #fff">Some text with <a href="x">a link to it</a> and <b>more</b>.</p>` +
		`<ul><li>one<li>two</ul><img src="a.png"><form><label>Name <input name="a"></label><button>Send</button></form></section>` + "\n"
	page := []byte(`<!DOCTYPE html><html lang="en"><title>t</title><main><h1>x</h1>` + strings.Repeat(part, (1<<20)/len(part)))
	b.SetBytes(int64(len(page)))
	for b.Loop() {
		if _, err := htmlcheck.Check(page); err != nil {
			b.Fatal(err)
		}
	}
}

// TestPositionInLongLine compares the columns of a page in one line with those that counting gives.
func TestPositionInLongLine(t *testing.T) {
	t.Parallel()
	part := "<p>é€😀x<img src=a></p>"
	result := check(t, "<html lang=en><title>t</title><main><h1>x</h1>"+strings.Repeat(part, 2_000))
	n := 0
	for _, f := range result.Findings {
		if f.Rule != "image-alt" {
			continue
		}
		want := len("<html lang=en><title>t</title><main><h1>x</h1>") + n*len([]rune(part)) + len([]rune("<p>é€😀x")) + 1
		if n++; f.Line != 1 || f.Column != want {
			t.Fatalf("image %d is at %d:%d, want column %d", n, f.Line, f.Column, want)
		}
	}
	if n != 2_000 {
		t.Errorf("%d images are found", n)
	}
}
