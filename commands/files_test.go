package commands_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/payment"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// bucket keeps objects in memory. Uploads are put into it.
type bucket struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (b *bucket) put(key string, data []byte) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.objects[key] = data
}

func (b *bucket) get(key string) ([]byte, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, there := b.objects[key]
	if !there {
		return nil, commands.ErrNoObject
	}
	return data, nil
}

// keys are those that begin with a prefix.
func (b *bucket) keys(prefix string) (keys []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.objects {
		if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
	}
	return keys
}

func (b *bucket) UploadURL(_ context.Context, u commands.Upload) (string, map[string]string, error) {
	return "https://example.com/" + u.Object, nil, nil
}

func (b *bucket) DownloadURL(_ context.Context, object, _, _ string, _ time.Time) (string, error) {
	return "https://example.com/" + object, nil
}

func (b *bucket) Claim(_ context.Context, uploaded string, size int64, object string) (string, []byte, int64, error) {
	data, err := b.get(uploaded)
	if err != nil || int64(len(data)) != size {
		return "", nil, int64(len(data)), err
	}
	b.put(object, data)
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), data, size, nil
}

func (b *bucket) Open(_ context.Context, object string) (io.ReadCloser, int64, error) {
	data, err := b.get(object)
	return io.NopCloser(bytes.NewReader(data)), int64(len(data)), err
}

func (b *bucket) Create(context.Context, string, string) (io.WriteCloser, error) {
	return nil, errors.New("no command writes objects")
}

func (b *bucket) Delete(_ context.Context, object string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.objects, object)
	return nil
}

func (b *bucket) DeleteAll(_ context.Context, prefix string) (int, int64, error) {
	keys := b.keys(prefix)
	for _, key := range keys {
		_ = b.Delete(context.Background(), key)
	}
	return len(keys), 0, nil
}

// reader takes every document for one of two pages.
type reader struct{}

func (reader) Inspect(context.Context, string, file.Format) (commands.Inspection, error) {
	return commands.Inspection{Pages: 2}, nil
}

func (reader) Engine() string { return "embedded/2" }

// line is the queue.
type line struct {
	mu      sync.Mutex
	queued  map[id.Job]commands.QueuedOperation
	stopped map[id.Job]bool
}

func (l *line) Enqueue(_ context.Context, o commands.QueuedOperation) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queued[o.JobID] = o
	return nil
}

func (l *line) Stop(_ context.Context, job id.Job, _ event.Position) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped[job] = true
	return nil
}

func (l *line) Unended(context.Context, id.Organization) (all []commands.QueuedOperation, _ error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for job, o := range l.queued {
		if !l.stopped[job] {
			all = append(all, o)
		}
	}
	return all, nil
}

// library is an organization with tokens that has files.
type library struct {
	*world
	bucket *bucket
	line   *line
	owner  access.Principal
	worker access.Principal
	home   organization.State
}

func newLibrary(w *world) *library {
	l := &library{
		bucket: &bucket{objects: map[string][]byte{}},
		line:   &line{queued: map[id.Job]commands.QueuedOperation{}, stopped: map[id.Job]bool{}},
	}
	files := *w
	files.Commands = commands.New(commands.Deps{
		Streams: w.store, Observer: noObserver{}, Secrets: secrets{}, Invitations: &invitations, Eraser: &archive{},
		Catalogue: payment.Catalogue{TokensPerPage: payment.Rates{Analysis: 1, Accessibility: 5, Conversion: 3}},
		Files: commands.Files{Objects: l.bucket, Documents: reader{}, Queue: l.line, Seal: func(text string) string {
			return hashOf("seal" + text)[:24]
		}},
	})
	l.world = &files
	owner, home := l.organization()
	l.owner, l.home = owner, home
	l.worker = access.ByPolicy("worker", owner.OrganizationID, access.WorkOnFiles)
	must(l.GrantTokens(l.Context(), l.request(treasurer(owner.OrganizationID)), commands.GrantTokens{
		Grant: reference("grant"), Source: tokenaccount.SourcePurchase, Amount: 100,
	})).in(l)
	return l
}

var pdfBytes = []byte("%PDF-1.7 and so on")

// uploaded is the key of an upload that has arrived.
func (l *library) uploaded() string {
	l.Helper()
	u := must(l.RequestUpload(l.Context(), l.request(l.owner), commands.RequestUpload{
		Filename: "a.pdf", ContentType: "application/pdf", Size: int64(len(pdfBytes)),
	})).in(l).Value
	l.bucket.put(u.ObjectKey, pdfBytes)
	return u.ObjectKey
}

func (l *library) file() file.State {
	l.Helper()
	return must(l.ClaimUpload(l.Context(), l.request(l.owner), commands.ClaimUpload{Filename: "a.pdf", ObjectKey: l.uploaded()})).in(l).Value
}

// balance is available and held.
func (l *library) balance() [2]int64 {
	l.Helper()
	s, _ := l.account(l.owner.OrganizationID)
	b := s.At(l.now).Balance
	return [2]int64{b.Available, b.Held}
}

func (l *library) wantBalance(what string, available, held int64) {
	l.Helper()
	if got := l.balance(); got != [2]int64{available, held} {
		l.Errorf("%s: available and held are %v, want %d and %d", what, got, available, held)
	}
}

func accessible(f id.File) commands.RequestOperation {
	return commands.RequestOperation{FileID: f, Kind: file.Accessibility}
}

func (l *library) requested(f id.File) commands.RequestedOperation {
	l.Helper()
	return must(l.RequestOperation(l.Context(), l.request(l.owner), accessible(f))).in(l).Value
}

func (l *library) started(f id.File, job id.Job, fence int64) file.Operation {
	l.Helper()
	s := must(l.StartOperation(l.Context(), l.request(l.worker), commands.StartOperation{FileID: f, JobID: job, Fence: fence})).in(l).Value
	o, _ := s.Operation(job)
	return o
}

func (l *library) complete(f id.File, job id.Job, fence int64) answer[file.State] {
	return must(l.CompleteOperation(l.Context(), l.request(l.worker), commands.CompleteOperation{
		FileID: f, JobID: job, Content: file.Content{Object: "made", Format: file.PDF, Pages: 2},
		Done: file.Done{Fence: fence, Findings: file.Findings{Report: "report", Engine: "embedded/2"}},
	}))
}

// Of many who claim an upload at the same time, one gets the file, and no copy of the
// others is left. What is uploaded afterwards changes nothing.
func TestAnUploadIsClaimedOnce(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		l := newLibrary(w)
		key := l.uploaded()
		claim := commands.ClaimUpload{Filename: "a.pdf", ObjectKey: key}
		var mu sync.Mutex
		var claimed []file.State
		for _, err := range together(12, func(int) error {
			r, err := l.ClaimUpload(l.Context(), l.request(l.owner), claim)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				claimed = append(claimed, r.Value)
			}
			return err
		}) {
			if err != nil && !errors.Is(err, file.ErrClaimed) && !errors.Is(err, file.ErrUploadNotFound) {
				l.Error(err)
			}
		}
		if len(claimed) != 1 {
			l.Fatalf("%d files were made of one upload", len(claimed))
		}
		copies := l.bucket.keys(commands.FilesPrefix)
		if len(copies) != 1 || copies[0] != claimed[0].Content.Object || len(l.bucket.keys(commands.UploadsPrefix)) != 0 {
			l.Errorf("left are %v and %v", copies, l.bucket.keys(commands.UploadsPrefix))
		}
		l.bucket.put(key, []byte("%PDF-1.7 or another"))
		refused(l, must(l.ClaimUpload(l.Context(), l.request(l.owner), claim)), file.ErrClaimed)
		if got, err := l.bucket.get(copies[0]); err != nil || !bytes.Equal(got, pdfBytes) {
			l.Errorf("the file has become %s: %v", got, err)
		}
	})
}

func TestAClaimIsRepeated(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		l := newLibrary(w)
		r := l.request(l.owner)
		claim := commands.ClaimUpload{Filename: "a.pdf", ObjectKey: l.uploaded()}
		first := must(l.ClaimUpload(l.Context(), r, claim)).in(l)
		second := must(l.ClaimUpload(l.Context(), again(r), claim)).in(l)
		if first.Value.Content != second.Value.Content || second.Revision != 0 {
			l.Errorf("repeated, the claim gives %+v", second)
		}
	})
}

// unsure is a store whose answer to an append is lost while it is down: the append is
// made, or is not.
type unsure struct {
	commands.Streams
	down, written bool
}

func (u *unsure) Append(ctx context.Context, after commands.Snapshot, fold commands.Fold, drafts []event.Draft) (commands.Snapshot, error) {
	if !u.down {
		return u.Streams.Append(ctx, after, fold, drafts)
	}
	if u.written {
		if _, err := u.Streams.Append(ctx, after, fold, drafts); err != nil {
			return commands.Snapshot{}, err
		}
	}
	return commands.Snapshot{}, failure.New(failure.Unavailable, "OUTCOME_UNKNOWN", "the answer was lost")
}

// The store does not answer whether an upload has become a file: the bytes stay, for
// it may have, and the claim, repeated, gives the file with them.
func TestAClaimWhoseAnswerIsLost(t *testing.T) {
	t.Parallel()
	for _, written := range []bool{true, false} {
		store := &unsure{Streams: newModel(), written: written}
		l := newLibrary(newWorld(t, store))
		r := l.request(l.owner)
		claim := commands.ClaimUpload{Filename: "a.pdf", ObjectKey: l.uploaded()}
		store.down = true
		if _, err := l.ClaimUpload(l.Context(), r, claim); failure.Of(err) == nil || failure.Refused(err) {
			t.Fatalf("written %v: the claim is answered %v", written, err)
		}
		store.down = false
		f := must(l.ClaimUpload(l.Context(), again(r), claim)).in(l).Value
		if got, err := l.bucket.get(f.Content.Object); err != nil || !bytes.Equal(got, pdfBytes) {
			t.Errorf("written %v: the file has the bytes %q, %v", written, got, err)
		}
	}
}

// What was uploaded is not what was announced: nothing is left of it.
func TestAClaimOfSomethingElse(t *testing.T) {
	t.Parallel()
	l := newLibrary(newWorld(t, newModel()))
	for what, data := range map[string][]byte{
		"another size": append([]byte("%PDF-"), make([]byte, 40)...), "another type": []byte("<html> and so on!!"), "nothing": {},
	} {
		key := l.uploaded()
		l.bucket.put(key, data)
		_, err := l.ClaimUpload(l.Context(), l.request(l.owner), commands.ClaimUpload{Filename: "a.pdf", ObjectKey: key})
		if !errors.Is(err, file.ErrUploadMismatched) || len(l.bucket.keys(commands.FilesPrefix)) != 0 {
			t.Errorf("%s: %v, left are %v", what, err, l.bucket.keys(commands.FilesPrefix))
		}
	}
	stranger, _ := l.organization()
	refused(t, must(l.ClaimUpload(l.Context(), l.request(stranger), commands.ClaimUpload{Filename: "a.pdf", ObjectKey: l.uploaded()})), file.ErrUploadNotFound)
	key := l.uploaded()
	l.now = l.now.Add(25 * time.Hour)
	refused(t, must(l.ClaimUpload(l.Context(), l.request(l.owner), commands.ClaimUpload{Filename: "a.pdf", ObjectKey: key})), file.ErrUploadNotFound)
}

// Requests that come together are one operation, and hold tokens once.
func TestRequestsAreJoined(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		l := newLibrary(w)
		f := l.file().ID
		var mu sync.Mutex
		jobs := map[id.Job]bool{}
		for _, err := range together(8, func(int) error {
			r, err := l.RequestOperation(l.Context(), l.request(l.owner), accessible(f))
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				jobs[r.Value.Operation.Work.JobID] = true
			}
			return err
		}) {
			if err != nil {
				l.Error(err)
			}
		}
		if len(jobs) != 1 {
			l.Errorf("there are %d operations", len(jobs))
		}
		l.wantBalance("joined", 90, 10)
	})
}

// A repeated request finds the operation that it began, also once that has ended.
func TestARequestIsRepeated(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		l := newLibrary(w)
		f, r := l.file().ID, l.request(l.owner)
		first := must(l.RequestOperation(l.Context(), r, accessible(f))).in(l).Value.Operation.Work.JobID
		if got := must(l.RequestOperation(l.Context(), again(r), accessible(f))).in(l).Value.Operation.Work.JobID; got != first {
			l.Errorf("repeated, it is %s", got)
		}
		must(l.CancelOperation(l.Context(), l.request(l.owner), commands.CancelOperation{FileID: f, JobID: first})).in(l)
		got := must(l.RequestOperation(l.Context(), again(r), accessible(f))).in(l).Value.Operation
		if got.Work.JobID != first || got.Phase != file.Cancelled {
			l.Errorf("repeated at the end, it is %+v", got)
		}
		l.wantBalance("cancelled", 100, 0)
	})
}

// Only the worker that began last completes, and only it charges.
func TestOnlyTheFenceCompletes(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(w *world) {
		l := newLibrary(w)
		f := l.file().ID
		r := l.requested(f)
		job := r.Operation.Work.JobID
		l.started(f, job, 5)
		l.started(f, job, 8)
		refused(l, l.complete(f, job, 5), file.ErrFenceExpired)
		refused(l, must(l.FailOperation(l.Context(), l.request(l.worker), commands.FailOperation{FileID: f, JobID: job, Fence: 5})), file.ErrFenceExpired)
		l.wantBalance("before", 90, 10)
		for range 2 {
			l.complete(f, job, 8).in(l)
		}
		refused(l, l.complete(f, job, 9), file.ErrFenceExpired)
		l.wantBalance("completed", 90, 0)
		stored := l.requested(f)
		if !stored.Stored || stored.DerivedID != r.DerivedID {
			l.Errorf("the same request again gives %+v", stored)
		}
		l.wantBalance("stored", 90, 0)
		must(l.DeleteFile(l.Context(), l.request(l.owner), commands.DeleteFile{FileID: r.DerivedID})).in(l)
		if next := l.requested(f); next.Stored || next.DerivedID == r.DerivedID {
			l.Errorf("after the result was deleted, the request gives %+v", next)
		}
		l.wantBalance("anew", 80, 10)
	})
}

// No work begins, and none completes, without tokens that are held.
func TestNoWorkWithoutAHold(t *testing.T) {
	t.Parallel()
	l := newLibrary(newWorld(t, newModel()))
	release := func(w file.Work) {
		must(l.ReleaseTokens(l.Context(), l.request(treasurer(l.owner.OrganizationID)), commands.ReleaseTokens{
			Reservation: tokenaccount.Reference{ID: string(w.JobID), At: w.HeldAt},
		})).in(l)
	}
	f := l.file().ID
	first := l.requested(f).Operation.Work
	release(first)
	if o := l.started(f, first.JobID, 1); o.Phase != file.Broken || o.Reason != file.HoldEnded {
		t.Errorf("without tokens the operation is %+v", o)
	}
	second := l.requested(f).Operation.Work
	l.started(f, second.JobID, 1)
	release(second)
	refused(t, l.complete(f, second.JobID, 1), file.ErrFenceExpired)
	l.wantBalance("released", 100, 0)
	must(l.FailOperation(l.Context(), l.request(l.worker), commands.FailOperation{FileID: f, JobID: second.JobID, Fence: 1})).in(l)

	third := l.requested(f).Operation.Work
	l.started(f, third.JobID, 1)
	l.now = third.Deadline
	refused(t, l.complete(f, third.JobID, 1), file.ErrFenceExpired)
	l.now = l.now.Add(2 * time.Hour)
	l.wantBalance("timed out", 100, 0)
}

// Tokens that were held for an operation that was never recorded are released;
// those of one that was stay.
func TestAHoldWithoutAnOperation(t *testing.T) {
	t.Parallel()
	l := newLibrary(newWorld(t, newModel()))
	f := l.file().ID
	work := l.requested(f).Operation.Work
	lost := tokenaccount.Reference{ID: "job_01h455vb4pex5vsknk084sn02q", At: l.now}
	must(l.ReserveTokens(l.Context(), l.request(treasurer(l.owner.OrganizationID)), commands.ReserveTokens{
		Reference: lost, Amount: 20, Purpose: "accessibility", FileID: string(f), Hold: time.Hour,
	})).in(l)
	for _, r := range []tokenaccount.Reference{lost, lost, {ID: string(work.JobID), At: work.HeldAt}} {
		must(l.ReleaseHold(l.Context(), l.request(l.worker), commands.ReleaseHold{FileID: f, Reference: r})).in(l)
	}
	l.wantBalance("released", 90, 10)
}

func TestPurgingAFile(t *testing.T) {
	t.Parallel()
	l := newLibrary(newWorld(t, newModel()))
	f := l.file()
	must(l.DeleteFile(l.Context(), l.request(l.owner), commands.DeleteFile{FileID: f.ID})).in(l)
	purge := func() {
		must(l.PurgeFile(l.Context(), l.request(l.worker), commands.PurgeFile{FileID: f.ID})).in(l)
	}
	if purge(); len(l.bucket.keys(commands.FilesPrefix)) != 1 {
		t.Error("the bytes went before the grace was over")
	}
	l.now = l.now.Add(file.Grace)
	for range 2 {
		purge()
	}
	if left := l.bucket.keys(commands.FilesPrefix); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

func TestOperationsOfADeletedOrganizationEnd(t *testing.T) {
	t.Parallel()
	w := newWorld(t, newModel())
	l := newLibrary(w)
	f := l.file().ID
	job := l.requested(f).Operation.Work.JobID
	cancel := func() []id.Job {
		return must(l.CancelOperations(l.Context(), l.request(l.worker), commands.CancelOperations{})).in(l).Value.Jobs
	}
	if ended := cancel(); len(ended) != 0 {
		t.Errorf("the operations of an organization that is there ended: %v", ended)
	}
	l.delete(l.owner, l.home)
	if ended := cancel(); len(ended) != 1 || ended[0] != job || !l.line.stopped[job] {
		t.Errorf("ended: %v", ended)
	}
	l.wantBalance("ended", 100, 0)
	refused(t, must(l.ReadFile(l.Context(), l.request(l.worker), commands.ReadFile{FileID: f})), file.ErrNotFound)
}
