package htmlcheck

import (
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// media checks video and audio.
func (c *checker) media() {
	for _, n := range c.All("video", "audio") {
		c.result.Media++
		if n.Data == "video" && c.Shown(n) && !Has(n, "muted") && !c.captioned(n) {
			c.fail("video-caption", n, "")
		}
		if Has(n, "autoplay") && !Has(n, "muted") && !Has(n, "controls") && !playsBriefly(n) && !c.canBeStopped() {
			c.fail("no-autoplay-audio", n, "")
		}
	}
}

// playsBriefly reports whether the fragments of all sources end within three seconds (Media Fragments URI 1.0, 4.2.1).
func playsBriefly(n *html.Node) bool {
	sources := []string{}
	if Has(n, "src") {
		sources = append(sources, Attr(n, "src"))
	}
	for _, kid := range Kids(n) {
		if kid.Data == "source" {
			sources = append(sources, Attr(kid, "src"))
		}
	}
	for _, source := range sources {
		_, fragment, _ := strings.Cut(source, "#")
		_, span, ok := strings.Cut("&"+fragment, "&t=")
		span, _, _ = strings.Cut(span, "&")
		from, to, hasEnd := strings.Cut(strings.TrimPrefix(span, "npt:"), ",")
		start, err1 := strconv.ParseFloat(from, 64)
		end, err2 := strconv.ParseFloat(to, 64)
		if from == "" {
			start, err1 = 0, nil
		}
		if !ok || !hasEnd || err1 != nil || err2 != nil || end-start > 3 {
			return false
		}
	}
	return len(sources) > 0
}

// stopWords name controls that stop or silence what plays.
var stopWords = []string{"pause", "stop", "mute", "unmute", "anhalten", "stopp", "stummschalten", "ton aus", "arrêter", "couper le son", "pausa", "silenciar", "detener", "pauze"}

// canBeStopped reports whether the page has a control that says that it stops or silences something.
func (c *checker) canBeStopped() bool {
	return slices.ContainsFunc(c.Elements, func(n *html.Node) bool {
		return c.Role(n) == "button" && c.Shown(n) && c.Visible(n) && slices.ContainsFunc(stopWords, func(word string) bool {
			return strings.Contains(" "+strings.ToLower(c.Name(n))+" ", " "+word+" ")
		})
	})
}

func (c *checker) captioned(n *html.Node) bool {
	for _, track := range Kids(n) {
		if track.Data == "track" && strings.EqualFold(Attr(track, "kind"), "captions") {
			return true
		}
	}
	return false
}
