package font

import (
	_ "embed" // the glyph list
	"strconv"
	"strings"
	"sync"
)

//go:embed glyphlist.txt
var glyphListText string

var glyphList = sync.OnceValue(func() map[string]string {
	list := make(map[string]string, 4300)
	for line := range strings.Lines(glyphListText) {
		name, codes, ok := strings.Cut(strings.TrimSpace(line), ";")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		var text strings.Builder
		for code := range strings.FieldsSeq(codes) {
			if v, err := strconv.ParseUint(code, 16, 32); err == nil {
				text.WriteRune(rune(v))
			}
		}
		list[name] = text.String()
	}
	return list
})

// GlyphText gives the text that the Adobe Glyph List has for a glyph name.
func GlyphText(name string) (string, bool) {
	text, ok := glyphList()[name]
	return text, ok
}

// symbols are the glyph names of Symbol and ZapfDingbats that the Adobe Glyph List lacks: a1 to a206, and the parts
// of brackets and the like, which have no code in Unicode of their own.
func isDingbat(name string) bool {
	digits, ok := strings.CutPrefix(name, "a")
	if !ok {
		return false
	}
	n, err := strconv.Atoi(digits)
	return err == nil && n >= 1 && n <= 206
}

// HasMeaning tells whether a glyph name stands for a character: in the Adobe Glyph List, or in ZapfDingbats, whose
// names ISO 14289-1, 7.21.7 admits.
func HasMeaning(name string) bool {
	_, ok := GlyphText(name)
	return ok || isDingbat(name)
}
