package files_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/files"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/readmodeltest"
)

var start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func newModel(tb testing.TB) (*readmodeltest.Model, files.Queries, *pgxpool.Pool) {
	tb.Helper()
	pool := postgrestest.New(tb, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	return readmodeltest.New(tb, pool, files.Definition()), files.NewQueries(pool), pool
}

func TestReducers(t *testing.T) {
	t.Parallel()
	readmodeltest.RefusesOthers(t, files.Definition(), file.Aggregate.Schemas, organization.Aggregate.Schemas)
	readmodeltest.Follows(t, files.Definition(), file.Aggregate.Schemas)
}

func work(job id.Job) file.Work {
	return file.Work{JobID: job, UserID: "user_1", Pages: 2, Rate: 5, Tokens: 10, HeldAt: start, Deadline: start.Add(time.Hour), Engine: "embedded/2"}
}

func findings(score int) file.Findings {
	return file.Findings{Report: fmt.Sprintf("report-%d", score), Engine: "embedded/2", Score: score, AnalysedAt: start}
}

// The row after each event is what the state gives.
func TestTheStateGivesTheSameFile(t *testing.T) {
	t.Parallel()
	no := false
	content := file.Content{Object: "a.pdf", Format: file.PDF, Size: 1000, SHA256: "00", Pages: 2}
	made := file.Content{Object: "b.pdf", Format: file.PDF, Size: 1200, SHA256: "01", Pages: 2}
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	streams := map[id.File][]event.Event{
		"file_1": {
			file.Registered{FileID: "file_1", OrganizationID: "org_1", UserID: "user_1", Filename: personal.New("A b.pdf"), Content: content, OccurredAt: at(0)},
			file.Updated{FileID: "file_1", OrganizationID: "org_1", Filename: personal.New("C.pdf"), OccurredAt: at(1)},
			file.Updated{FileID: "file_1", OrganizationID: "org_1", Active: &no, OccurredAt: at(2)},
			file.AnalysisRequested{FileID: "file_1", OrganizationID: "org_1", Work: work("job_1"), Was: file.Uploaded, OccurredAt: at(3)},
			file.OperationStarted{FileID: "file_1", JobID: "job_1", Fence: 1, OccurredAt: at(4)},
			file.Analyzed{FileID: "file_1", OrganizationID: "org_1", JobID: "job_1", Done: file.Done{Pages: 2, Tokens: 10, Findings: findings(80)}, OccurredAt: at(5)},
			file.ConversionRequested{FileID: "file_1", OrganizationID: "org_1", Work: work("job_2"), DerivedFileID: "file_3", Target: file.HTML, OccurredAt: at(6)},
			file.OperationFailed{FileID: "file_1", OrganizationID: "org_1", JobID: "job_2", Kind: file.Conversion, Reason: file.EngineFailed, Status: file.Processed, OccurredAt: at(7)},
			file.RemediationRequested{FileID: "file_1", OrganizationID: "org_1", Work: work("job_3"), DerivedFileID: "file_2", OccurredAt: at(8)},
			file.Remediated{FileID: "file_1", OrganizationID: "org_1", JobID: "job_3", DerivedFileID: "file_2", Content: made, Done: file.Done{Pages: 1, Tokens: 5}, OccurredAt: at(9)},
		},
		"file_2": {
			file.Derived{FileID: "file_2", OrganizationID: "org_1", UserID: "user_1", ParentFileID: "file_1", JobID: "job_3", Type: file.Accessible, Format: file.PDF, Filename: personal.New("C-accessible.pdf"), OccurredAt: at(8)},
			file.Delivered{FileID: "file_2", OrganizationID: "org_1", JobID: "job_3", Type: file.Accessible, Content: made, Findings: findings(95), OccurredAt: at(9)},
		},
		"file_3": {
			file.Derived{FileID: "file_3", OrganizationID: "org_1", UserID: "user_1", ParentFileID: "file_1", JobID: "job_2", Type: file.Converted, Format: file.HTML, Filename: personal.New("C.html"), OccurredAt: at(6)},
			file.DeliveryFailed{FileID: "file_3", OrganizationID: "org_1", JobID: "job_2", Reason: file.EngineFailed, OccurredAt: at(7)},
		},
	}
	m, q, _ := newModel(t)
	for _, name := range []id.File{"file_1", "file_2", "file_3"} {
		var s file.State
		for i, e := range streams[name] {
			m.Given("file-"+string(name), e)
			s = file.Apply(s, e)
			want := files.Of(s)
			want.Revision = event.Revision(i)
			got, err := q.Get(t.Context(), files.Scope{OrganizationID: "org_1", UserID: "user_1"}, name)
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Fatalf("%s after %T (-state +row): %v\n%s", name, e, err, diff)
			}
		}
	}
	job, err := q.Job(t.Context(), files.Scope{OrganizationID: "org_1"}, "job_3")
	want := files.Job{
		ID: "job_3", FileID: "file_1", OrganizationID: "org_1", UserID: "user_1", OwnerID: "user_1", DerivedID: "file_2", Kind: file.Accessibility,
		Phase: file.Completed, Engine: "embedded/2", Pages: 1, Tokens: 10, Charged: 5, Deadline: start.Add(time.Hour),
		RequestedAt: at(8), EndedAt: at(9), Revision: 9,
	}
	if diff := cmp.Diff(want, job); diff != "" || err != nil {
		t.Errorf("the job: %v\n%s", err, diff)
	}
	for what, scope := range map[string]files.Scope{"another organization": {OrganizationID: "org_2"}, "another user": {OrganizationID: "org_1", UserID: "user_2"}} {
		if _, err := q.Get(t.Context(), scope, "file_1"); !errors.Is(err, file.ErrNotFound) {
			t.Errorf("%s sees the file: %v", what, err)
		}
		if _, err := q.Job(t.Context(), scope, "job_3"); !errors.Is(err, file.ErrJobNotFound) {
			t.Errorf("%s sees the job: %v", what, err)
		}
	}
	if stored, err := q.Stored(t.Context(), "file_2", "b.pdf"); !stored || err != nil {
		t.Errorf("the result is not stored: %v", err)
	}
	if stored, err := q.Stored(t.Context(), "file_2", "c.pdf"); stored || err != nil {
		t.Errorf("an object of no file is stored: %v", err)
	}
	m.Given("file-file_2", file.Removed{FileID: "file_2", OrganizationID: "org_1", Was: file.Processed, Type: file.Accessible, PurgeAt: at(60), OccurredAt: at(10)})
	if _, err := q.Get(t.Context(), files.Scope{OrganizationID: "org_1"}, "file_2"); !errors.Is(err, file.ErrNotFound) {
		t.Errorf("a deleted file is there: %v", err)
	}
	if due, err := q.DueForPurge(t.Context(), at(60), files.Due{}, 10); len(due) != 1 || err != nil {
		t.Errorf("due: %v %v", due, err)
	}
	m.Given("file-file_2", file.Purged{FileID: "file_2", OrganizationID: "org_1", OccurredAt: at(60)})
	if due, err := q.DueForPurge(t.Context(), at(90), files.Due{}, 10); len(due) != 0 || err != nil {
		t.Errorf("due: %v %v", due, err)
	}
	m.Given("organization-org_1", organization.Purged{OrganizationID: "org_1"})
	if page, err := q.List(t.Context(), files.Scope{OrganizationID: "org_1"}, list.Request{}); page.Total != 0 || err != nil {
		t.Errorf("a purged organization has %d files: %v", page.Total, err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	m, q, _ := newModel(t)
	register := func(n int, user id.User, name string, format file.Format, size int64) {
		m.Given(fmt.Sprintf("file-file_%d", n), file.Registered{
			FileID: id.File(fmt.Sprintf("file_%d", n)), OrganizationID: "org_1", UserID: user, Filename: personal.New(name),
			Content: file.Content{Object: "o", Format: format, Size: size, Pages: 1}, OccurredAt: start.Add(time.Duration(n) * time.Minute),
		})
	}
	register(1, "user_1", "Übersicht.pdf", file.PDF, 30)
	register(2, "user_1", "page.html", file.HTML, 10)
	register(3, "user_2", "annual report.pdf", file.PDF, 20)
	m.Given("file-file_4", file.Derived{
		FileID: "file_4", OrganizationID: "org_1", UserID: "user_1", ParentFileID: "file_1", JobID: "job_1", Type: file.Accessible, Format: file.PDF,
		Filename: personal.New("Übersicht-accessible.pdf"), OccurredAt: start.Add(4 * time.Minute),
	})
	register(5, "user_1", "gone.pdf", file.PDF, 1)
	m.Given("file-file_5", file.Removed{FileID: "file_5", OrganizationID: "org_1", Was: file.Uploaded, Type: file.Original, PurgeAt: start, OccurredAt: start})
	all := files.Scope{OrganizationID: "org_1"}
	for what, c := range map[string]struct {
		scope files.Scope
		r     list.Request
		want  []string
	}{
		"all":              {all, list.Request{}, []string{"file_4", "file_3", "file_2", "file_1"}},
		"own":              {files.Scope{OrganizationID: "org_1", UserID: "user_2"}, list.Request{}, []string{"file_3"}},
		"others'":          {files.Scope{OrganizationID: "org_2"}, list.Request{}, nil},
		"type":             {all, list.Request{Filters: map[string][]string{"fileType": {"accessible", "converted"}}}, []string{"file_4"}},
		"format":           {all, list.Request{Filters: map[string][]string{"fileFormat": {"html"}}}, []string{"file_2"}},
		"status":           {all, list.Request{Filters: map[string][]string{"status": {"processing"}}}, []string{"file_4"}},
		"deleted":          {all, list.Request{Filters: map[string][]string{"status": {"deleted"}}}, nil},
		"parent":           {all, list.Request{Filters: map[string][]string{"parentFileId": {"file_1"}}}, []string{"file_4"}},
		"search":           {all, list.Request{Search: "ÜBER"}, []string{"file_4", "file_1"}},
		"search and type":  {all, list.Request{Search: "über", Filters: map[string][]string{"fileType": {"original"}}}, []string{"file_1"}},
		"by size":          {all, list.Request{Sort: "fileSize:desc"}, []string{"file_1", "file_3", "file_2", "file_4"}},
		"by name":          {all, list.Request{Sort: "filename"}, []string{"file_3", "file_2", "file_4", "file_1"}},
		"the first":        {all, list.Request{Sort: "uploadDate:asc", Limit: 1}, []string{"file_1"}},
		"by score, second": {all, list.Request{Sort: "score", Limit: 1, Page: 2}, []string{"file_2"}},
	} {
		page, err := q.List(context.Background(), c.scope, c.r)
		var got []string
		for _, f := range page.Items {
			got = append(got, string(f.ID))
		}
		if c.r.Limit == 0 && page.Total != len(c.want) {
			t.Errorf("%s: the total is %d, want %d", what, page.Total, len(c.want))
		}
		if !slices.Equal(got, c.want) || err != nil {
			t.Errorf("%s: %v %v, want %v", what, got, err, c.want)
		}
	}
}

func TestUnended(t *testing.T) {
	t.Parallel()
	m, q, _ := newModel(t)
	m.Given("file-file_1", file.Registered{FileID: "file_1", OrganizationID: "org_1", OccurredAt: start})
	for i := range 3 {
		w := work(id.Job(fmt.Sprintf("job_%d", i)))
		m.Given("file-file_1", file.AnalysisRequested{FileID: "file_1", OrganizationID: "org_1", Work: w, Was: file.Uploaded, OccurredAt: start.Add(time.Duration(i) * time.Second)})
	}
	m.Given("file-file_1", file.OperationStarted{FileID: "file_1", JobID: "job_1", Fence: 1, OccurredAt: start})
	m.Given("file-file_1", file.OperationFailed{FileID: "file_1", OrganizationID: "org_1", JobID: "job_0", Kind: file.Analysis, Status: file.Uploaded, OccurredAt: start})
	names := func(jobs []files.Job, err error) []id.Job {
		if err != nil {
			t.Error(err)
		}
		var all []id.Job
		for _, j := range jobs {
			all = append(all, j.ID)
		}
		return all
	}
	if diff := cmp.Diff([]id.Job{"job_1", "job_2"}, names(q.UnendedOf(t.Context(), "org_1"))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]id.Job{"job_1"}, names(q.Unended(t.Context(), start.Add(2*time.Second), files.Job{}, 10))); diff != "" {
		t.Error(diff)
	}
	after := files.Job{ID: "job_1", RequestedAt: start.Add(time.Second)}
	if diff := cmp.Diff([]id.Job{"job_2"}, names(q.Unended(t.Context(), start.Add(time.Hour), after, 10)), cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}
