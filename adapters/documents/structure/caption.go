package structure

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// captionStart are the words that captions begin with, before a number.
var captionStart = regexp.MustCompile(`^(?i:(figure|fig\.|illustration|abbildung|abb\.|bild|рисунок|рис\.|σχήμα|εικόνα|` +
	`figura|ilustración|chart|diagram|grafik|plate|photo|map|σχ\.|εικ\.|schéma|графік|мал\.|рисунка|figur|figuur|afbeelding|` +
	`rysunek|rys\.|obrázek|obr\.|şekil|איור|תרשים|תמונה|(?:ال)?شكل|(?:ال)?صورة|图|圖|図|그림)|` +
	`(table|tabelle|tab\.|таблица|табл\.|πίνακας|πιν\.|tableau|tabla|tabella|tabela|tabell|tabel|tabulka|tablo|çizelge|` +
	`טבלה|לוח|(?:ال)?جدول|表|표)|` +
	`(listing|algorithm|example|programm|листинг))\s*(?:[A-Z]\.?)?\p{Nd}{1,3}(?:[.\-–]\p{Nd}{1,3})*\s*(?:[.:)\-–—：]|\p{Lu}|$)`)

// captionKind tells what a text is the caption of: "figure", "table" or "code"; "" if it is none.
func captionKind(text string) string {
	const longest = 30 // bytes in which the word and its number stand
	if !strings.ContainsFunc(text[:min(len(text), longest)], unicode.IsDigit) {
		return ""
	}
	m := captionStart.FindStringSubmatchIndex(text[:min(len(text), longest)])
	if m == nil && len(text) > longest {
		// The cut may have split a character or dropped what ends the number.
		cut := text
		if len(cut) > 4*longest {
			cut = cut[:4*longest]
		}
		m = captionStart.FindStringSubmatchIndex(strings.ToValidUTF8(cut, ""))
	}
	switch {
	case m == nil:
		return ""
	case m[2] >= 0:
		return "figure"
	case m[4] >= 0:
		return "table"
	}
	return "code"
}

// maxCaption is how many letters a caption has at the most.
const maxCaption = 600

// findCaptions gives figures and tables their captions.
func (d *document) findCaptions() {
	var out []*block
	used := map[*block]bool{}
	for i, b := range d.blocks {
		if b.kind != paragraph && b.kind != heading || utf8.RuneCountInString(b.text) > maxCaption {
			continue
		}
		kind := captionKind(b.text)
		if kind == "" {
			continue
		}
		b.kind, b.level = caption, 0
		for _, at := range [...]int{i - 1, i + 1} {
			if at < 0 || at >= len(d.blocks) {
				continue
			}
			o := d.blocks[at]
			if o.page != b.page || o.captioned != nil || !captures(o, kind) {
				continue
			}
			// Of two neighbours the nearer one.
			other := 2*i - at
			if other >= 0 && other < len(d.blocks) && other > at && captures(d.blocks[other], kind) &&
				d.blocks[other].page == b.page && d.blocks[other].captioned == nil && distance(b, d.blocks[other]) < distance(b, o) {
				continue
			}
			o.captioned = b
			used[b] = true
			break
		}
	}
	for _, b := range d.blocks {
		if !used[b] {
			out = append(out, b)
		}
	}
	d.blocks = out
}

func captures(b *block, kind string) bool {
	return b.kind == figure && kind == "figure" || b.kind == table && kind == "table" ||
		b.kind == figure && kind == "table" && len(b.images) > 0
}

func distance(a, b *block) float64 {
	return max(a.box.Bottom-b.box.Top, b.box.Bottom-a.box.Top, 0)
}
