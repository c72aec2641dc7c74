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
