package htmlfix

import (
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// skipTexts are the words of a skip link by primary language.
var skipTexts = map[string]string{
	"en": "Skip to main content", "de": "Zum Hauptinhalt springen", "fr": "Aller au contenu principal",
	"es": "Saltar al contenido principal", "it": "Vai al contenuto principale", "nl": "Ga naar de hoofdinhoud",
	"pt": "Ir para o conteúdo principal", "pl": "Przejdź do głównej treści", "sv": "Hoppa till huvudinnehållet",
	"da": "Gå til hovedindholdet", "nb": "Gå til hovedinnholdet", "no": "Gå til hovedinnholdet",
	"fi": "Siirry pääsisältöön", "cs": "Přejít na hlavní obsah", "sk": "Prejsť na hlavný obsah",
	"hu": "Ugrás a fő tartalomra", "ro": "Salt la conținutul principal", "el": "Μετάβαση στο κύριο περιεχόμενο",
	"ru": "Перейти к основному содержанию", "uk": "Перейти до основного вмісту", "tr": "Ana içeriğe geç",
	"ja": "メインコンテンツへスキップ", "zh": "跳到主要内容", "ko": "본문으로 건너뛰기",
}

// skipStyle keeps the link out of sight until it has focus. Black on white has enough contrast on any page.
const skipStyle = `<style ` + htmlcheck.SkipLinkStyle + `="">.perfectworks-skip-link{position:absolute;left:-10000px;top:0;` +
	`z-index:10000;padding:.5em 1em;color:#000;background:#fff}.perfectworks-skip-link:focus{left:0}</style>`

// linksToSkip is how many links must stand before the main part for a link past them.
const linksToSkip = 3

// skipLink puts a link to the main part at the start of the page, if the main part is one that was made here or nothing
// else lets people skip what repeats.
func (p *plan) skipLink() {
	made := slices.ContainsFunc(p.fixed, func(r Repair) bool { return r.Rule == "landmark-one-main" })
	mains := p.shownWithRole("main")
	if !made && p.counts["bypass"] == 0 || len(mains) != 1 || len(p.SkipLinks()) > 0 {
		return
	}
	body := p.All("body")[0]
	if p.linksBefore(mains[0]) < linksToSkip {
		return
	}
	place, ok := p.bodyPlace(body)
	style, styleOK := p.headEnd()
	if !ok || !styleOK || style > place {
		return
	}
	lang, _, _ := strings.Cut(strings.ToLower(htmlcheck.Attr(p.All("html")[0], "lang")), "-")
	text, known := skipTexts[lang]
	attribute := ""
	if !known {
		text, attribute = skipTexts["en"], ` lang="en"`
	}
	r := p.start("bypass", nil, "link to the main part added at the start, visible while it has focus")
	id := r.id(mains[0], "main")
	r.insert(style, skipStyle)
	r.insert(place, `<a class="perfectworks-skip-link" href="#`+escape(id)+`"`+attribute+`>`+text+`</a>`)
	p.add(r)
}

func (p *plan) linksBefore(main *html.Node) int {
	links := 0
	for _, n := range p.Elements {
		if n == main {
			break
		}
		if n.Data == "a" && p.Shown(n) && p.Tabbable(n) {
			links++
		}
	}
	return links
}

// bodyPlace returns the place where the body's content begins.
func (p *plan) bodyPlace(body *html.Node) (int, bool) {
	if offset, ok := p.Offset(body); ok {
		tokens := p.Tokens
		if i, ok := tokenAt(tokens, offset); ok {
			return tokens[i].End, true
		}
	}
	for kid := body.FirstChild; kid != nil; kid = kid.NextSibling {
		if isContent(kid) {
			return p.beginOf(kid)
		}
	}
	return 0, false
}

// headEnd returns the place where the head ends.
func (p *plan) headEnd() (int, bool) {
	if e, ok := p.extent(p.All("head")[0]); ok && e.closed {
		return e.innerEnd, true
	}
	for _, n := range p.All("title") {
		if e, ok := p.extent(n); ok && n.Namespace == "" && n.Parent.Data == "head" {
			return e.end, true
		}
	}
	return p.headPlace()
}

// skipTargets lets skip links that lead nowhere lead to the main part.
func (p *plan) skipTargets() {
	mains := p.shownWithRole("main")
	if len(mains) != 1 {
		return
	}
	for _, f := range p.findings("skip-link") {
		target := strings.TrimPrefix(htmlcheck.Attr(f.Node, "href"), "#")
		r := p.start(f.Rule, f.Node, "skip link leads to the main part")
		if !htmlcheck.Has(mains[0], "id") && target != "" && !strings.ContainsAny(target, " \t\n%") {
			p.add(r.set(mains[0], "id", target))
			continue
		}
		p.add(r.set(f.Node, "href", "#"+r.id(mains[0], "main")))
	}
}
