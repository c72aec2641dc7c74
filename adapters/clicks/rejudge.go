package clicks

import (
	"cmp"
	"slices"
	"time"

	"github.com/perfectworks/backend/domain/click"
)

// Rejudged tells how the counts of clicks would be, had they been judged by another
// list.
type Rejudged struct {
	Segments int64 `json:"segments"`
	Clicks   int64 `json:"clicks"`
	// Now is what was recorded, Then what it would be.
	Now  Counts `json:"now"`
	Then Counts `json:"then"`
	// Campaigns are those whose numbers would change most, maxRejudged at most.
	Campaigns []RejudgedLink `json:"campaigns"`
	// Agents are those of bots that were taken for browsers, with most clicks first,
	// maxRejudged at most.
	Agents []RejudgedAgent `json:"agents"`
}

// Counts are numbers of clicks by verdict. Unique are the first human ones of a
// visitor on a link on a UTC day.
type Counts struct {
	Human      int64 `json:"human"`
	Unique     int64 `json:"unique"`
	Bots       int64 `json:"bots"`
	Duplicates int64 `json:"duplicates"`
}

func (c *Counts) add(v click.Verdict, first bool) {
	switch v {
	case click.Human:
		c.Human++
		if first {
			c.Unique++
		}
	case click.Bot:
		c.Bots++
	case click.Duplicate:
		c.Duplicates++
	}
}

// RejudgedLink is a campaign, or a referrer's own code.
type RejudgedLink struct {
	Name string `json:"id"`
	Now  Counts `json:"now"`
	Then Counts `json:"then"`
}

// RejudgedAgent is an agent whose clicks would be judged in another way.
type RejudgedAgent struct {
	Agent  string `json:"agent"`
	Clicks int64  `json:"clicks"`
}

// maxRejudged bounds the lists of a Rejudged.
const maxRejudged = 20

// Rejudge judges recorded clicks again. It changes nothing. It is not safe for
// concurrent use.
type Rejudge struct {
	agents Agents
	window time.Duration
	sums   Rejudged
	links  map[string]*RejudgedLink
	bots   map[string]int64
	// visits are by UTC day, then by link and visitor. Those of a day are dropped with
	// its salt: no visitor is known for longer.
	visits map[string]map[[2]string]time.Time
}

// NewRejudge returns one for a list. The window is that of NewVisitors.
func NewRejudge(agents Agents, window time.Duration) *Rejudge {
	return &Rejudge{
		agents: agents, window: window, links: map[string]*RejudgedLink{}, bots: map[string]int64{},
		visits: map[string]map[[2]string]time.Time{},
	}
}

// Add judges a segment again. Segments are added in the order in which they were
// recorded.
func (r *Rejudge) Add(e click.Recorded) {
	r.sums.Segments++
	r.sums.Clicks += int64(len(e.Clicks))
	programs := make([]bool, len(e.Agents))
	for i, agent := range e.Agents {
		programs[i] = r.agents.areProgram(agent)
	}
	for _, c := range e.Clicks {
		name := nameOf(e.Links[c.Link])
		link := r.links[name]
		if link == nil {
			link = &RejudgedLink{Name: name}
			r.links[name] = link
		}
		verdict, _ := judged(e.Agents[c.Agent], programs[c.Agent], c.Prefetch, c.Heads)
		first := false
		if verdict == click.Human {
			verdict, first = r.visit(name, c)
		}
		for _, counts := range []*Counts{&r.sums.Now, &link.Now} {
			counts.add(c.Verdict, c.First)
		}
		for _, counts := range []*Counts{&r.sums.Then, &link.Then} {
			counts.add(verdict, first)
		}
		if verdict == click.Bot && c.Verdict != click.Bot {
			r.bots[e.Agents[c.Agent]]++
		}
	}
	oldest := dayOf(e.OccurredAt.Add(-keepSalts))
	for day := range r.visits {
		if day < oldest {
			delete(r.visits, day)
		}
	}
}

// visit tells whether a click counts beside those of the visitor before, as
// Visitors.note does.
func (r *Rejudge) visit(link string, c click.Click) (_ click.Verdict, first bool) {
	day := r.visits[dayOf(c.At)]
	if day == nil {
		day = map[[2]string]time.Time{}
		r.visits[dayOf(c.At)] = day
	}
	key := [2]string{link, c.Visitor}
	counted, known := day[key]
	if known && counted.After(c.At.Add(-r.window)) {
		return click.Duplicate, false
	}
	day[key] = c.At
	return click.Human, !known
}

// Result is what came of it.
func (r *Rejudge) Result() Rejudged {
	out := r.sums
	out.Campaigns, out.Agents = []RejudgedLink{}, []RejudgedAgent{}
	for _, link := range r.links {
		if link.Now != link.Then {
			out.Campaigns = append(out.Campaigns, *link)
		}
	}
	change := func(l RejudgedLink) int64 { return max(l.Now.Human-l.Then.Human, l.Then.Human-l.Now.Human) }
	slices.SortFunc(out.Campaigns, func(a, b RejudgedLink) int {
		return cmp.Or(cmp.Compare(change(b), change(a)), cmp.Compare(a.Name, b.Name))
	})
	for agent, n := range r.bots {
		out.Agents = append(out.Agents, RejudgedAgent{agent, n})
	}
	slices.SortFunc(out.Agents, func(a, b RejudgedAgent) int {
		return cmp.Or(cmp.Compare(b.Clicks, a.Clicks), cmp.Compare(a.Agent, b.Agent))
	})
	out.Campaigns = out.Campaigns[:min(len(out.Campaigns), maxRejudged)]
	out.Agents = out.Agents[:min(len(out.Agents), maxRejudged)]
	return out
}
