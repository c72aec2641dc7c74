package processing_test

import (
	"context"
	"crypto/rand"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/postgres/heartbeat"
	"github.com/perfectworks/backend/adapters/processing"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/projections/files"
)

// original is what every file of these tests holds, and made what becomes of it.
const (
	original = "%PDF-1.7 as it was uploaded"
	made     = "%PDF-1.7 made accessible"
)

// press is an engine for documents whose work a test decides on. Without that it
// delivers two pages.
type press struct {
	mu   sync.Mutex
	work func(ctx context.Context, source documents.Source, out *os.File) error
}

func (p *press) set(work func(ctx context.Context, source documents.Source, out *os.File) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.work = work
}

func (p *press) do(ctx context.Context, source documents.Source, out *os.File) (*documents.Report, error) {
	p.mu.Lock()
	work := p.work
	p.mu.Unlock()
	if work != nil {
		if err := work(ctx, source, out); err != nil {
			return nil, err
		}
	}
	score := 90
	return &documents.Report{
		Format: documents.PDF, Pages: 2, AnalysedAt: time.Now().UTC(),
		Results: documents.Results{Success: true, OverallScore: &score},
	}, nil
}

func (p *press) Analyze(ctx context.Context, source documents.Source) (*documents.Report, error) {
	return p.do(ctx, source, nil)
}

func (p *press) Process(ctx context.Context, source documents.Source, out *os.File) (*documents.Outcome, error) {
	report, err := p.do(ctx, source, out)
	if err != nil {
		return nil, err
	}
	if _, err := io.WriteString(out, made); err != nil {
		return nil, err
	}
	return &documents.Outcome{Report: report}, nil
}

func (p *press) Convert(ctx context.Context, source documents.Source, _ documents.Format, out *os.File) (*documents.Outcome, error) {
	return p.Process(ctx, source, out)
}

func (p *press) Capabilities() documents.Capabilities {
	return documents.Capabilities{Engine: documents.EngineInfo{Name: "press", Version: "1"}}
}

func (p *press) Count(context.Context, documents.Source) (*documents.Count, error) {
	return &documents.Count{Pages: 2}, nil
}

// stock is a store of objects that a test can let run out of space.
type stock struct {
	*blob.Store
	mu   sync.Mutex
	full func(object string) error
}

func (s *stock) Create(ctx context.Context, object, contentType string) (io.WriteCloser, error) {
	s.mu.Lock()
	full := s.full
	s.mu.Unlock()
	if full != nil {
		if err := full(object); err != nil {
			return nil, err
		}
	}
	return s.Store.Create(ctx, object, contentType)
}

func (s *stock) fillUp(full func(object string) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = full
}

// answers are those of the event store, of which a test can have some lost.
type answers struct {
	commands.Streams
	lose atomic.Pointer[func(event.Event) bool]
}

// Append makes the append also where its answer is lost.
func (a *answers) Append(ctx context.Context, after commands.Snapshot, fold commands.Fold, drafts []event.Draft) (commands.Snapshot, error) {
	next, err := a.Streams.Append(ctx, after, fold, drafts)
	if lose := a.lose.Load(); err == nil && lose != nil && slices.ContainsFunc(drafts, func(d event.Draft) bool { return (*lose)(d.Event) }) {
		return commands.Snapshot{}, failure.New(failure.Unavailable, "OUTCOME_UNKNOWN", "the answer was lost")
	}
	return next, err
}

// workshop is an organization with 100 tokens and all that works on its files, but for
// the engine. An operation costs 10.
type workshop struct {
	*testing.T
	*processing.Service
	store    *eventstoretest.Store
	folder   string
	stock    *stock
	press    *press
	queue    *jobs.Client
	process  uuid.UUID
	do       *commands.Commands
	answers  answers
	registry *prometheus.Registry
	owner    access.Principal
	// lost is what the read model would list as not ended.
	mu   sync.Mutex
	lost []files.Job
}

type noObserver struct{}

func (noObserver) Begin(ctx context.Context, _ string, _ commands.Request) (context.Context, func(error)) {
	return ctx, func(error) {}
}

func newWorkshop(t *testing.T, change ...func(*processing.Config)) *workshop {
	t.Helper()
	w := &workshop{T: t, store: eventstoretest.New(t), folder: t.TempDir(), press: &press{}, registry: prometheus.NewRegistry()}
	objects, err := blob.Open(t.Context(), blob.Config{Folder: w.folder, Keys: w.store.Keyring, PublicURL: "http://127.0.0.1", Keep: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = objects.Close() }) // It has been used.
	w.stock = &stock{Store: objects}
	config := processing.Config{
		Pool: w.store.Pool, Objects: w.stock, Documents: w.press, Counter: w.press, Folder: t.TempDir(), Share: 1,
		Logger: slog.New(slog.DiscardHandler), Registerer: w.registry,
		Files: files.Queries{Unended: func(context.Context, time.Time, files.Job, int) ([]files.Job, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.lost, nil
		}},
	}
	if testing.Verbose() {
		config.Logger = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	for _, c := range change {
		c(&config)
	}
	if w.Service, err = processing.New(config); err != nil {
		t.Fatal(err)
	}
	w.answers.Streams = w.store.Streams
	w.do = commands.New(commands.Deps{
		Streams: &w.answers, Observer: noObserver{}, Catalogue: payment.Catalogue{TokensPerPage: payment.Rates{Analysis: 5, Accessibility: 5, Conversion: 5}},
		Files: commands.Files{
			Objects: w.stock, Documents: w.Service, Queue: w.Service,
			Seal: func(text string) string { return w.store.Keyring.Hash("test", text)[:24] },
		},
	})
	w.owner = access.Principal{Kind: access.KindUser, UserID: newID[id.User](t), OrganizationID: newID[id.Organization](t), Role: access.Owner}
	w.queue = w.newQueue(w.Service)
	_, err = w.do.GrantTokens(t.Context(), w.request(access.ByPolicy("treasurer", w.owner.OrganizationID, access.GrantTokens)), commands.GrantTokens{
		Grant:  tokenaccount.Reference{ID: "grant", At: time.Now().UTC().Truncate(time.Millisecond)},
		Source: tokenaccount.SourcePurchase, Amount: 100,
	})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func newID[T id.Name](t *testing.T) T {
	t.Helper()
	name, err := id.New[T](id.Source{Now: time.Now(), Entropy: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	return name
}

// newQueue completes a service. Nothing is worked before work.
func (w *workshop) newQueue(s *processing.Service) *jobs.Client {
	w.Helper()
	w.process = uuid.New()
	queue, err := jobs.New(jobs.Config{
		Pool: w.store.Pool, Process: w.process, Kinds: s.Kinds(), Workers: map[string]int{processing.Queue: 2},
		Logger: slog.New(slog.DiscardHandler), Stop: time.Second, Rescue: 50 * time.Millisecond, Watch: 20 * time.Millisecond,
	})
	if err != nil {
		w.Fatal(err)
	}
	s.Use(queue, w.do)
	return queue
}

// work has jobs worked until the test ends, or until stop is called.
func (w *workshop) work() (stop func()) {
	w.Helper()
	heart, err := heartbeat.Start(w.Context(), w.store.Pool, heartbeat.Options{ID: w.process})
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := w.queue.Run(ctx); err != nil {
			w.Errorf("run: %v", err)
		}
	})
	running.Go(func() { w.Listen(ctx) })
	stop = sync.OnceFunc(func() { cancel(); running.Wait(); heart.Stop() })
	w.Cleanup(stop)
	return stop
}

func (w *workshop) request(p access.Principal) commands.Request {
	r := commands.Request{ID: event.ID(uuid.New()), Now: time.Now().UTC(), Principal: p}
	_, _ = rand.Read(r.Seed[:]) // It never fails.
	return r
}

// upload makes a document a file of the organization; the original without one.
func (w *workshop) upload(document ...[]byte) id.File {
	w.Helper()
	claimed, err := w.claim(append(document, []byte(original))[0])
	if err != nil {
		w.Fatal(err)
	}
	return claimed
}

// claim uploads a document and claims it.
func (w *workshop) claim(data []byte) (id.File, error) {
	w.Helper()
	issued, err := w.do.RequestUpload(w.Context(), w.request(w.owner), commands.RequestUpload{
		Filename: "a.pdf", ContentType: "application/pdf", Size: int64(len(data)),
	})
	if err != nil {
		w.Fatal(err)
	}
	to, err := w.stock.Store.Create(w.Context(), issued.Value.ObjectKey, "application/pdf")
	if err != nil {
		w.Fatal(err)
	}
	if _, err := to.Write(data); err != nil {
		w.Fatal(err)
	}
	if err := to.Close(); err != nil {
		w.Fatal(err)
	}
	claimed, err := w.do.ClaimUpload(w.Context(), w.request(w.owner), commands.ClaimUpload{Filename: "a.pdf", ObjectKey: issued.Value.ObjectKey})
	return claimed.Value.ID, err
}

// ask requests that a file be made accessible.
func (w *workshop) ask(of id.File, change ...func(*commands.Request, *commands.RequestOperation)) file.Operation {
	w.Helper()
	req, c := w.request(w.owner), commands.RequestOperation{FileID: of, Kind: file.Accessibility}
	for _, f := range change {
		f(&req, &c)
	}
	asked, err := w.do.RequestOperation(w.Context(), req, c)
	if err != nil {
		w.Fatal(err)
	}
	return asked.Value.Operation
}

// operation is what the file has of an operation.
func (w *workshop) operation(of id.File, job id.Job) file.Operation {
	w.Helper()
	snapshot, err := w.store.Streams.Load(w.Context(), file.Aggregate.Stream(of), commands.Fold{
		Zero: file.State{}, Apply: func(s any, e event.Event) any { return file.Apply(s.(file.State), e) },
	}, true)
	if err != nil {
		w.Fatal(err)
	}
	o, _ := snapshot.State.(file.State).Operation(job)
	return o
}

// ended waits until an operation has ended with all that follows.
func (w *workshop) ended(of id.File, job id.Job) file.Operation {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	if _, err := w.Wait(ctx, job); err != nil {
		w.Fatalf("%s does not end: %v", job, err)
	}
	return w.operation(of, job)
}

// wantBalance fails unless so many tokens are available and held.
func (w *workshop) wantBalance(available, held int64) {
	w.Helper()
	quote, err := w.do.QuoteTokens(w.Context(), w.request(access.ByPolicy("test", w.owner.OrganizationID, access.SpendTokens)), commands.QuoteTokens{Amount: 1})
	if err != nil {
		w.Fatal(err)
	}
	if b := quote.Value.Account.Balance; b.Available != available || b.Held != held {
		w.Errorf("available are %d and held %d tokens, want %d and %d", b.Available, b.Held, available, held)
	}
}

// wantObjects fails unless there are so many objects of files, and nothing half written.
func (w *workshop) wantObjects(want int) {
	w.Helper()
	var found []string
	err := filepath.WalkDir(w.folder, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			name, _ := filepath.Rel(w.folder, path)
			found = append(found, name)
		}
		return err
	})
	if err != nil {
		w.Fatal(err)
	}
	if len(found) != want {
		w.Errorf("there are %d objects, want %d: %q", len(found), want, found)
	}
}

func (w *workshop) eventually(what string, ok func() bool) {
	w.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("it did not happen: %s", what)
		}
	}
}

// query reads one value from the database.
func query[T any](w *workshop, sql string, arguments ...any) T {
	w.Helper()
	rows, err := w.store.Pool.Query(w.Context(), sql, arguments...)
	if err != nil {
		w.Fatal(err)
	}
	value, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[T])
	if err != nil {
		w.Fatalf("%s: %v", sql, err)
	}
	return value
}

// queued are the operations in the queue, in the order in which workers take them.
func (w *workshop) queued() []id.Job {
	w.Helper()
	rows, err := w.store.Pool.Query(w.Context(), `SELECT args ->> 'jobId' FROM jobs.river_job
		WHERE state = 'available' ORDER BY priority, scheduled_at, id`)
	if err != nil {
		w.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowTo[id.Job])
	if err != nil {
		w.Fatal(err)
	}
	return slices.Clip(all)
}
