package file_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

type (
	given    = []event.Event
	then     = []event.Event
	decision = func(file.State) ([]event.Event, error)
)

var (
	start    = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now      = start.Add(time.Hour)
	deadline = start.Add(23 * time.Hour)

	content = file.Content{Object: "files/org_1/file_1/a.pdf", Format: file.PDF, Size: 1000, SHA256: "00", Pages: 2}
	result  = file.Content{Object: "files/org_1/file_2/b.pdf", Format: file.PDF, Size: 1200, SHA256: "01", Pages: 2}

	findings = file.Findings{Report: "files/org_1/file_2/b.json", Engine: "embedded/2", Score: 90, AnalysedAt: now}

	registered = file.Registered{
		FileID: "file_1", OrganizationID: "org_1", UserID: "user_1", Filename: personal.New("Report.pdf"), Content: content, OccurredAt: start,
	}
	work = file.Work{
		JobID: "job_1", UserID: "user_1", Pages: 2, Rate: 5, Tokens: 10, HeldAt: start, Deadline: deadline, Engine: "embedded/2",
	}
	remediation = file.RemediationRequested{
		FileID: "file_1", OrganizationID: "org_1", Work: work, DerivedFileID: "file_2", OccurredAt: start,
	}
	analysis = file.AnalysisRequested{
		FileID: "file_1", OrganizationID: "org_1", Work: work, Was: file.Uploaded, OccurredAt: start,
	}
	started    = file.OperationStarted{FileID: "file_1", JobID: "job_1", Fence: 7, OccurredAt: start}
	remediated = file.Remediated{
		FileID: "file_1", OrganizationID: "org_1", JobID: "job_1", DerivedFileID: "file_2", Content: result,
		Done: file.Done{Fence: 7, Pages: 2, Tokens: 10, Findings: findings}, OccurredAt: now,
	}
	analyzed = file.Analyzed{
		FileID: "file_1", OrganizationID: "org_1", JobID: "job_1",
		Done: file.Done{Fence: 7, Pages: 2, Tokens: 10, Findings: findings}, OccurredAt: now,
	}
	failed = file.OperationFailed{
		FileID: "file_1", OrganizationID: "org_1", JobID: "job_1", Kind: file.Accessibility,
		Reason: file.DocumentTooSlow, Status: file.Uploaded, OccurredAt: now,
	}
	deleted = file.Removed{
		FileID: "file_1", OrganizationID: "org_1", Was: file.Uploaded, Type: file.Original, Size: 1000,
		PurgeAt: now.Add(file.Grace), OccurredAt: now,
	}
	derived = file.Derived{
		FileID: "file_2", OrganizationID: "org_1", UserID: "user_1", ParentFileID: "file_1", JobID: "job_1",
		Type: file.Accessible, Format: file.PDF, Filename: personal.New("Report-accessible.pdf"), OccurredAt: start,
	}
	delivered = file.Delivered{
		FileID: "file_2", OrganizationID: "org_1", JobID: "job_1", Type: file.Accessible, Content: result, Findings: findings, OccurredAt: now,
	}
)

func TestRegister(t *testing.T) {
	t.Parallel()
	register := func(name string) decision {
		return func(s file.State) ([]event.Event, error) {
			return s.Register(file.Registration{
				ID: "file_1", OrganizationID: "org_1", UserID: "user_1", Filename: name, Content: content,
			}, start)
		}
	}
	domaintest.Run(t, file.Apply, []domaintest.Case[file.State]{
		{Name: "an upload becomes a file", When: register("Report.pdf"), Then: then{registered}},
		{Name: "once", Given: given{registered}, When: register("Report.pdf"), Fails: file.ErrClaimed},
		{Name: "also after it was deleted", Given: given{registered, deleted}, When: register("Report.pdf"), Fails: file.ErrClaimed},
		{Name: "without folders", When: register(`..\..//etc/C:\Report.pdf`), Then: then{registered}},
		{Name: "without characters that hide", When: register(" \u202eRep\x00ort\r\n.p\u2066df\ufeff "), Then: then{registered}},
		{Name: "no name", When: register("a/"), Fails: domaintest.Invalid, Fields: []string{"filename"}},
		{Name: "dots are no name", When: register("../.."), Fails: domaintest.Invalid, Fields: []string{"filename"}},
		{Name: "a long name", When: register(strings.Repeat("é", 256)), Fails: domaintest.Invalid, Fields: []string{"filename"}},
		{Name: "a huge name", When: register(strings.Repeat("a", 1<<20)), Fails: domaintest.Invalid, Fields: []string{"filename"}},
	})
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	yes, no, name, same := true, false, "new.pdf", "x/Report.pdf"
	update := func(c file.Change) decision {
		return func(s file.State) ([]event.Event, error) { return s.Update(c, now) }
	}
	sleeping := file.Updated{FileID: "file_1", OrganizationID: "org_1", Active: &no, OccurredAt: now}
	domaintest.Run(t, file.Apply, []domaintest.Case[file.State]{
		{Name: "name", Given: given{registered}, When: update(file.Change{Filename: &name}), Then: then{
			file.Updated{FileID: "file_1", OrganizationID: "org_1", Filename: personal.New("new.pdf"), OccurredAt: now},
		}},
		{Name: "the same name", Given: given{registered}, When: update(file.Change{Filename: &same, Active: &yes})},
		{Name: "asleep", Given: given{registered}, When: update(file.Change{Active: &no}), Then: then{sleeping}},
		{Name: "asleep again", Given: given{registered, sleeping}, When: update(file.Change{Active: &no})},
		{Name: "deleted", Given: given{registered, deleted}, When: update(file.Change{Active: &no}), Fails: file.ErrNotFound},
	})
}

func TestRequest(t *testing.T) {
	t.Parallel()
	request := func(ask file.Ask) decision {
		return func(s file.State) ([]event.Event, error) {
			w := work
			w.JobID = "job_9"
			return s.Request(ask, w, "file_9", now)
		}
	}
	next := remediation
	next.Work.JobID, next.DerivedFileID, next.OccurredAt = "job_9", "file_9", now
	accessible := request(file.Ask{Kind: file.Accessibility})
	toPDF := request(file.Ask{Kind: file.Conversion, Target: file.PDF})
	no := false
	encrypted := registered
	encrypted.Problem = file.DocumentEncrypted
	many := given{registered}
	for i := range 8 {
		r := analysis
		r.Work.JobID = id.Job(fmt.Sprintf("job_many%d", i))
		many = append(many, file.ConversionRequested{
			FileID: "file_1", OrganizationID: "org_1", Work: r.Work, DerivedFileID: "file_3", Target: file.Format("f" + string(rune('a'+i))),
		})
	}
	domaintest.Run(t, file.Apply, []domaintest.Case[file.State]{
		{Name: "begins", Given: given{registered}, When: accessible, Then: then{next}},
		{Name: "joins one that waits", Given: given{registered, remediation}, When: accessible},
		{Name: "joins one that runs", Given: given{registered, remediation, started}, When: accessible},
		{Name: "begins after one that failed", Given: given{registered, remediation, started, failed}, When: accessible, Then: then{next}},
		{
			Name: "beside one of another kind", Given: given{registered, remediation}, When: request(file.Ask{Kind: file.Analysis}),
			Then: then{file.AnalysisRequested{FileID: "file_1", OrganizationID: "org_1", Work: next.Work, Was: file.Uploaded, OccurredAt: now}},
		},
		{
			Name: "joins an analysis, forced or not", Given: given{registered, analysis},
			When: request(file.Ask{Kind: file.Analysis, Forced: true}),
		},
		{Name: "no file", When: accessible, Fails: file.ErrNotFound},
		{Name: "deleted", Given: given{registered, deleted}, When: accessible, Fails: file.ErrNotFound},
		{
			Name: "not active", Given: given{registered, file.Updated{FileID: "file_1", Active: &no}}, When: accessible, Fails: file.ErrInactive,
		},
		{Name: "no content yet", Given: given{derived}, When: accessible, Fails: file.ErrNotReady},
		{
			Name: "no content for good", Given: given{derived, file.DeliveryFailed{FileID: "file_2", JobID: "job_1", Reason: file.EngineFailed}},
			When: accessible, Fails: file.ErrContentFailed,
		},
		{Name: "encrypted", Given: given{encrypted}, When: accessible, Fails: file.DocumentEncrypted.Failure("")},
		{Name: "to the format that it has", Given: given{registered}, When: toPDF, Fails: file.ErrConverted},
		{
			Name: "to no format", Given: given{registered}, When: request(file.Ask{Kind: file.Conversion, Target: "docx"}),
			Fails: domaintest.Invalid, Fields: []string{"targetFormat"},
		},
		{Name: "too many at once", Given: many, When: accessible, Fails: file.ErrBusy},
	})
}

func TestWork(t *testing.T) {
	t.Parallel()
	begin := func(fence int64, at time.Time) decision {
		return func(s file.State) ([]event.Event, error) { return s.Start("job_1", fence, at) }
	}
	complete := func(fence int64, c file.Content, at time.Time) decision {
		return func(s file.State) ([]event.Event, error) {
			return s.Complete("job_1", c, file.Done{Fence: fence, Findings: findings}, at)
		}
	}
	fail := func(fence int64) decision {
		return func(s file.State) ([]event.Event, error) {
			return s.Fail("job_1", fence, file.Outcome{Reason: file.DocumentTooSlow}, now)
		}
	}
	running := given{registered, remediation, started}
	again := started
	again.Fence = 8
	shorter, longer := result, result
	shorter.Pages, longer.Pages = 1, 50
	cheap, capped := remediated, remediated
	cheap.Content, cheap.Done.Pages, cheap.Done.Tokens = shorter, 1, 5
	capped.Content, capped.Done.Pages, capped.Done.Tokens = longer, 50, 10
	timedOut := failed
	timedOut.Reason, timedOut.OccurredAt = file.OperationTimedOut, deadline
	domaintest.Run(t, file.Apply, []domaintest.Case[file.State]{
		{Name: "starts", Given: given{registered, remediation}, When: begin(7, start), Then: then{started}},
		{Name: "starts once", Given: running, When: begin(7, start)},
		{Name: "is taken over", Given: running, When: begin(8, start), Then: then{again}},
		{Name: "does not go back to the worker before", Given: append(running, again), When: begin(7, start), Fails: file.ErrFenceExpired},
		{Name: "does not start after the deadline", Given: given{registered, remediation}, When: begin(7, deadline), Then: then{timedOut}},
		{Name: "does not start again", Given: append(running, remediated), When: begin(9, start)},
		{Name: "unknown", Given: given{registered}, When: begin(7, start), Fails: file.ErrJobNotFound},

		{Name: "completes", Given: running, When: complete(7, result, now), Then: then{remediated}},
		{Name: "costs the pages of the result", Given: running, When: complete(7, shorter, now), Then: then{cheap}},
		{Name: "costs no more than was held", Given: running, When: complete(7, longer, now), Then: then{capped}},
		{Name: "completes once", Given: append(running, remediated), When: complete(7, result, now)},
		{Name: "not by another worker", Given: running, When: complete(6, result, now), Fails: file.ErrFenceExpired},
		{Name: "not by the worker before", Given: append(running, again), When: complete(7, result, now), Fails: file.ErrFenceExpired},
		{Name: "not by one that did not start", Given: given{registered, remediation}, When: complete(7, result, now), Fails: file.ErrFenceExpired},
		{Name: "not a second time by another", Given: append(running, remediated), When: complete(8, result, now), Fails: file.ErrFenceExpired},
		{Name: "not after it failed", Given: append(running, failed), When: complete(7, result, now), Fails: file.ErrFenceExpired},
		{Name: "not from the deadline on", Given: running, When: complete(7, result, deadline), Fails: file.ErrFenceExpired},
		{
			Name: "an analysis costs the pages of the file", Given: given{registered, analysis, started},
			When: complete(7, file.Content{}, now), Then: then{analyzed},
		},

		{Name: "fails", Given: running, When: fail(7), Then: then{failed}},
		{Name: "fails from outside", Given: running, When: fail(0), Then: then{failed}},
		{Name: "does not fail by the worker before", Given: append(running, again), When: fail(7), Fails: file.ErrFenceExpired},
		{Name: "does not fail after it completed", Given: append(running, remediated), When: fail(0)},
	})
}

// A failed analysis says so, unless the file has one already or it was cancelled.
func TestStatusAfterAnAnalysis(t *testing.T) {
	t.Parallel()
	fail := func(cancelled bool) decision {
		return func(s file.State) ([]event.Event, error) {
			return s.Fail("job_2", 0, file.Outcome{Reason: file.EngineFailed, Cancelled: cancelled}, now)
		}
	}
	ended := func(status file.Status, cancelled bool) then {
		return then{file.OperationFailed{
			FileID: "file_1", OrganizationID: "org_1", JobID: "job_2", Kind: file.Analysis, Cancelled: cancelled,
			Reason: file.EngineFailed, Status: status, OccurredAt: now,
		}}
	}
	second := analysis
	second.Work.JobID = "job_2"
	domaintest.Run(t, file.Apply, []domaintest.Case[file.State]{
		{Name: "failed", Given: given{registered, second}, When: fail(false), Then: ended(file.Failed, false)},
		{Name: "cancelled", Given: given{registered, second}, When: fail(true), Then: ended(file.Uploaded, true)},
		{
			Name: "failed after one that is there", Given: given{registered, analysis, started, analyzed, second},
			When: fail(false), Then: ended(file.Processed, false),
		},
	})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	remove := func(s file.State) ([]event.Event, error) { return s.Delete(false, file.Grace, now) }
	stopped := failed
	stopped.Reason, stopped.Cancelled = file.OperationCancelled, true
	purge := func(at time.Time) decision {
		return func(s file.State) ([]event.Event, error) { return s.Purge(at), nil }
	}
	domaintest.Run(t, file.Apply, []domaintest.Case[file.State]{
		{Name: "hides", Given: given{registered}, When: remove, Then: then{deleted}},
		{Name: "cancels what is under way", Given: given{registered, remediation, started}, When: remove, Then: then{stopped, deleted}},
		{Name: "once", Given: given{registered, deleted}, When: remove},
		{Name: "nothing", When: remove, Fails: file.ErrNotFound},
		{Name: "purged when due", Given: given{registered, deleted}, When: purge(deleted.PurgeAt), Then: then{
			file.Purged{FileID: "file_1", OrganizationID: "org_1", OccurredAt: deleted.PurgeAt},
		}},
		{Name: "not purged before", Given: given{registered, deleted}, When: purge(deleted.PurgeAt.Add(-1))},
		{Name: "not purged while it is there", Given: given{registered}, When: purge(deleted.PurgeAt)},
	})
}

func TestDerivedFiles(t *testing.T) {
	t.Parallel()
	original := domaintest.Fold(file.Apply, registered, remediation, started)
	operation := func(events ...event.Event) file.Operation {
		o, _ := domaintest.Fold(file.Apply, append(given{registered, remediation, started}, events...)...).Operation("job_1")
		return o
	}
	settle := func(o file.Operation) decision {
		return func(s file.State) ([]event.Event, error) { return s.Settle(o, now), nil }
	}
	lost := file.DeliveryFailed{FileID: "file_2", OrganizationID: "org_1", JobID: "job_1", Reason: file.DocumentTooSlow, OccurredAt: now}
	domaintest.Run(t, file.Apply, []domaintest.Case[file.State]{
		{Name: "begins with the request", When: func(s file.State) ([]event.Event, error) { return s.Derive(original, operation(), start), nil }, Then: then{derived}},
		{Name: "begins once", Given: given{derived}, When: func(s file.State) ([]event.Event, error) { return s.Derive(original, operation(), start), nil }},
		{Name: "is delivered", Given: given{derived}, When: settle(operation(remediated)), Then: then{delivered}},
		{Name: "is delivered once", Given: given{derived, delivered}, When: settle(operation(remediated))},
		{Name: "fails", Given: given{derived}, When: settle(operation(failed)), Then: then{lost}},
		{Name: "waits", Given: given{derived}, When: settle(operation())},
		{Name: "stays deleted", Given: given{derived, deleted}, When: settle(operation(remediated))},
	})
}

func TestStoredResults(t *testing.T) {
	t.Parallel()
	s := domaintest.Fold(file.Apply, registered, remediation, started, remediated, analysis, started, analyzed)
	for _, c := range []struct {
		ask      file.Ask
		stored   bool
		analysed bool
	}{
		{ask: file.Ask{Kind: file.Accessibility, Engine: "embedded/2"}, stored: true},
		{ask: file.Ask{Kind: file.Accessibility, Engine: "embedded/3"}},
		{ask: file.Ask{Kind: file.Conversion, Target: file.HTML, Engine: "embedded/2"}},
		{ask: file.Ask{Kind: file.Analysis, Engine: "embedded/2"}, analysed: true},
		{ask: file.Ask{Kind: file.Analysis, Engine: "embedded/2", Forced: true}},
		{ask: file.Ask{Kind: file.Analysis, Engine: "embedded/3"}},
	} {
		if _, stored := s.Stored(c.ask); c.ask.Kind != file.Analysis && stored != c.stored {
			t.Errorf("%+v: stored %v", c.ask, stored)
		}
		if got := s.Analysed(c.ask); got != c.analysed {
			t.Errorf("%+v: analysed %v", c.ask, got)
		}
	}
}

func TestBilledPages(t *testing.T) {
	t.Parallel()
	for characters, want := range map[int64]int64{0: 1, 1: 1, 3000: 1, 3001: 2, 6000: 2, 6001: 3} {
		if got := (file.Content{Format: file.HTML, Characters: characters}).BilledPages(); got != want {
			t.Errorf("%d characters are %d pages, want %d", characters, got, want)
		}
	}
	if got := (file.Content{Format: file.PDF, Pages: 7}).BilledPages(); got != 7 {
		t.Errorf("7 pages are %d", got)
	}
}

// A file remembers its last operations only, and never forgets an active one.
func TestOperationsAreBounded(t *testing.T) {
	t.Parallel()
	s := domaintest.Fold(file.Apply, registered, remediation)
	for i := range 100 {
		r := analysis
		r.Work.JobID = id.Job(fmt.Sprintf("job_x%d", i))
		end := analyzed
		end.JobID = r.Work.JobID
		s = file.Apply(file.Apply(s, r), end)
	}
	if len(s.Operations) > 40 {
		t.Errorf("%d operations are remembered", len(s.Operations))
	}
	if _, known := s.Operation("job_1"); !known {
		t.Error("the active operation is forgotten")
	}
}

func TestEveryReasonHasASentence(t *testing.T) {
	t.Parallel()
	for _, r := range []file.Reason{
		file.DocumentEncrypted, file.DocumentProtected, file.DocumentUnreadable, file.DocumentUnsupported, file.DocumentTooLarge,
		file.DocumentTooSlow, file.EngineFailed, file.ResultTooLarge, file.ContentMissing, file.StorageFull, file.HoldEnded,
		file.OperationTimedOut, file.OperationCancelled, file.OperationLost,
	} {
		if f := r.Failure(""); f.Code != string(r) || f.Message == "" {
			t.Errorf("%s becomes %v", r, f)
		}
		if f := r.Failure("because"); f.Message != "because" {
			t.Errorf("%s: the sentence is lost", r)
		}
	}
}
