package clicks

import (
	"bufio"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/mileusna/useragent"

	"github.com/perfectworks/backend/domain/click"
)

// manyHeads is how many HEAD requests beside a click give a program away: a browser
// sends none, and a person who looks at a link with a tool sends one.
const manyHeads = 2

// headsWithin is how far from a click a HEAD request counts.
const headsWithin = 10 * time.Second

// Agents tells the agents of programs from those of browsers. The zero value knows
// what this program knows.
type Agents struct {
	// more are parts of agents in lower case.
	more []string
}

// Bounds of a file of agents.
const (
	maxAgents    = 10_000
	minAgentPart = 3 // A shorter part would be found in browsers.
)

// ReadAgents reads parts of the agents of programs, one a line, which are looked for
// beside those that are known. Case does not matter; empty lines and those that begin
// with # are passed over.
func ReadAgents(r io.Reader) (Agents, error) {
	var all Agents
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		part := strings.ToLower(strings.TrimSpace(lines.Text()))
		if part == "" || strings.HasPrefix(part, "#") {
			continue
		}
		if len(part) < minAgentPart || len(part) > maxAgent || !utf8.ValidString(lines.Text()) {
			return Agents{}, fmt.Errorf("line %d: a part of an agent must have %d to %d bytes of UTF-8", n, minAgentPart, maxAgent)
		}
		if all.more = append(all.more, part); len(all.more) > maxAgents {
			return Agents{}, fmt.Errorf("there are more than %d parts of agents", maxAgents)
		}
	}
	return all, lines.Err()
}

// Judge says what a click is taken for by what came with the request. Whether the
// visitor came before is another question.
func (a Agents) Judge(agent string, prefetch bool, heads int) (click.Verdict, click.Reason) {
	return judged(agent, a.areProgram(agent), prefetch, heads)
}

func judged(agent string, program, prefetch bool, heads int) (click.Verdict, click.Reason) {
	switch {
	case strings.TrimSpace(agent) == "":
		return click.Bot, click.ReasonNoAgent
	case program:
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

// areProgram tells whether an agent is that of a program.
func (a Agents) areProgram(agent string) bool {
	if useragent.Parse(agent).Bot {
		return true
	}
	lower := strings.ToLower(agent)
	within := func(part string) bool { return strings.Contains(lower, part) }
	if slices.ContainsFunc(programs, within) || slices.ContainsFunc(a.more, within) {
		return true
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
