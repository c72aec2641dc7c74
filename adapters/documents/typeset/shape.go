package typeset

import (
	"github.com/go-text/typesetting/di"
	textfont "github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
)

// glyph is a glyph of a shaped word. Distances are in thousandths of an em.
type glyph struct {
	face *embedfont.Face
	id   int32
	// first is the character with which its cluster begins, runes how many characters and glyphs how many glyphs the
	// cluster has.
	first         int32
	runes, glyphs uint16
	advance       float32
	dx, dy        float32
	// boxed tells that it stands for a sign that no font has.
	boxed bool
}

// wordKey identifies a word that was shaped.
type wordKey struct {
	face        *embedfont.Face
	text        string
	rightToLeft bool
}

// The limits of what is shaped at once and remembered.
const (
	maxWords    = 50_000
	maxWordKey  = 40
	maxShapeRun = 4_000
)

type shaper struct {
	harfbuzz shaping.HarfbuzzShaper
}

// word shapes characters of one face, script and direction. The glyphs are in the order in which they are drawn from
// the left; their clusters count from the first character.
func (f *fonts) word(face *embedfont.Face, text []rune, rightToLeft bool) []glyph {
	key := wordKey{face: face, rightToLeft: rightToLeft}
	if len(text) <= maxWordKey {
		key.text = string(text)
		if known, ok := f.words[key]; ok {
			return known
		}
	}
	var out []glyph
	for start := 0; start < len(text); start += maxShapeRun {
		part := text[start:min(len(text), start+maxShapeRun)]
		shaped := f.shape(face, part, rightToLeft)
		for i := range shaped {
			shaped[i].first += int32(start)
		}
		if rightToLeft {
			out = append(shaped, out...)
		} else {
			out = append(out, shaped...)
		}
	}
	if key.text != "" {
		if len(f.words) >= maxWords {
			clear(f.words)
		}
		f.words[key] = out
	}
	return out
}

// emSize is the size at which text is shaped, so that distances come in thousandths of an em.
const emSize = 1000

func (f *fonts) shape(face *embedfont.Face, text []rune, rightToLeft bool) []glyph {
	input := shaping.Input{
		Text: text, RunEnd: len(text), Size: fixed.I(emSize), Language: f.language, Script: scriptOf(text),
		Direction: di.DirectionLTR,
	}
	if rightToLeft {
		input.Direction = di.DirectionRTL
	}
	var shaped shaping.Output
	face.Shape(func(t *textfont.Face) {
		input.Face = t
		shaped = f.shaper.harfbuzz.Shape(input)
	})
	out := make([]glyph, 0, len(shaped.Glyphs))
	points := func(v fixed.Int26_6) float32 { return float32(v) / 64 }
	for _, g := range shaped.Glyphs {
		out = append(out, glyph{
			face: face, id: int32(g.GlyphID), first: int32(g.ClusterIndex), //nolint:gosec // 16 bits, within a paragraph
			runes: uint16(min(g.RuneCount, 1<<16-1)), glyphs: uint16(min(g.GlyphCount, 1<<16-1)), //nolint:gosec // bounded
			advance: points(g.XAdvance), dx: points(g.XOffset), dy: points(g.YOffset),
		})
	}
	return out
}

// scriptOf is the script of the first character that has one of its own.
func scriptOf(text []rune) language.Script {
	for _, r := range text {
		if s := language.LookupScript(r); s != language.Common && s != language.Inherited && s != language.Unknown {
			return s
		}
	}
	return language.Latin
}
