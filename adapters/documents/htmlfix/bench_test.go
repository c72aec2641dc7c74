package htmlfix_test

import (
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/htmlfix"
)

// BenchmarkFix repairs pages of one megabyte: one of text as articles have it, and one in which everything that repeats
// is broken, which needs more than ten thousand repairs.
func BenchmarkFix(b *testing.B) {
	sentence := `Some text with <a href="/x">a link to it</a> and <b>more</b>, as people write it in letters and on pages that tell ` +
		`others what they do and why they do it. `
	for name, part := range map[string]string{
		"article": `<h3>Part</h3><p>` + strings.Repeat(sentence, 6) + `</p><p>` + strings.Repeat(sentence, 6) + `</p><img src="a.png">` + "\n",
		"broken": `<h3>Part</h3><p style="color: #999; background: #fff">` + sentence + `</p><ul><li>one<li>two</ul>` +
			`<a href="/x"><img src="a.png"> X</a><form>Name <input name="a"><button>Send</button></form>` + "\n",
	} {
		page := []byte(`<html><title>t</title><body bgcolor=white>` + strings.Repeat(part, (1<<20)/len(part)))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(page)))
			for b.Loop() {
				if _, err := htmlfix.Fix(page, htmlfix.Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
