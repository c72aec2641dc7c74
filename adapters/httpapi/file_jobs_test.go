package httpapi_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/app"
)

// jobEvents are the events of a job, read as they come.
type jobEvents struct {
	*person
	job   string
	lines *bufio.Scanner
	last  jobEvent
}

// jobEvent is one event; beats are the heartbeats before it.
type jobEvent struct {
	id    string
	job   object
	beats int
}

// events opens the stream of a job's events.
func (p *person) events(job string, header ...string) *jobEvents {
	p.t.Helper()
	s := &jobEvents{person: p, job: job}
	s.open(header...)
	return s
}

func (s *jobEvents) open(header ...string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Minute)
	s.t.Cleanup(cancel)
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/api/v0/jobs/"+s.job+"/events", nil)
		if err != nil {
			s.t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+s.bearer)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		res, err := (&http.Client{}).Do(r) // Without a limit of its own.
		if err != nil {
			s.t.Fatal(err)
		}
		s.t.Cleanup(func() { res.Body.Close() })
		if res.StatusCode == http.StatusServiceUnavailable {
			time.Sleep(retryPause)
			continue
		}
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
			s.t.Fatalf("the stream answers %d with %v", res.StatusCode, res.Header)
		}
		s.lines = bufio.NewScanner(res.Body)
		return
	}
}

// next reads the next event; ok is false after the one that tells of the job's
// end. A stream that the server ends before is opened again, as all clients do.
func (s *jobEvents) next() (e jobEvent, ok bool) {
	s.t.Helper()
	for {
		if e, ok = s.read(); ok {
			s.last = e
			return e, true
		}
		switch s.last.job["state"] {
		case "completed", "failed", "cancelled":
			return e, false
		}
		s.open("Last-Event-ID", s.last.id)
	}
}

// read reads the next event of the stream as it is open now.
func (s *jobEvents) read() (e jobEvent, ok bool) {
	s.t.Helper()
	for s.lines.Scan() {
		name, value, _ := strings.Cut(s.lines.Text(), ": ")
		switch {
		case name == "id":
			e.id = value
		case name == "" && value == "alive":
			e.beats++
		case name == "data":
			if err := json.Unmarshal([]byte(value), &e.job); err != nil {
				s.t.Fatal(err)
			}
		case name == "" && e.job != nil:
			return e, true
		}
	}
	if err := s.lines.Err(); err != nil {
		s.t.Fatalf("the stream breaks off: %v", err)
	}
	return e, false
}

// slowPages is a PDF of many pages, each of which takes a while: a form paints another
// one twice, which does the same, and so on.
func slowPages(pages, depth int) []byte {
	f := &pdftest.File{}
	f.Add("<</Type/Catalog/Pages 2 0 R>>")
	kids := make([]string, pages)
	for i := range kids {
		kids[i] = fmt.Sprintf("%d 0 R", i+3)
	}
	f.Add(fmt.Sprintf("<</Type/Pages/Count %d/Kids[%s]/MediaBox[0 0 600 800]>>", pages, strings.Join(kids, " ")))
	for range pages {
		f.Add(fmt.Sprintf("<</Type/Page/Parent 2 0 R/Contents %d 0 R/Resources<</XObject<</F %d 0 R>>>>>>", pages+3, pages+4))
	}
	f.Stream("", []byte("/F Do"))
	for i := range depth {
		f.Stream(fmt.Sprintf("/Type/XObject/Subtype/Form/BBox[0 0 1 1]/Resources<</XObject<</F %d 0 R>>>>", pages+5+i), []byte("/F Do /F Do"))
	}
	f.Stream("/Type/XObject/Subtype/Form/BBox[0 0 1 1]", []byte("0 0 1 1 re f"))
	return f.Bytes()
}

// A job is followed by server-sent events: what is new is sent, silence has
// heartbeats, one who comes back is not told again, and the end is the last event. Cancelled
// in the middle of the work, it costs nothing and leaves nothing.
func TestFollowingAJob(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runAlone(app.RoleProjector)
	s := w.start(func(c *app.Settings) { c.Role = app.RoleAPI })
	ada := s.owner("ada")
	ada.welcomed(2000)
	long := ada.upload("long.pdf", typePDF, slowPages(200, 12))
	requested := ada.call(http.MethodPost, "/files/"+long+"/accessibility", "{}", "Prefer", "respond-async").data(t, 202)
	job := str(requested, "jobId")

	stream := ada.events(job)
	first, _ := stream.next()
	if first.job["state"] != "waiting" || first.job["tokensReserved"] != 1000.0 || first.job["tokensCaptured"] != 0.0 {
		t.Errorf("the first event is %v", first.job)
	}
	// One who has seen that hears heartbeats until something is new.
	again := ada.events(job, "Last-Event-ID", first.id)
	again.last = first
	for again.lines.Scan() && again.lines.Text() != ": alive" {
		if strings.HasPrefix(again.lines.Text(), "data") {
			t.Fatalf("it is told again what it has seen: %s", again.lines.Text())
		}
	}

	w.runAlone(app.RoleWorker)
	var seen jobEvent
	progress := func(j object) float64 { return j["progress"].(object)["pagesDone"].(float64) }
	for ok := true; ok && (seen.job == nil || progress(seen.job) == 0); {
		if seen, ok = stream.next(); !ok || seen.job["state"] != "waiting" && seen.job["state"] != "running" {
			t.Fatalf("before there is progress comes %v", seen.job)
		}
	}
	if total := seen.job["progress"].(object)["pagesTotal"]; total != 200.0 || progress(seen.job) >= 200 {
		t.Errorf("the progress is %v", seen.job["progress"])
	}
	if late, ok := again.next(); !ok || late.id == first.id || late.job["state"] != "running" {
		t.Errorf("the one who came back is told %v", late.job)
	}

	if got := ada.delete("/jobs/"+job).data(t, 200); got["state"] != "cancelled" || got["tokensCaptured"] != 0.0 {
		t.Errorf("cancelled: %v", got)
	}
	var last jobEvent
	for e, ok := stream.next(); ok; e, ok = stream.next() {
		last = e
	}
	if last.job["state"] != "cancelled" || last.job["error"].(object)["code"] != "OPERATION_CANCELLED" {
		t.Errorf("the last event is %v", last.job)
	}
	// One who has seen the end, too, is told it again, so that it knows that there is no more.
	if e, ok := ada.events(job, "Last-Event-ID", last.id).next(); !ok || e.job["state"] != "cancelled" {
		t.Errorf("after the end comes %v", e.job)
	}
	if b := ada.get("/token-transactions/balance").data(t, 200); b["available"] != 2000.0 || b["held"] != 0.0 {
		t.Errorf("the balance is %v", b)
	}
	if f := ada.get("/files/"+str(requested, "processedFileId")).data(t, 200); f["status"] != "failed" || f["fileSize"] != 0.0 {
		t.Errorf("the file that was being made is %v", f)
	}
	eventually(t, func() bool {
		return len(w.query("SELECT id::text FROM jobs.river_job WHERE kind = 'work-on-file' AND state = 'running'")) == 0
	}, func() string { return "the work goes on" })
	if objects := w.stored(); len(objects) != 1 {
		t.Errorf("left are %v", objects)
	}
	// The file can be worked on as before.
	ada.post("/files/"+long+"/analysis", `{"dryRun":true}`).data(t, 200)

	bob := s.owner("bob")
	bob.get("/jobs/"+job+"/events").refused(t, "404 JOB_NOT_FOUND")
	ada.get("/jobs/job_1/events").refused(t, "404 JOB_NOT_FOUND")
}

// One who leaves while an operation is waited for does not end it.
func TestAClosedConnectionCancelsNothing(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runAlone(app.RoleProjector)
	s := w.start(func(c *app.Settings) { c.Role = app.RoleAPI })
	ada := s.owner("ada")
	ada.welcomed(1000)
	pdf := ada.upload("a.pdf", typePDF, twoPages())
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, ada.url+"/api/v0/files/"+pdf+"/accessibility", strings.NewReader("{}"))
		if err == nil {
			r.Header.Set("Authorization", "Bearer "+ada.bearer)
			r.Header.Set("Content-Type", "application/json")
			var res *http.Response
			if res, err = client.Do(r); err == nil {
				res.Body.Close()
			}
		}
		left <- err
	}()
	var job string
	eventually(t, func() bool {
		found := w.query("SELECT job_id FROM file_jobs")
		if len(found) == 1 {
			job = found[0]
		}
		return job != "" && ada.get("/jobs/"+job).status == 200
	}, func() string { return "the operation is not queued" })
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the call ended with %v", err)
	}
	if j := ada.get("/jobs/"+job).data(t, 200); j["state"] != "waiting" {
		t.Errorf("after the caller has gone the job is %v", j)
	}
	w.runAlone(app.RoleWorker)
	// Another call joins it.
	made := str(ada.post("/files/"+pdf+"/accessibility", "{}").data(t, 200), "processedFileId")
	if j := ada.get("/jobs/"+job).data(t, 200); j["state"] != "completed" || j["processedFileId"] != made || j["tokensCaptured"] != 10.0 {
		t.Errorf("in the end it is %v", j)
	}
}

// Objects that are deleted behind our back are said to be gone, and the rest goes on.
func TestObjectsThatAreGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	s := w.start()
	ada := s.owner("ada")
	ada.welcomed(1000)
	pdf := ada.upload("a.pdf", typePDF, twoPages())
	made := str(ada.post("/files/"+pdf+"/accessibility", "{}").data(t, 200), "processedFileId")
	link := str(ada.post("/files/"+made+"/download-url", "{}").data(t, 200), "downloadUrl")
	for _, key := range w.stored() {
		if err := os.Remove(filepath.Join(w.data, "objects", filepath.FromSlash(key))); err != nil {
			t.Fatal(err)
		}
	}
	res, err := client.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusNotFound {
		t.Errorf("the download answers %d", res.StatusCode)
	}
	ada.get("/files/"+made+"/receipt").refused(t, "404 RECEIPT_NOT_FOUND")
	if f := ada.get("/files/"+made).data(t, 200); f["status"] != "processed" || f["analysisResult"] != nil {
		t.Errorf("the file is %v", f)
	}
	for _, f := range []string{pdf, made} {
		ada.post("/files/"+f+"/analysis", `{"forceReanalysis":true}`).refused(t, "422 FILE_CONTENT_MISSING")
	}
	if b := ada.get("/token-transactions/balance").data(t, 200); b["available"] != 990.0 || b["held"] != 0.0 {
		t.Errorf("the balance is %v", b)
	}
	fine := ada.upload("b.pdf", typePDF, twoPages())
	ada.post("/files/"+fine+"/analysis", "{}").data(t, 200)
}

// A dry run of each operation says what it would cost and which grants would be used,
// and does nothing.
func TestDryRuns(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	ada.tokens("grant", "payment/1", 100, nil)
	ada.tokens("grant", "payment/2", 4, object{"seconds": 86400})
	pdf, html := ada.upload("a.pdf", typePDF, twoPages()), ada.upload("a.html", typeHTML, []byte(page))
	for path, want := range map[string][2]float64{
		pdf + "/analysis": {2, 2}, pdf + "/accessibility": {2, 10}, pdf + "/conversion": {2, 6},
		html + "/analysis": {1, 1}, html + "/accessibility": {1, 5}, html + "/conversion": {1, 3},
	} {
		target := map[bool]string{true: "html", false: "pdf"}[strings.HasPrefix(path, pdf)]
		body := `{"dryRun":true}`
		if strings.HasSuffix(path, "conversion") {
			body = `{"dryRun":true,"targetFormat":"` + target + `"}`
		}
		quote := ada.post("/files/"+path, body).data(t, 200)["quote"].(object)
		if quote["pages"] != want[0] || quote["tokens"] != want[1] || quote["available"] != 104.0 {
			t.Errorf("%s: the quote is %v", path, quote)
		}
		var used []string
		for _, g := range quote["grants"].([]any) {
			grant := g.(object)
			used = append(used, fmt.Sprintf("%v of %v", grant["tokens"], grant["reference"]))
		}
		wantUsed := fmt.Sprintf("%v of payment/2", min(4, want[1]))
		if want[1] > 4 { // What expires first is used first.
			wantUsed += fmt.Sprintf(", %v of payment/1", want[1]-4)
		}
		if got := strings.Join(used, ", "); got != wantUsed {
			t.Errorf("%s: used would be %s, want %s", path, got, wantUsed)
		}
	}
	if items := ada.get("/files").items(t); len(items) != 2 {
		t.Errorf("there are %d files", len(items))
	}
	if b := ada.get("/token-transactions/balance").data(t, 200); b["available"] != 104.0 || b["held"] != 0.0 {
		t.Errorf("the balance is %v", b)
	}
}
