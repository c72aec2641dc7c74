package fontrepair

import (
	"math"
	"strconv"
	"strings"
	"sync"

	"github.com/perfectworks/backend/adapters/documents/embedfont"
	"github.com/perfectworks/backend/adapters/documents/font"
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// windowsFonts begin the names of fonts whose glyphs are in the order that came with the first fonts of Windows.
var windowsFonts = []string{
	"arial", "timesnewroman", "couriernew", "verdana", "tahoma", "georgia", "trebuchet", "comicsans", "impact",
}

// centralEuropean are the glyphs that follow, those of the code pages 1250 and 437.
const (
	firstCentral    = 258
	centralEuropean = "ĂăĄąĎďĐĘęĚěĹĺĽľĿŀŃńŇňŐőŔŕŘřŚśŢţŤťŮůŰűŹźŻżΓΘΦαδεστφ‗‼ⁿ₧←↑→↓↔↕"
)

// Glyphs of later versions of these fonts, in the order of Unicode.
const (
	firstCyrillic, lastCyrillic = 570, 633
	firstHebrew, lastHebrew     = 672, 698
)

// calibriGlyphs are glyphs of Calibri by number, as far as they are known.
const calibriGlyphs = `
1 space  4 A  5 À  6 Á  9 Ä  17 B  18 C  21 Č  24 D  28 E  29 È  30 É  32 Ě  38 F  39 G  44 H  47 I  48 Ì  49 Í  58 J
60 K  62 L  68 M  69 N  75 O  76 Ò  80 Ö  87 P  89 Q  90 R  92 Ř  94 S  97 Š  100 T  104 U  109 Ü  115 V  116 W  121 X
122 Y  124 Ý  127 Z  129 Ž  258 a  259 à  260 á  263 ä  268 ą  271 b  272 c  273 ć  275 č  282 d  286 e  287 è  288 é
290 ě  295 ę  296 f  336 g  346 h  349 i  350 ì  351 í  361 j  364 k  367 l  371 ł  373 m  374 n  381 o  382 ò  383 ó
386 ö  393 p  395 q  396 r  398 ř  400 s  401 ś  403 š  410 t  437 u  442 ü  448 v  449 w  454 x  455 y  457 ý  460 z
462 ž  463 ż  853 ,  855 :  856 .  876 /  878 -  882 -  894 (  895 )  896 [  897 ]  923 @  1004 0  1005 1  1006 2
1007 3  1008 4  1009 5  1010 6  1011 7  1012 8  1013 9  1081 %  1085 +  1086 -
`

var calibri = sync.OnceValue(func() map[int]string {
	out := map[int]string{}
	fields := strings.Fields(calibriGlyphs)
	for i := 0; i+1 < len(fields); i += 2 {
		number, _ := strconv.Atoi(fields[i]) // the table is ours
		text := fields[i+1]
		if text == "space" {
			text = " "
		}
		out[number] = text
	}
	return out
})

// glyphOrder gives what the glyphs of a composite font that is not embedded mean, by their numbers: its codes are glyph
// numbers of a font that its name tells. Nil if the order of its glyphs is not known.
func (r *repairer) glyphOrder(u *usedFont) func(glyph int) string {
	info, _ := r.file.Dict(u.Descendant["CIDSystemInfo"])
	ordering, _ := r.file.String(info["Ordering"])
	_, isStream := r.file.Stream(u.Descendant["CIDToGIDMap"])
	if isStream || ordering != "Identity" || r.file.Name(u.Descendant["Subtype"]) != "CIDFontType2" {
		return nil
	}
	name := strings.ToLower(strings.NewReplacer(" ", "", "-", "").Replace(plainName(u.Name)))
	if strings.HasPrefix(name, "calibri") {
		return func(glyph int) string { return calibri()[glyph] }
	}
	for _, start := range windowsFonts {
		if strings.HasPrefix(name, start) {
			return windowsGlyph
		}
	}
	return nil
}

func windowsGlyph(glyph int) string {
	central := []rune(centralEuropean)
	switch {
	case glyph >= firstCentral && glyph < firstCentral+len(central):
		return string(central[glyph-firstCentral])
	case glyph >= firstCyrillic && glyph <= lastCyrillic:
		return string(rune('А' + glyph - firstCyrillic))
	case glyph >= firstHebrew && glyph <= lastHebrew:
		return string(rune('א' + glyph - firstHebrew))
	}
	return nameText(font.WindowsGlyph(glyph))
}

// fitsOrder tells whether the widths that the document declares are those of the characters, which shows that the glyphs
// are in the order that the name promises. Face has the same widths as the font.
func (r *repairer) fitsOrder(u *usedFont, face *embedfont.Face, texts map[int]string) bool {
	list, _ := r.file.Array(u.Descendant["W"])
	declared, same := 0, 0
	for code := range u.codes {
		cid, ok := u.CMap.CID(code)
		if !ok || texts[cid] == "" {
			continue
		}
		glyph, has := face.Glyph([]rune(texts[cid])[0])
		if g := u.Glyph(code); has && r.declaresCID(list, cid) {
			declared++
			const near = 3 // thousandths of an em
			if math.Abs(face.Advance(glyph)-g.Wanted) <= near {
				same++
			}
		}
	}
	const share = 0.8
	return float64(same) >= share*float64(declared)
}

// declaresCID tells whether the list W has a width for a character identifier.
func (r *repairer) declaresCID(list pdf.Array, cid int) bool {
	for i := 0; i+1 < len(list); {
		first, _ := r.file.Integer(list[i])
		if widths, ok := r.file.Array(list[i+1]); ok {
			if at := int64(cid) - first; at >= 0 && at < int64(len(widths)) {
				return true
			}
			i += 2
			continue
		}
		last, _ := r.file.Integer(list[i+1])
		if int64(cid) >= first && int64(cid) <= last {
			return true
		}
		i += 3
	}
	return false
}
