package clicks

import (
	"strings"
	"time"

	"github.com/mileusna/useragent"

	"github.com/perfectworks/backend/domain/click"
)

// manyHeads is how many HEAD requests beside a click give a program away: a browser
// sends none, and a person who looks at a link with a tool sends one.
const manyHeads = 2

// headsWithin is how far from a click a HEAD request counts.
const headsWithin = 10 * time.Second

// Judge says what a click is taken for by what came with the request. Whether the
// visitor came before is another question.
func Judge(agent string, prefetch bool, heads int) (click.Verdict, click.Reason) {
	switch {
	case strings.TrimSpace(agent) == "":
		return click.Bot, click.ReasonNoAgent
	case isProgram(agent):
		return click.Bot, click.ReasonAgent
	case prefetch:
		return click.Bot, click.ReasonPrefetch
	case heads >= manyHeads:
		return click.Bot, click.ReasonHeads
	}
	return click.Human, ""
}

// programs are parts of the agents of programs that the library takes for
// browsers, or knows nothing of, in lower case.
var programs = []string{
	"bot", "crawl", "spider", "slurp", "preview", "facebookexternalhit", "whatsapp", "telegram", "skypeuri", "embedly",
	"curl/", "wget/", "python", "go-http-client", "java/", "okhttp", "axios", "node-fetch", "libwww", "httpclient",
	"headless", "phantomjs", "puppeteer", "playwright", "lighthouse", "monitor", "scan", "fetch", "validator",
	"safelinks", "proofpoint", "mimecast", "barracuda",
}

func isProgram(agent string) bool {
	if useragent.Parse(agent).Bot {
		return true
	}
	lower := strings.ToLower(agent)
	for _, part := range programs {
		if strings.Contains(lower, part) {
			return true
		}
	}
	// All browsers begin so, for historical reasons.
	return !strings.HasPrefix(lower, "mozilla/") && !strings.HasPrefix(lower, "opera/")
}

// deviceOf is the class of the device that an agent names.
func deviceOf(agent string) click.Device {
	switch ua := useragent.Parse(agent); {
	case ua.Tablet:
		return click.Tablet
	case ua.Mobile:
		return click.Mobile
	case ua.Desktop:
		return click.Desktop
	}
	return click.Other
}
