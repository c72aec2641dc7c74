package commands_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// process runs one command, and stops before each call of the store until it is
// told what becomes of the call.
type process struct {
	*model
	deed    deed
	stopped chan string // before which call; closed at the end
	verdict chan verdict
	dead    bool
	err     error
}

type verdict int

const (
	goOn verdict = iota
	die          // before the call
	dieAfterwards
	stale // by one event, if the call is a load that a cache may answer
	staler
)

func launch(m *model, d deed) *process {
	p := &process{model: m, deed: d, stopped: make(chan string), verdict: make(chan verdict)}
	go func() {
		defer close(p.stopped)
		_, p.err = d.run(newCommands(p), d.req)
	}()
	return p
}

func (p *process) stop(call string) verdict {
	if p.dead {
		return die
	}
	p.stopped <- call
	v := <-p.verdict
	p.dead = v == die || v == dieAfterwards
	return v
}

func (p *process) Load(ctx context.Context, stream string, fold commands.Fold, fresh bool) (commands.Snapshot, error) {
	switch v := p.stop(fmt.Sprintf("load fresh=%t", fresh)); {
	case v == die, v == dieAfterwards:
		return commands.Snapshot{}, deathError{}
	case v >= stale && !fresh:
		return p.loadStale(stream, fold, int(v-stale)+1), nil
	default:
		return p.model.Load(ctx, stream, fold, fresh)
	}
}

func (p *process) Append(ctx context.Context, after commands.Snapshot, fold commands.Fold, drafts []event.Draft) (commands.Snapshot, error) {
	switch p.stop("append") {
	case die:
		return commands.Snapshot{}, deathError{}
	case dieAfterwards:
		_, _ = p.model.Append(ctx, after, fold, drafts)
		return commands.Snapshot{}, deathError{}
	default:
		return p.model.Append(ctx, after, fold, drafts)
	}
}

func (p *process) Find(ctx context.Context, stream string, after event.Revision, id event.ID) (event.Recorded, bool, error) {
	if v := p.stop("find"); v == die || v == dieAfterwards {
		return event.Recorded{}, false, deathError{}
	}
	return p.model.Find(ctx, stream, after, id)
}

// However the calls of many commands interleave, whoever dies at whatever
// call, however far behind the caches are, and whichever request is repeated
// meanwhile: no value is ever used twice, and in the end every value that nobody
// uses can be had.
func TestInterleavings(t *testing.T) {
	t.Parallel()
	for batch := range 10 { // of as many checks as the flag says, 100 by default
		t.Run(fmt.Sprint(batch), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, checkInterleaving)
		})
	}
}

func checkInterleaving(t *rapid.T) {
	m := newModel()
	town := newTown(m)
	var running []*process
	start := func(d deed) {
		if p := launch(m, d); p.arrived() {
			running = append(running, p)
		}
	}
	for range rapid.IntRange(2, 5).Draw(t, "commands") {
		start(town.draw(t))
	}
	repeats := rapid.IntRange(0, 3).Draw(t, "repeats")
	for len(running) > 0 {
		i := rapid.IntRange(0, len(running)-1).Draw(t, "process")
		p := running[i]
		v := rapid.SampledFrom([]verdict{goOn, goOn, goOn, goOn, goOn, goOn, stale, staler, die, dieAfterwards}).Draw(t, "verdict")
		if p.verdict <- v; !p.arrived() {
			running = append(running[:i], running[i+1:]...)
		}
		if repeats > 0 && (v == die || v == dieAfterwards || rapid.IntRange(0, 9).Draw(t, "impatience") == 0) {
			repeats--
			again := p.deed
			again.req.Retry = true
			start(again)
		}
	}
	m.checkUniqueness(t)
	town.checkThatUnusedValuesAreFree(t)
}

// arrived waits until the process stops before a call; false says that it has
// ended.
func (p *process) arrived() bool {
	_, ok := <-p.stopped
	return ok
}

// town is people and organizations who want the same few values.
type town struct {
	*world
	m      *model
	people []access.Principal
	key    id.APIKey
}

var (
	townSlugs  = []string{"alpha", "beta", "gamma"}
	townEmails = []string{"one@example.org", "two@example.org"}
	townTimes  = []time.Duration{0, 30 * time.Second, 2 * time.Minute, 91 * 24 * time.Hour, 190 * 24 * time.Hour}
)

func newTown(m *model) *town {
	town := &town{world: &world{TB: inTown{}, Commands: newCommands(m), store: m, now: start}, m: m}
	for _, slug := range townSlugs[:2] {
		p := town.person()
		o := must(town.CreateOrganization(testContext, town.request(p), slugged(slug))).in(town).Value.Organization
		town.people = append(town.people, within(p, o.ID, access.Owner))
	}
	town.key = town.world.key(town.people[0], ofOrganization).ID
	return town
}

// inTown lets a world be made where there is no test to fail: it panics.
type inTown struct{ testing.TB }

func (inTown) Helper()                  {}
func (inTown) Context() context.Context { return testContext }
func (inTown) Fatal(args ...any)        { panic(fmt.Sprint(args...)) }

// draw is a command of somebody, at some time.
func (w *town) draw(t *rapid.T) deed {
	w.now = start.Add(rapid.SampledFrom(townTimes).Draw(t, "time"))
	p := rapid.SampledFrom(w.people).Draw(t, "person")
	slug := rapid.SampledFrom(townSlugs).Draw(t, "slug")
	email := rapid.SampledFrom(townEmails).Draw(t, "email")
	switch rapid.IntRange(0, 5).Draw(t, "command") {
	case 0:
		p = access.Principal{Kind: access.KindUser, Identity: identity(rapid.SampledFrom([]string{"x", "y"}).Draw(t, "subject"), email)}
		p.Identity.EmailVerified = rapid.Bool().Draw(t, "verified")
		return act(w.request(p), toRegister, ada())
	case 1:
		return act(w.request(p), toCreate, slugged(slug))
	case 2:
		return act(w.request(p), toCreate, named("Alpha"))
	case 3:
		return act(w.request(p), toUpdate, moved(slug))
	case 4:
		return act(w.request(vouched(p, email, w.now.Add(time.Second))), toFollow, commands.FollowEmail{})
	default:
		return act(w.request(w.people[0]), toRotate, commands.RotateAPIKey{KeyID: w.key})
	}
}

func (w *town) checkThatUnusedValuesAreFree(t *rapid.T) {
	used := map[string]bool{}
	for _, events := range w.m.all(organization.Aggregate.Category) {
		used[foldAll(events, organization.Apply).Slug] = true
	}
	for _, events := range w.m.all(user.Aggregate.Category) {
		if u := foldAll(events, user.Apply); u.EmailVerified {
			used[u.EmailHash] = true
		}
	}
	w.now = start.AddDate(2, 0, 0) // after every grace and quarantine
	p := w.person()
	for _, slug := range townSlugs {
		if _, err := w.CreateOrganization(testContext, w.request(p), slugged(slug)); (err != nil) != used[slug] {
			t.Errorf("the slug %s, in use: %t, gives %v\n%s", slug, used[slug], err, w.m)
		}
	}
	for i, email := range townEmails {
		p := access.Principal{Kind: access.KindUser, Identity: identity(fmt.Sprint("new", i), email)}
		if _, err := w.RegisterUser(testContext, w.request(p), ada()); (err != nil) != used[hashOf(email)] {
			t.Errorf("the address %s, in use: %t, gives %v\n%s", email, used[hashOf(email)], err, w.m)
		}
	}
	w.m.checkUniqueness(t)
}
