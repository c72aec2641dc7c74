package embedfont

import (
	_ "embed"
	"strings"
	"sync"
)

// SymbolEncoding is the names of the codes of the font Symbol (ISO 32000-1, D.5).
var SymbolEncoding = strings.Fields(`
.notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef
.notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef
.notdef .notdef .notdef .notdef space exclam universal numbersign existential percent ampersand suchthat parenleft
parenright asteriskmath plus comma minus period slash zero one two three four five six seven eight nine colon
semicolon less equal greater question congruent Alpha Beta Chi Delta Epsilon Phi Gamma Eta Iota theta1 Kappa Lambda Mu
Nu Omicron Pi Theta Rho Sigma Tau Upsilon sigma1 Omega Xi Psi Zeta bracketleft therefore bracketright perpendicular
underscore radicalex alpha beta chi delta epsilon phi gamma eta iota phi1 kappa lambda mu nu omicron pi theta rho
sigma tau upsilon omega1 omega xi psi zeta braceleft bar braceright similar .notdef .notdef .notdef .notdef .notdef
.notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef
.notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef Euro
Upsilon1 minute lessequal fraction infinity florin club diamond heart spade arrowboth arrowleft arrowup arrowright
arrowdown degree plusminus second greaterequal multiply proportional partialdiff bullet divide notequal equivalence
approxequal ellipsis arrowvertex arrowhorizex carriagereturn aleph Ifraktur Rfraktur weierstrass circlemultiply
circleplus emptyset intersection union propersuperset reflexsuperset notsubset propersubset reflexsubset element
notelement angle gradient registerserif copyrightserif trademarkserif product radical dotmath logicalnot logicaland
logicalor arrowdblboth arrowdblleft arrowdblup arrowdblright arrowdbldown lozenge angleleft registersans copyrightsans
trademarksans summation parenlefttp parenleftex parenleftbt bracketlefttp bracketleftex bracketleftbt bracelefttp
braceleftmid braceleftbt braceex .notdef angleright integral integraltp integralex integralbt parenrighttp
parenrightex parenrightbt bracketrighttp bracketrightex bracketrightbt bracerighttp bracerightmid bracerightbt .notdef
`)

// ZapfDingbatsEncoding is the names of the codes of the font ZapfDingbats (ISO 32000-1, D.6).
var ZapfDingbatsEncoding = strings.Fields(`
.notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef
.notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef
.notdef .notdef .notdef .notdef space a1 a2 a202 a3 a4 a5 a119 a118 a117 a11 a12 a13 a14 a15 a16 a105 a17 a18 a19 a20
a21 a22 a23 a24 a25 a26 a27 a28 a6 a7 a8 a9 a10 a29 a30 a31 a32 a33 a34 a35 a36 a37 a38 a39 a40 a41 a42 a43 a44 a45
a46 a47 a48 a49 a50 a51 a52 a53 a54 a55 a56 a57 a58 a59 a60 a61 a62 a63 a64 a65 a66 a67 a68 a69 a70 a71 a72 a73 a74
a203 a75 a204 a76 a77 a78 a79 a81 a82 a83 a84 a97 a98 a99 a100 .notdef a89 a90 a93 a94 a91 a92 a205 a85 a206 a86 a87
a88 a95 a96 .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef .notdef
.notdef .notdef .notdef .notdef .notdef .notdef a101 a102 a103 a104 a106 a107 a108 a112 a111 a110 a109 a120 a121 a122
a123 a124 a125 a126 a127 a128 a129 a130 a131 a132 a133 a134 a135 a136 a137 a138 a139 a140 a141 a142 a143 a144 a145
a146 a147 a148 a149 a150 a151 a152 a153 a154 a155 a156 a157 a158 a159 a160 a161 a163 a164 a196 a165 a192 a166 a167
a168 a169 a170 a171 a172 a173 a162 a174 a175 a176 a177 a178 a179 a193 a180 a199 a181 a200 a182 .notdef a201 a183 a184
a197 a185 a194 a198 a186 a195 a187 a188 a189 a190 a191 .notdef
`)

// Standard is what takes the place of one of the standard 14 fonts.
type Standard struct {
	Face *Face
	// Encoding is the font's own encoding, nil where it is StandardEncoding.
	Encoding []string
}

// BaseFont gives the font to take in the place of a standard font (ISO 32000-1, 9.6.2.2), by its name or by one of
// the names that producers use for the same: Arial, TimesNewRoman, CourierNew with a style. A subset's tag is ignored.
//
// Symbol has no free twin in the binary. For it there is Liberation Serif, which holds Greek and the usual mathematical
// signs; Machine may know a font with more. For ZapfDingbats there are glyphs of DejaVu Sans with its widths.
func BaseFont(name string) (Standard, bool) {
	if len(name) > 7 && name[6] == '+' {
		name = name[7:]
	}
	plain := strings.ToLower(strings.NewReplacer(" ", "", "-", "", ",", "", "_", "").Replace(name))
	style := Style{}
	for _, suffix := range []string{"mt", "psmt", "ps"} {
		plain = strings.TrimSuffix(plain, suffix)
	}
	for cut := true; cut; {
		cut = false
		for suffix, part := range map[string]Style{
			"bold": {Bold: true}, "italic": {Italic: true}, "oblique": {Italic: true}, "roman": {}, "regular": {},
		} {
			if rest, ok := strings.CutSuffix(plain, suffix); ok && rest != "" && plain != "timesnewroman" {
				plain, cut = rest, true
				style = Style{Bold: style.Bold || part.Bold, Italic: style.Italic || part.Italic}
			}
		}
		for _, suffix := range []string{"ps", "mt"} {
			plain = strings.TrimSuffix(plain, suffix)
		}
	}
	switch plain {
	case "helvetica", "arial", "liberationsans", "nimbussans", "nimbussansl":
		return Standard{Face: Liberation(Sans, style)}, true
	case "times", "timesnewroman", "liberationserif", "nimbusroman", "nimbusromanno9l":
		return Standard{Face: Liberation(Serif, style)}, true
	case "courier", "couriernew", "liberationmono", "nimbusmono", "nimbusmonol", "nimbusmonops":
		return Standard{Face: Liberation(Mono, style)}, true
	case "symbol":
		return Standard{Face: Liberation(Serif, style), Encoding: SymbolEncoding}, true
	case "zapfdingbats":
		return Standard{Face: dingbatsFace(), Encoding: ZapfDingbatsEncoding}, true
	}
	return Standard{}, false
}

// dingbatsTTF is a font with the characters and the widths of ZapfDingbats; its licence is beside it.
//
//go:embed dingbats/Dingbats.ttf
var dingbatsTTF []byte

var dingbatsFace = bundled(dingbatsTTF)

// dingbat gives the text of a glyph name of ZapfDingbats, which the Adobe Glyph List lacks.
func dingbat(name string) (string, bool) {
	text, ok := dingbats()[name]
	return text, ok
}

var dingbats = sync.OnceValue(func() map[string]string {
	out := map[string]string{}
	for code, name := range ZapfDingbatsEncoding {
		if name != ".notdef" && name != "space" {
			out[name] = string(dingbatRune(code))
		}
	}
	return out
})

// dingbatRune follows the order of the block Dingbats, which was made after the font, but for characters that other
// blocks had before.
func dingbatRune(code int) rune {
	if r, ok := map[int]rune{
		0x25: 0x260e, 0x2a: 0x261b, 0x2b: 0x261e, 0x48: 0x2605, 0x6c: 0x25cf, 0x6e: 0x25a0, 0x73: 0x25b2, 0x74: 0x25bc,
		0x75: 0x25c6, 0x77: 0x25d7, 0xa8: 0x2663, 0xa9: 0x2666, 0xaa: 0x2665, 0xab: 0x2660, 0xd5: 0x2192, 0xd6: 0x2194,
		0xd7: 0x2195,
	}[code]; ok {
		return r
	}
	var shift int
	switch {
	case code < 0x80:
		shift = 0x2700 - 0x20
	case code < 0xa0:
		shift = 0x2768 - 0x80
	case code < 0xac:
		shift = 0x2761 - 0xa1
	case code < 0xb6:
		shift = 0x2460 - 0xac
	default:
		shift = 0x2776 - 0xb6
	}
	return rune(code + shift) //nolint:gosec // in the Basic Multilingual Plane
}
