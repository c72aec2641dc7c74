package httpapi_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/app"
)

// query reads one column of texts from the database.
func (w *world) query(sql string, args ...any) []string {
	w.t.Helper()
	conn, err := pgx.Connect(w.t.Context(), w.database)
	if err != nil {
		w.t.Fatal(err)
	}
	defer conn.Close(w.t.Context())
	rows, err := conn.Query(w.t.Context(), sql, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		w.t.Fatal(err)
	}
	return texts
}

// What is requested while no worker runs waits, is joined, is cancelled, and is fair
// to others.
func TestOperationsThatWait(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one := func(c *app.Settings) { c.DocumentWorkers, c.DocumentsPerOrganization = 1, 1 }
	w.runAlone(app.RoleProjector)
	s := w.start(one, func(c *app.Settings) { c.Role = app.RoleAPI })
	ada, bob := s.owner("ada"), s.owner("bob")
	ada.welcomed(1000)
	bob.welcomed(1000)
	pdf := ada.upload("a.pdf", typePDF, twoPages())

	// A caller who does not want to wait for long joins the same operation again.
	patience := []string{"Prefer", "wait=0", "Idempotency-Key", "one"}
	first := ada.call(http.MethodPost, "/files/"+pdf+"/accessibility", "{}", patience...)
	first.refused(t, "503 OPERATION_RUNNING jobId OPERATION_RUNNING")
	job := strings.TrimPrefix(first.header.Get("Location"), "/api/v0/jobs/")
	if first.header.Get("Retry-After") == "" || !strings.HasPrefix(job, "job_") {
		t.Errorf("the headers are %v", first.header)
	}
	for range 2 {
		if again := ada.call(http.MethodPost, "/files/"+pdf+"/accessibility", "{}", patience...); !strings.HasSuffix(again.header.Get("Location"), job) {
			t.Errorf("the same key again: %d %s", again.status, again.body)
		}
	}
	other := ada.call(http.MethodPost, "/files/"+pdf+"/accessibility", "{}", "Prefer", "respond-async").data(t, 202)
	if str(other, "jobId") != job {
		t.Errorf("another request has the job %v, not %s", other, job)
	}
	derived := str(other, "processedFileId")
	if f := ada.get("/files/"+derived).data(t, 200); f["status"] != "processing" || f["fileSize"] != 0.0 {
		t.Errorf("the derived file is %v", f)
	}
	ada.post("/files/"+derived+"/download-url", "{}").refused(t, "409 FILE_CONTENT_UNAVAILABLE")
	ada.post("/files/"+derived+"/analysis", "{}").refused(t, "409 FILE_CONTENT_UNAVAILABLE")

	// One that is cancelled tells those who wait, and costs nothing.
	var waiting sync.WaitGroup
	waiting.Go(func() {
		ada.post("/files/"+pdf+"/analysis", "{}").refused(t, "409 OPERATION_CANCELLED")
	})
	var analysis string
	eventually(t, func() bool {
		found := w.query(`SELECT job_id FROM file_jobs WHERE job_id <> $1`, job)
		if len(found) == 1 {
			analysis = found[0]
		}
		// Before its caller knows of it, the read model may not either.
		return analysis != "" && ada.get("/jobs/"+analysis).status == 200
	}, func() string { return "the analysis is not queued" })
	if got := ada.delete("/jobs/"+analysis).data(t, 200); got["state"] != "cancelled" || got["tokensCaptured"] != 0.0 {
		t.Errorf("cancelled: %v", got)
	}
	waiting.Wait()
	ada.delete("/jobs/"+analysis).data(t, 200)
	bob.delete("/jobs/"+job).refused(t, "404 JOB_NOT_FOUND")
	bob.get("/jobs/"+job).refused(t, "404 JOB_NOT_FOUND")
	if b := ada.get("/token-transactions/balance").data(t, 200); b["held"] != 10.0 || b["available"] != 990.0 {
		t.Errorf("the balance is %v", b)
	}
	if f := ada.get("/files/"+pdf).data(t, 200); f["status"] != "uploaded" {
		t.Errorf("after a cancelled analysis the file is %v", f["status"])
	}

	// Of ada's many, one and one more are in the queue, and bob's first comes between.
	async := []string{"Prefer", "respond-async"}
	for i := range 4 {
		file := ada.upload(fmt.Sprintf("%d.html", i), typeHTML, []byte(page))
		ada.call(http.MethodPost, "/files/"+file+"/analysis", "", async...).data(t, 202)
	}
	page := bob.upload("b.html", typeHTML, []byte(page))
	bobs := str(bob.call(http.MethodPost, "/files/"+page+"/analysis", "", async...).data(t, 202), "jobId")
	const queued = `SELECT args ->> 'jobId' FROM jobs.river_job WHERE kind = 'work-on-file' AND state = 'available' ORDER BY priority, scheduled_at, id`
	queue := w.query(queued)
	if len(queue) != 3 || queue[0] != job || queue[1] != bobs {
		t.Errorf("the queue is %v; ada's first is %s, bob's is %s", queue, job, bobs)
	}

	// One that is cancelled makes room for the next.
	ada.delete("/jobs/"+queue[2]).data(t, 200)
	if after := w.query(queued); len(after) != 3 || slices.Contains(after, queue[2]) {
		t.Errorf("after %s was cancelled, the queue is %v", queue[2], after)
	}

	// A file that is deleted takes its operation along.
	gone := bob.upload("c.html", typeHTML, []byte("<html><body><p>c"))
	dropped := bob.call(http.MethodPost, "/files/"+gone+"/conversion", `{"targetFormat":"pdf"}`, async...).data(t, 202)
	bob.delete("/files/"+str(dropped, "processedFileId")).data(t, 200)
	if j := bob.get("/jobs/"+str(dropped, "jobId")).data(t, 200); j["state"] != "cancelled" {
		t.Errorf("the operation of a deleted file is %v", j)
	}

	// An object that was deleted behind our back.
	lost := bob.upload("d.html", typeHTML, []byte("<html><body><p>d"))
	key := str(bob.get("/files/"+lost).data(t, 200), "objectKey")
	if err := os.Remove(filepath.Join(w.data, "objects", filepath.FromSlash(key))); err != nil {
		t.Fatal(err)
	}

	w.start(one, func(c *app.Settings) { c.Role = app.RoleAll })
	done := ada.call(http.MethodPost, "/files/"+pdf+"/accessibility", "{}", "Idempotency-Key", "one").data(t, 200)
	if str(done, "processedFileId") != derived {
		t.Errorf("in the end the file is %v, not %s", done, derived)
	}
	bob.post("/files/"+lost+"/analysis", "{}").refused(t, "422 FILE_CONTENT_MISSING")
	for _, p := range []*person{ada, bob} {
		var balance answer
		eventually(t, func() bool {
			balance = p.get("/token-transactions/balance")
			return balance.data(t, 200)["held"] == 0.0
		}, func() string { return string(balance.body) })
		spent := 1000 - balance.data(t, 200)["available"].(float64)
		if want := map[*person]float64{ada: 13, bob: 1}[p]; spent != want {
			t.Errorf("%s spent %v, want %v", p.name, spent, want)
		}
	}
}

// Two calls at once are one operation.
func TestOperationsAreJoined(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	ada.welcomed(1000)
	pdf := ada.upload("a.pdf", typePDF, twoPages())
	made := make([]string, 8)
	var all sync.WaitGroup
	for i := range made {
		all.Go(func() {
			made[i] = str(ada.post("/files/"+pdf+"/accessibility", "{}").data(t, 200), "processedFileId")
		})
	}
	all.Wait()
	if made = slices.Compact(made); len(made) != 1 {
		t.Errorf("there are several results: %v", made)
	}
	b := ada.get("/token-transactions/balance").data(t, 200)
	if diff := cmp.Diff([]any{990.0, 0.0}, []any{b["available"], b["held"]}); diff != "" {
		t.Errorf("what is left (-want +got):\n%s", diff)
	}
}

// The work for an organization ends with it.
func TestOperationsOfADeletedOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runAlone(app.RoleProjector)
	w.runAlone(app.RoleWorker)
	s := w.start(func(c *app.Settings) { c.Role = app.RoleAPI })
	ada := s.owner("ada")
	ada.welcomed(1000)
	pdf := ada.upload("a.pdf", typePDF, twoPages())
	link := str(ada.post("/files/"+pdf+"/download-url", "{}").data(t, 200), "downloadUrl")
	slug := str(ada.get("/organizations/current").data(t, 200), "slug")
	ada.call(http.MethodDelete, "/organizations/current", `{"confirmSlug":"`+slug+`"}`).data(t, 200)
	res, err := client.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("a file of a deleted organization is downloaded: %d", res.StatusCode)
	}
}

// Hostile documents end with a sentence, cost nothing and leave nothing, and others go
// on.
func TestHostileDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.start()
	ada := s.owner("ada")
	ada.welcomed(1000)
	encrypted := pdftest.Pages(1)
	encrypted.Trailer = "/ID[<00><00>]/Encrypt<</Filter/Standard/V 2/R 3/Length 128/P -4" +
		"/O<" + strings.Repeat("00", 32) + ">/U<" + strings.Repeat("00", 32) + ">>>"
	cases := map[string]struct {
		media string
		data  []byte
		want  string
	}{
		"no pages":     {typePDF, pdftest.Pages(0).Bytes(), "422 DOCUMENT_UNREADABLE"},
		"damaged":      {typePDF, []byte("%PDF-1.7\nnothing of use"), "422 DOCUMENT_UNREADABLE"},
		"encrypted":    {typePDF, encrypted.Bytes(), "422 DOCUMENT_ENCRYPTED"},
		"10,000 pages": {typePDF, pdftest.Pages(10_000).Bytes(), "422 DOCUMENT_TOO_LARGE"},
		"HTML of 50 MB": {
			typeHTML, append([]byte("<!DOCTYPE html>"), bytes.Repeat([]byte("<p>x"), 50<<20/4)...), "422 DOCUMENT_TOO_LARGE",
		},
		"HTML of 100,000 levels": {typeHTML, []byte("<!DOCTYPE html>" + strings.Repeat("<div>", 100_000)), "422 DOCUMENT_TOO_LARGE"},
	}
	for name, c := range cases {
		file := ada.upload(name, c.media, c.data)
		ada.post("/files/"+file+"/accessibility", "{}").refused(t, c.want)
		ada.post("/files/"+file+"/analysis", "{}").refused(t, c.want)
		target := map[string]string{typePDF: "html", typeHTML: "pdf"}[c.media]
		a := ada.post("/files/"+file+"/conversion", `{"targetFormat":"`+target+`"}`)
		a.refused(t, c.want)
		if message, _ := a.envelope(t)["message"].(string); message == "" || strings.Contains(message, "\n") {
			t.Errorf("%s: not one sentence: %q", name, message)
		}
	}
	if objects := w.stored(); len(objects) != len(cases) {
		t.Errorf("beside the originals there are %v", objects)
	}
	if b := ada.get("/token-transactions/balance").data(t, 200); b["available"] != 1000.0 || b["held"] != 0.0 {
		t.Errorf("it cost something: %v", b)
	}
	fine := ada.upload("fine.pdf", typePDF, twoPages())
	ada.post("/files/"+fine+"/analysis", "{}").data(t, 200)
}

// A result that is larger than a file may be is none.
func TestAResultThatIsTooLarge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.start(func(c *app.Settings) { c.MaxFileSize = 2000 })
	ada := s.owner("ada")
	ada.welcomed(1000)
	html := ada.upload("a.html", typeHTML, []byte(page))
	ada.post("/files/"+html+"/conversion", `{"targetFormat":"pdf"}`).refused(t, "422 DOCUMENT_TOO_LARGE")
	list := ada.get("/files?sort=createdAt").items(t)
	if len(list) != 2 || list[1]["status"] != "failed" || list[1]["fileSize"] != 0.0 {
		t.Errorf("the files are %v", list)
	}
	ada.post("/files/"+str(list[1], "id")+"/download-url", "{}").refused(t, "409 FILE_FAILED")
	if b := ada.get("/token-transactions/balance").data(t, 200); b["available"] != 1000.0 || b["held"] != 0.0 {
		t.Errorf("it cost something: %v", b)
	}
	if objects := w.stored(); len(objects) != 1 {
		t.Errorf("left are %v", objects)
	}
}

// stored are the keys of all objects of files.
func (w *world) stored() (keys []string) {
	w.t.Helper()
	root := filepath.Join(w.data, "objects")
	err := filepath.WalkDir(filepath.Join(root, "files"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil && !d.IsDir() {
			key, _ := filepath.Rel(root, path)
			keys = append(keys, filepath.ToSlash(key))
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return keys
}

// Once the grace is over, the bytes of a deleted file are gone, and those of what was
// made of it when that was asked for.
func TestDeletedFilesArePurged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	short := func(c *app.Settings) { c.FileGrace = time.Millisecond }
	s := w.start(short)
	ada := s.owner("ada")
	ada.welcomed(1000)
	pdf := ada.upload("a.pdf", typePDF, twoPages())
	ada.post("/files/"+pdf+"/accessibility", "{}").data(t, 200)
	kept := ada.upload("b.pdf", typePDF, twoPages())
	ada.delete("/files/"+pdf+"?derived=true").data(t, 200)
	s.stop()
	w.start(short) // It does what is due at its start.
	eventually(t, func() bool { return len(w.stored()) == 1 }, func() string { return fmt.Sprint(w.stored()) })
	if left := w.stored(); !strings.Contains(left[0], kept) {
		t.Errorf("left is %v", left)
	}
}
