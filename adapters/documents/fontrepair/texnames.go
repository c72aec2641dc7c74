package fontrepair

import (
	"strconv"
	"strings"
	"sync"
)

// texNames are the glyph names of the Computer Modern and AMS fonts that the Adobe Glyph List lacks, with their
// characters in hexadecimal, after the list glyphtounicode of TeX distributions. Large variants of delimiters and
// operators, whose names end in Big or display and the like, are found by the name without that.
const texNames = `
arrowlefttophalf 21BC arrowleftbothalf 21BD arrowrighttophalf 21C0 arrowrightbothalf 21C1 arrowhookleft 21AA
arrowhookright 21A9 triangleright 25B7 triangleleft 25C1 star 22C6 flat 266D natural 266E sharp 266F slurbelow 2323
slurabove 2322 lscript 2113 dotlessj 0237 vector 20D7 tie 2040 epsilon1 03F5 rho1 03F1 pi1 03D6 diamondmath 22C4
minusplus 2213 circleminus 2296 circledivide 2298 circledot 2299 circlecopyrt 25EF equivasymptotic 224D
precedesequal 2AAF followsequal 2AB0 lessmuch 226A greatermuch 226B precedes 227A follows 227B arrownortheast 2197
arrowsoutheast 2198 similarequal 2243 arrownorthwest 2196 arrowsouthwest 2199 owner 220B triangle 25B3
triangleinv 25BD negationslash 0338 mapsto 21A6 Rfractur 211C Ifractur 2111 latticetop 22A4 unionmulti 228E
turnstileleft 22A2 turnstileright 22A3 floorleft 230A floorright 230B ceilingleft 2308 ceilingright 2309
angbracketleft 27E8 angbracketright 27E9 bardbl 2225 arrowbothv 2195 arrowdblbothv 21D5 wreathproduct 2240
coproduct 2210 nabla 2207 unionsq 2294 intersectionsq 2293 subsetsqequal 2291 supersetsqequal 2292 asteriskcentered 2217
parenlefttp 239B parenleftex 239C parenleftbt 239D parenrighttp 239E parenrightex 239F parenrightbt 23A0
bracketlefttp 23A1 bracketleftex 23A2 bracketleftbt 23A3 bracketrighttp 23A4 bracketrightex 23A5 bracketrightbt 23A6
bracelefttp 23A7 braceleftmid 23A8 braceleftbt 23A9 braceex 23AA bracerighttp 23AB bracerightmid 23AC
bracerightbt 23AD vextendsingle 23D0 vextenddouble 2016 arrowvertex 23D0 arrowtp 2191 arrowbt 2193 arrowdbltp 21D1
arrowdblbt 21D3 radicalbt 23B7 radicalvertex 23D0 radicaltp 2510 bracehtipdownleft 23B0 bracehtipdownright 23B1
bracehtipupleft 23B1 bracehtipupright 23B0 contintegral 222E hatwide 0302 hatwider 0302 hatwidest 0302 tildewide 0303
tildewider 0303 tildewidest 0303 square 25A1 squaresolid 25A0 squaredot 22A1 squareplus 229E squareminus 229F
squaremultiply 22A0 lessorsimilar 2272 greaterorsimilar 2273 lessorequalslant 2A7D greaterorequalslant 2A7E
lozengesolid 29EB squareimage 228F squareoriginal 2290 trianglesolid 25B2 triangledownsld 25BC check 2713
checkmark 2713 maltesecross 2720 yen 00A5 circleR 00AE circleS 24C8 fork 22D4 therefore 2234 because 2235
definesequal 225C muchless 226A muchgreater 226B perpcorrespond 2A5E approxorequal 224A arrowsquiggleright 21DD
harpoonleftright 21CB harpoonrightleft 21CC visiblespace 2423 visualspace 2423 compwordmark 200C cwm 200C
compoundwordmark 200C sfthyphen 00AD hyphenchar 002D Germandbls 1E9E SS 1E9E dblgrave 030F suppress 0337
perthousandzero 2080 ringfitted 02DA arrowrightmapsto 21A6 arrowmapsto 21A6 similarrightarrow 2972 equalrightarrow 21D2
mu1 00B5 dbar 0111 oinvbreve 020F nbspace 00A0 nonbreakingspace 00A0 softhyphen 00AD middot 00B7 macron1 00AF hardspace 00A0
bar1 007C leftquote 2018 rightquote 2019 quoteleftbase 201A quotedblleftbase 201E Omegainv 2127 anglearc 2222
emptyset1 2205 fractionslash 2044 mappedto 21A6 openbullet 25E6 bigcircle 25EF nullset 2205 hbar 210F planckover2pi 210F
planckover2pi1 210F Digamma 03DC digamma 03DD beth 2136 gimel 2137 daleth 2138 integerdivide 2216 notexistential 2204
divideontimes 22C7 ltimes 22C9 rtimes 22CA smile 2323 frown 2322 multimap 22B8 models 22A7 forces 22A9 forcesbar 22AA
satisfies 22A8 subsetnoteql 228A supersetnoteql 228B notless 226E notgreater 226F notlessequal 2270
notgreaterequal 2271 notsimilar 2241 notequivalence 2262 notelementof 2209 notsubset 2284 ff FB00 ffi FB03 ffl FB04
`

var texTexts = sync.OnceValue(func() map[string]string {
	fields := strings.Fields(texNames)
	out := make(map[string]string, len(fields)/2)
	for i := 0; i+1 < len(fields); i += 2 {
		if v, err := strconv.ParseUint(fields[i+1], 16, 32); err == nil {
			out[fields[i]] = string(rune(v))
		}
	}
	return out
})

// sizes are the endings that TeX's fonts have for larger variants of a glyph.
var sizes = []string{"bigg", "Bigg", "big", "Big", "text", "display", "wide", "small", "1", "alt"}

// texText gives the character of a name of TeX's fonts, "" if it is not known.
func texText(name string, listed func(string) (string, bool)) string {
	if text, ok := texTexts()[name]; ok {
		return text
	}
	for _, size := range sizes {
		base, ok := strings.CutSuffix(name, size)
		if !ok || base == "" {
			continue
		}
		if text, ok := texTexts()[base]; ok {
			return text
		}
		if text, ok := listed(base); ok && len(base) > 1 {
			return text
		}
	}
	return ""
}
