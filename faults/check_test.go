package faults

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/app"
	"github.com/perfectworks/backend/projections"
)

// after lets the load do some more work, and then checks the system at rest.
func (s *system) after(fault, detail string, began time.Time, more int64) {
	s.t.Helper()
	lasted := time.Since(began)
	s.load.until(more)
	s.load.pause()
	defer s.load.resume()
	l := line{fault: fault, detail: detail}
	s.rest()
	l.events = s.number(s.log, "SELECT count(*) FROM eventnode.events")
	l.jobs = s.number(s.db, "SELECT count(*) FROM jobs.river_job WHERE state = 'completed' AND kind NOT LIKE 'periodic/%'")
	s.checkSurprises()
	s.checkLog()
	s.checkClicks()
	s.checkMails()
	l.rows = s.checkReadModels()
	s.checkLedger()
	s.checkAPI()
	l.goroutines = s.checkGoroutines()
	l.acknowledged, l.retried = s.load.acknowledged.Swap(0), s.load.retried.Swap(0)
	s.load.mu.Lock()
	l.longest, s.load.longest = s.load.longest, slowest{}
	s.load.mu.Unlock()
	if bound := lasted + recoverWithin(); l.longest.took > bound {
		s.t.Errorf("a request took %v, and the fault %v: %s", l.longest.took, lasted, l.longest.what)
	}
	l.took = time.Since(began)
	s.report.add(l)
	if s.t.Failed() {
		s.t.Fatalf("the state of the system after %s (%s) is not what it must be", fault, detail)
	}
}

// recoverWithin is for how long after a fault a request may have to be repeated.
func recoverWithin() time.Duration {
	if full() {
		return 15 * time.Second
	}
	return time.Minute // Other tests run at the same time.
}

// begun checks the system before the first fault.
func (s *system) begun() {
	s.t.Helper()
	s.after("none", strings.Join(s.zones, ", "), time.Now(), 40)
}

// rest waits until all jobs are done that are due, and policies and read models have
// followed the log to its end.
func (s *system) rest() {
	s.t.Helper()
	// Some aggregates are followed by none.
	const head = `SELECT coalesce(max(position), 0) FROM eventnode.events WHERE stream NOT LIKE '$%' AND stream NOT LIKE 'reservation-%'`
	const behind = `SELECT
		(SELECT count(*) FROM jobs.river_job WHERE state NOT IN ('completed', 'cancelled', 'discarded') AND kind NOT LIKE 'periodic/%'
			AND (state <> 'scheduled' OR scheduled_at < $2)),
		(SELECT count(*) FROM file_jobs WHERE ended_at IS NULL),
		(SELECT count(*) FROM policy.checkpoints WHERE commit_position < $1),
		(SELECT count(*) FROM projection.generations WHERE state = 'live' AND commit_position < $1)`
	var open, unended, policies, models int
	var err error
	deadline := time.Now().Add(2 * time.Minute)
	for {
		var position int64
		if err = s.log.QueryRow(context.Background(), head).Scan(&position); err == nil {
			err = s.db.QueryRow(context.Background(), behind, position, time.Now()).Scan(&open, &unended, &policies, &models)
		}
		if err == nil && open+unended+policies+models == 0 {
			break
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("the system does not come to rest: %d jobs and %d operations are open, %d policies and %d read models are behind, %v: %v",
				open, unended, policies, models, err, s.texts(`SELECT kind || ' ' || state || ' ' || attempt || ' ' || coalesce(errors[cardinality(errors)] ->> 'error', '')
					FROM jobs.river_job WHERE state NOT IN ('completed', 'cancelled') ORDER BY id LIMIT 20`))
		}
		time.Sleep(20 * time.Millisecond)
	}
	if failed := s.texts("SELECT kind || ': ' || (errors[cardinality(errors)] ->> 'error') FROM jobs.river_job WHERE state = 'discarded'"); len(failed) > 0 {
		s.t.Errorf("jobs failed for good: %v", failed)
	}
}

// texts reads a column.
func (s *system) texts(sql string) []string {
	s.t.Helper()
	rows, err := s.db.Query(context.Background(), sql)
	if err != nil {
		s.t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		s.t.Fatal(err)
	}
	return all
}

// querier is a pool, or a connection.
type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

func (s *system) number(db querier, sql string, args ...any) (n int64) {
	s.t.Helper()
	if err := db.QueryRow(context.Background(), sql, args...).Scan(&n); err != nil {
		s.t.Fatalf("%s: %v", sql, err)
	}
	return n
}

func (s *system) checkSurprises() {
	s.t.Helper()
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	for _, surprise := range s.load.surprises[:min(len(s.load.surprises), 10)] {
		s.t.Errorf("%s", surprise)
	}
}

// checkLog wants in the log what was acknowledged, once, and nothing else. What is
// acknowledged may be several events, and what policies and workers do because of
// it is a part.
func (s *system) checkLog() {
	s.t.Helper()
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	all := maps.Clone(s.load.events)
	s.expectEnds(all)
	for event, want := range all {
		if diff := cmp.Diff(want, s.streams(event)); diff != "" {
			s.t.Errorf("%s in the log (-acknowledged +stored):\n%s", event, shortened(diff))
		}
	}
	for what, sql := range map[string]string{
		"ids of events that occur twice": "SELECT count(*) FROM (SELECT FROM eventnode.events GROUP BY event_id HAVING count(*) > 1) twice",
		"streams with gaps":              "SELECT count(*) FROM (SELECT FROM eventnode.events GROUP BY stream HAVING max(revision) + 1 <> count(*)) gaps",
	} {
		if n := s.number(s.log, sql); n != 0 {
			s.t.Errorf("%s: %d", what, n)
		}
	}
}

// streams are how often an event of a type is in each stream.
func (s *system) streams(event string) map[string]int {
	s.t.Helper()
	rows, err := s.log.Query(context.Background(), "SELECT stream, count(*) FROM eventnode.events WHERE type = $1 GROUP BY stream", event)
	if err != nil {
		s.t.Fatal(err)
	}
	found := map[string]int{}
	var stream string
	var count int
	if _, err := pgx.ForEachRow(rows, []any{&stream, &count}, func() error { found[stream] = count; return nil }); err != nil {
		s.t.Fatal(err)
	}
	return found
}

// expectEnds adds how the operations must have ended: each once, and well, unless
// the disk is full, when it may have failed and cost nothing.
func (s *system) expectEnds(all map[string]map[string]int) {
	s.t.Helper()
	const failed, delivered, reserved, released = "FileOperationFailed", "TokensCaptured", "TokensReserved", "ReservationReleased"
	for _, event := range []string{"FileAnalyzed", "FileRemediated", "FileDeliveryFailed", failed, delivered, released} {
		all[event] = map[string]int{}
	}
	account := "tokenAccount-" + s.load.home
	failures := s.streams(failed)
	if !s.mayFail && len(failures) > 0 {
		var why string
		if err := s.log.QueryRow(context.Background(), "SELECT string_agg(convert_from(data, 'UTF8'), ' ') FROM eventnode.events WHERE type = $1", failed).Scan(&why); err != nil {
			s.t.Fatal(err)
		}
		s.t.Errorf("operations failed: %s", why)
	}
	for _, o := range s.load.operations {
		if stream := "file-" + o.file; s.mayFail && failures[stream] > 0 {
			all[failed][stream]++
			all[released][account]++
		} else {
			all[o.ends][stream]++
			all[delivered][account]++
		}
	}
	// A repetition that comes while the first request is under way may hold tokens of
	// its own before it finds that the operation is there, and lets them go: at once,
	// or by a job if it was interrupted.
	if more := s.streams(reserved)[account] - all[reserved][account]; more > 0 {
		all[reserved] = map[string]int{account: all[reserved][account] + more}
		if n := more - int(s.number(s.db, "SELECT count(*) FROM tokens.holds")); n > 0 {
			all[released][account] += n
		}
	}
}

func shortened(text string) string {
	const most = 3000
	return text[:min(len(text), most)]
}

// checkClicks wants all clicks to be recorded that were answered, but for those
// that the setting allows to be lost with their process, and no more than were
// made.
func (s *system) checkClicks() {
	s.t.Helper()
	s.load.mu.Lock()
	least, most := int64(len(s.load.clicks)-s.load.risked), int64(s.load.sent)
	s.load.mu.Unlock()
	var n int64
	eventually(s.t, fmt.Sprintf("%d to %d clicks are counted, not %d", least, most, n), func() bool {
		n = s.number(s.db, "SELECT coalesce(sum(clicks + bots + duplicates), 0)::bigint FROM clickstats.quarters")
		return n >= least
	})
	if n > most {
		s.t.Errorf("%d clicks are counted of %d that were made", n, most)
	}
}

// checkMails wants one mail to each who was invited, and none or one to a guest, who
// may have joined before.
func (s *system) checkMails() {
	s.t.Helper()
	files, err := filepath.Glob(filepath.Join(s.data, "mail", "*.eml"))
	if err != nil {
		s.t.Fatal(err)
	}
	got, want := map[string]int{}, map[string]int{}
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			s.t.Fatal(err)
		}
		message, err := mail.ReadMessage(file)
		_ = file.Close()
		if err != nil {
			s.t.Fatalf("%s: %v", name, err)
		}
		to, err := message.Header.AddressList("To")
		if err != nil || len(to) != 1 {
			s.t.Fatalf("%s is to %v, %v", name, to, err)
		}
		got[to[0].Address]++
	}
	s.load.mu.Lock()
	defer s.load.mu.Unlock()
	for _, address := range s.load.invited {
		want[address]++
	}
	for _, address := range s.load.guests {
		if got[address] == 1 {
			want[address]++
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.t.Errorf("mails by receiver (-invited +sent):\n%s", shortened(diff))
	}
}

// checkReadModels compares all read models with a rebuild, row by row, and returns
// how many rows that were.
func (s *system) checkReadModels() (compared int64) {
	s.t.Helper()
	names := s.texts("SELECT projection FROM projection.generations WHERE state = 'live' ORDER BY 1")
	if len(names) == 0 {
		s.t.Fatal("there are no read models")
	}
	err := app.WithReadModels(context.Background(), s.appSettings(), slog.New(slog.DiscardHandler), func(models *app.ReadModels) error {
		for _, name := range names {
			v, err := models.Verify(context.Background(), name, projections.VerifyOptions{})
			if err != nil {
				return err
			}
			compared += v.Rows
			for _, d := range v.Differences[:min(len(v.Differences), 3)] {
				s.t.Errorf("%s.%s %v differs from a rebuild: %s\nlive    %s\nrebuilt %s", name, d.Table, d.Key, d.Cause, d.Live, d.Rebuilt)
			}
		}
		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if n := s.number(s.db, "SELECT count(*) FROM projection.parked"); n > 0 {
		s.t.Errorf("%d events are parked", n)
	}
	if n := s.number(s.db, "SELECT count(*) FROM projection.generations WHERE log_went_back_at IS NOT NULL"); n > 0 {
		s.t.Errorf("%d generations are said to be of a log that went back", n)
	}
	return compared
}

// checkLedger has the statement of the organization's token account verified, as
// anybody can do it offline: the chain of hashes, and that all amounts add up. And
// nothing is held for what has ended.
func (s *system) checkLedger() {
	s.t.Helper()
	statement, stderr, code := s.tool("tokens", "statement", "--organization", s.load.home)
	if code != 0 {
		s.t.Fatalf("the statement ended with %d: %s", code, stderr)
	}
	keys, stderr, code := s.tool("tokens", "keys")
	if code != 0 {
		s.t.Fatalf("the keys of statements ended with %d: %s", code, stderr)
	}
	dir := s.t.TempDir()
	file, key := filepath.Join(dir, "statement.csv"), filepath.Join(dir, "public.pem")
	for name, content := range map[string]string{file: statement, key: keys} {
		if err := os.WriteFile(name, []byte(content+"\n"), 0o600); err != nil {
			s.t.Fatal(err)
		}
	}
	// It needs neither a data folder nor a database.
	if said, err := exec.Command(s.program, "tokens", "verify", file, "--key", key).CombinedOutput(); err != nil {
		s.t.Errorf("the statement does not add up: %v %s", err, said)
	}
	const wrong = `SELECT count(*) FROM tokens.transactions WHERE issued + available + held + frozen + consumed + expired + clawed_back + debt <> 0`
	if n := s.number(s.db, wrong); n > 0 {
		s.t.Errorf("%d balances do not add up", n)
	}
	// Those of interrupted requests are looked after some minutes later.
	if n := s.number(s.db, "SELECT count(*) FROM tokens.holds WHERE reference_at < now() - interval '4 minutes'"); n > 0 {
		s.t.Errorf("%d holds are left", n)
	}
}

// sampled is how many things of a kind are asked for over the API.
const sampled = 4

// checkAPI asks for some of what was acknowledged, at all processes, which must say
// the same of it.
func (s *system) checkAPI() {
	s.t.Helper()
	c := s.load.client(clients + 1)
	ask := func(path string, header ...string) []byte {
		s.t.Helper()
		var said []byte
		for _, p := range s.processes {
			api, _ := p.api.Load().(string)
			if api == "" {
				continue
			}
			a, err := c.attempt(api, request{as: s.load.owner, method: http.MethodGet, path: path, header: header}, "")
			if err != nil || a.status != http.StatusOK {
				s.t.Errorf("%s: %s is answered %d %s, %v", p.name, path, a.status, a.body, err)
				return nil
			}
			if said != nil && string(a.body) != string(said) {
				s.t.Errorf("%s says of %s: %s; another process says %s", p.name, path, a.body, said)
			}
			said = a.body
		}
		return said
	}
	s.load.mu.Lock()
	ids := make([]string, 0, len(s.load.keys))
	for id := range s.load.keys {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	keys := some(s, ids)
	secrets := map[string]string{}
	for _, id := range keys {
		secrets[id] = s.load.keys[id]
	}
	files, worked := some(s, s.load.files), some(s, s.load.operations)
	s.load.mu.Unlock()
	for _, id := range keys {
		ask("/api-keys/" + id)
		for _, p := range s.processes {
			if api, _ := p.api.Load().(string); api != "" {
				if a, err := c.call(http.MethodGet, api+"/users/active-organization", nil, "X-API-Key", secrets[id]); err != nil || a.status != http.StatusOK {
					s.t.Errorf("%s: a key that was issued is answered %d %s, %v", p.name, a.status, a.body, err)
				}
			}
		}
	}
	for _, id := range files {
		ask("/files/" + id)
	}
	for _, o := range worked {
		var job struct {
			Data struct{ State, ProcessedFileID string }
		}
		err := json.Unmarshal(ask("/jobs/"+o.job), &job)
		switch state := job.Data.State; {
		case err != nil || state != "completed" && (state != "failed" || !s.mayFail):
			s.t.Errorf("the operation %s is %+v, %v", o.job, job.Data, err)
		case state == "completed" && job.Data.ProcessedFileID != "":
			s.checkDownload(c, job.Data.ProcessedFileID)
		}
	}
	ask("/token-transactions?limit=50&sort=createdAt:asc")
}

func (s *system) checkDownload(c *client, file string) {
	s.t.Helper()
	signed, ok := c.send(request{as: s.load.owner, method: http.MethodPost, path: "/files/" + file + "/download-url", body: `{}`, want: http.StatusOK})
	if !ok {
		s.t.Errorf("%s cannot be downloaded", file)
		return
	}
	if a, err := c.call(http.MethodGet, text(signed, "downloadUrl"), nil); err != nil || a.status != http.StatusOK || len(a.body) == 0 {
		s.t.Errorf("the download of %s is answered %d, %d bytes, %v", file, a.status, len(a.body), err)
	}
}

// some picks a few by chance, the last one among them.
func some[T any](s *system, all []T) []T {
	if len(all) <= sampled {
		return slices.Clone(all)
	}
	picked := []T{all[len(all)-1]}
	for len(picked) < sampled {
		picked = append(picked, all[s.choices.IntN(len(all))])
	}
	return picked
}

// checkGoroutines wants each process at rest to have about as many goroutines as
// when it was at rest first, in this life or an earlier one, and projected as many
// read models as now.
func (s *system) checkGoroutines() string {
	s.t.Helper()
	// Policies, periodic jobs and the writer of the log have one owner of all, too.
	const slack = 40
	var said []string
	for _, p := range s.processes {
		if !p.runs() || p.running.admin == "" {
			continue
		}
		var n, first int
		var stacks []byte
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			state := fmt.Sprintf("%s/%d", p.name, p.owned())
			n, stacks = p.goroutines()
			if s.counted[state] == 0 {
				s.counted[state] = n
			}
			if first = s.counted[state]; n <= first+slack || time.Now().After(deadline) {
				break
			}
		}
		if n > first+slack {
			s.t.Errorf("%s has %d goroutines, and had %d:\n%s", p.name, n, first, shortened(string(stacks)))
		}
		said = append(said, fmt.Sprint(n))
	}
	return strings.Join(said, " ")
}
