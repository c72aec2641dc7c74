package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
	"github.com/perfectworks/backend/app"
)

var _ = inContract(map[string]string{
	"POST /files/upload-url":             byKeyToo,
	"POST /files":                        byKeyToo,
	"GET /files":                         byKeyToo,
	"GET /files/{fileId}":                byKeyToo,
	"PUT /files/{fileId}":                byKeyToo,
	"DELETE /files/{fileId}":             byKeyToo,
	"POST /files/{fileId}/download-url":  byKeyToo,
	"POST /files/{fileId}/analysis":      byKeyToo,
	"POST /files/{fileId}/accessibility": byKeyToo,
	"POST /files/{fileId}/conversion":    byKeyToo,
	"GET /files/{fileId}/receipt":        byKeyToo,
	"GET /jobs/{id}":                     byKeyToo,
	"GET /jobs/{id}/events":              byKeyToo,
	"DELETE /jobs/{id}":                  byKeyToo,
})

const (
	typePDF  = "application/pdf"
	typeHTML = "text/html"
)

// page is a small HTML document with something to repair.
const page = `<!doctype html><html><body><h1>Report</h1><p>All is well.</p><img src="a.png"></body></html>`

// twoPages is a small PDF.
func twoPages() []byte { return pdftest.Pages(2).Bytes() }

// upload makes bytes a file of the person, and returns its id.
func (p *person) upload(name, contentType string, data []byte) string {
	p.t.Helper()
	return str(p.claim(name, p.sent(name, contentType, data)).data(p.t, 201), "id")
}

// sent uploads bytes, and returns the key of the object.
func (p *person) sent(name, contentType string, data []byte) string {
	p.t.Helper()
	issued := p.post("/files/upload-url", fmt.Sprintf(`{"filename":%q,"contentType":%q,"sizeBytes":%d}`, name, contentType, len(data))).data(p.t, 200)
	if status, body := put(p.t, str(issued, "uploadUrl"), contentType, data); status != 200 {
		p.t.Fatalf("upload: %d %s", status, body)
	}
	return str(issued, "objectKey")
}

func (p *person) claim(name, key string) answer {
	p.t.Helper()
	return p.post("/files", fmt.Sprintf(`{"filename":%q,"objectKey":%q}`, name, key))
}

// put is a bare PUT.
func put(t *testing.T, url, contentType string, data []byte) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", contentType)
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

// vendorClient is the known client: what it sends, how long it waits, and what it
// takes for done.
type vendorClient struct {
	url, key string
}

func (c vendorClient) call(method, path, body string, limit time.Duration) (map[string]any, error) {
	r, err := http.NewRequest(method, c.url+"/api/v0"+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("X-API-Key", c.key)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	text, err := c.send(r, limit)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	var answer struct {
		Data map[string]any `json:"data"`
	}
	return answer.Data, json.Unmarshal(text, &answer)
}

// send takes any status from 200 to 299.
func (c vendorClient) send(r *http.Request, limit time.Duration) ([]byte, error) {
	res, err := (&http.Client{Timeout: limit}).Do(r)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err == nil && (res.StatusCode < 200 || res.StatusCode > 299) {
		err = fmt.Errorf("status %d: %s", res.StatusCode, body)
	}
	return body, err
}

// run is the whole sequence for one file.
func (c vendorClient) run(name, contentType string, data []byte) ([]byte, error) {
	const usual, transfer, process = 30 * time.Second, 60 * time.Second, 300 * time.Second
	issued, err := c.call(http.MethodPost, "/files/upload-url", fmt.Sprintf(`{"filename":%q,"contentType":%q,"sizeBytes":%d}`, name, contentType, len(data)), usual)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequest(http.MethodPut, str(issued, "uploadUrl"), bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", contentType)
	if _, err := c.send(r, transfer); err != nil {
		return nil, fmt.Errorf("upload: %w", err)
	}
	uploaded, err := c.call(http.MethodPost, "/files", fmt.Sprintf(`{"filename":%q,"objectKey":%q}`, name, str(issued, "objectKey")), usual)
	if err != nil {
		return nil, err
	}
	made, err := c.call(http.MethodPost, "/files/"+str(uploaded, "id")+"/accessibility", `{}`, process)
	if err != nil {
		return nil, err
	}
	processed := str(made, "processedFileId")
	file, err := c.call(http.MethodGet, "/files/"+processed, "", usual)
	if err != nil {
		return nil, err
	}
	if file["status"] != "processed" || file["fileType"] != "accessible" || file["parentFileId"] != uploaded["id"] || file["analysisResult"] == nil {
		return nil, fmt.Errorf("the processed file is %v", file)
	}
	link, err := c.call(http.MethodPost, "/files/"+processed+"/download-url", `{}`, usual)
	if err != nil {
		return nil, err
	}
	if r, err = http.NewRequest(http.MethodGet, str(link, "downloadUrl"), nil); err != nil {
		return nil, err
	}
	return c.send(r, transfer)
}

// The known client works as it stands, ten files at a time.
func TestTheKnownClient(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	ada.welcomed(1000)
	key := str(ada.post("/api-keys", `{"ownerType":"organization"}`).data(t, 201), "key")
	c := vendorClient{url: s.url, key: key}
	pages := int64(0)
	var all sync.WaitGroup
	for i := range 10 {
		name, contentType, data, begins := fmt.Sprintf("file %d.pdf", i), typePDF, twoPages(), "%PDF-"
		pages += 2
		if i%3 == 2 {
			name, contentType, data, begins = fmt.Sprintf("file %d.html", i), typeHTML, []byte(page), "<!doctype html>"
			pages--
		}
		all.Go(func() {
			got, err := c.run(name, contentType, data)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			} else if !bytes.HasPrefix(got, []byte(begins)) {
				t.Errorf("%s: downloaded %.40q", name, got)
			}
		})
	}
	all.Wait()
	balance := ada.get("/token-transactions/balance").data(t, 200)
	if balance["available"] != float64(1000-5*pages) || balance["held"] != 0.0 {
		t.Errorf("after %d pages the balance is %v", pages, balance)
	}
	counts := ada.get("/organizations/current/statistics").data(t, 200)
	files := counts["files"].(object)
	if files["total"] != 20.0 || files["byStatus"].(object)["processed"] != 10.0 || files["byStatus"].(object)["uploaded"] != 10.0 || counts["pagesProcessed"] != float64(pages) {
		t.Errorf("the statistics are %v", counts)
	}
}

// welcomed gives the person's organization its first tokens.
func (p *person) welcomed(tokens int64) {
	p.t.Helper()
	p.tokens("grant", "payment/1", tokens, nil)
}

func TestOperations(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	ada.welcomed(1000)
	balance := func() float64 { return ada.get("/token-transactions/balance").data(t, 200)["available"].(float64) }
	pdf, html := ada.upload("Report.pdf", typePDF, twoPages()), ada.upload("../page.html", typeHTML, []byte(page))
	if f := ada.get("/files/"+pdf).data(t, 200); f["pageCount"] != 2.0 || f["status"] != "uploaded" || f["analysisResult"] != nil {
		t.Errorf("the file is %v", f)
	}
	if f := ada.get("/files/"+html).data(t, 200); f["charsCount"] != 18.0 || f["filename"] != "page.html" {
		t.Errorf("the file is %v", f)
	}

	quote := ada.post("/files/"+pdf+"/analysis", `{"dryRun":true}`).data(t, 200)["quote"].(object)
	if quote["pages"] != 2.0 || quote["tokens"] != 2.0 || quote["available"] != 1000.0 || len(quote["grants"].([]any)) != 1 {
		t.Errorf("the quote is %v", quote)
	}
	analysed := ada.post("/files/"+pdf+"/analysis", "").data(t, 200)
	results := analysed["analysisResult"].(object)["results"].(object)
	if analysed["status"] != "processed" || results["success"] != true || len(results["categories"].([]any)) != 5 || balance() != 998 {
		t.Errorf("analysed: %v", analysed)
	}
	ada.post("/files/"+pdf+"/analysis", "").data(t, 200)
	if balance() != 998 {
		t.Error("a stored result cost something")
	}
	ada.post("/files/"+pdf+"/analysis", `{"forceReanalysis":true}`).data(t, 200)
	if balance() != 996 {
		t.Error("an analysis that was forced cost nothing")
	}

	made := str(ada.post("/files/"+pdf+"/accessibility", "{}").data(t, 200), "processedFileId")
	if again := str(ada.post("/files/"+pdf+"/accessibility", "{}").data(t, 200), "processedFileId"); again != made || balance() != 986 {
		t.Errorf("the same request again made %s of %s, and %v is left", again, made, balance())
	}
	if ada.post("/files/"+made+"/analysis", "").data(t, 200); balance() != 986 {
		t.Error("a processed file carries its own analysis")
	}
	receipt := ada.get("/files/"+made+"/receipt").data(t, 200)
	if receipt["parentFileId"] != pdf || receipt["before"].(object)["score"] == nil || len(receipt["engines"].([]any)) == 0 {
		t.Errorf("the receipt is %v", receipt)
	}
	ada.get("/files/"+pdf+"/receipt").refused(t, "404 RECEIPT_NOT_FOUND")

	asPDF := str(ada.post("/files/"+html+"/conversion", `{"targetFormat":"pdf"}`).data(t, 200), "processedFileId")
	if f := ada.get("/files/"+asPDF).data(t, 200); f["fileType"] != "converted" || f["mimeType"] != typePDF || f["filename"] != "page.pdf" {
		t.Errorf("converted: %v", f)
	}
	ada.post("/files/"+html+"/conversion", `{"targetFormat":"html"}`).refused(t, "422 TARGET_FORMAT_DUPLICATED")

	// What was not waited for.
	asHTML := ada.call(http.MethodPost, "/files/"+pdf+"/conversion", `{"targetFormat":"html"}`, "Prefer", "respond-async")
	job, derived := str(asHTML.data(t, 202), "jobId"), str(asHTML.data(t, 202), "processedFileId")
	if f := ada.get("/files/"+derived).data(t, 200); f["status"] != "processing" && f["status"] != "processed" {
		t.Errorf("the derived file is %v", f)
	}
	var last object
	eventually(t, func() bool {
		last = ada.get("/jobs/"+job).data(t, 200)
		return last["state"] == "completed"
	}, func() string { return fmt.Sprint(last) })
	if last["tokensReserved"] != 6.0 || last["tokensCaptured"] == 0.0 || last["processedFileId"] != derived || last["error"] != nil {
		t.Errorf("the job is %v", last)
	}
	events := ada.call(http.MethodGet, "/jobs/"+job+"/events", "", "Accept", "text/event-stream")
	if events.status != 200 || !bytes.Contains(events.body, []byte(`"state":"completed"`)) {
		t.Errorf("the events are %d %s", events.status, events.body)
	}
	// The charge follows the end.
	var captures answer
	eventually(t, func() bool {
		captures = ada.get("/token-transactions?limit=100&type=capture&fileId=" + pdf)
		return len(captures.items(t)) == 4
	}, func() string { return string(captures.body) })
}

func TestFilesThatCannotBeWorkedOn(t *testing.T) {
	t.Parallel()
	s := newWorld(t).start(func(c *app.Settings) { c.MaxFileSize = 1 << 20 })
	ada := s.owner("ada")
	ada.welcomed(1000)
	name := `"filename":"a.pdf"`
	ada.post("/files/upload-url", `{`+name+`,"contentType":"application/pdf"}`).refused(t, "400 VALIDATION_FAILED sizeBytes REQUIRED")
	ada.post("/files/upload-url", `{`+name+`,"contentType":"application/pdf","sizeBytes":0}`).refused(t, "400 VALIDATION_FAILED sizeBytes OUT_OF_RANGE")
	ada.post("/files/upload-url", `{`+name+`,"contentType":"application/pdf","sizeBytes":1048577}`).refused(t, "413 FILE_TOO_LARGE")
	ada.post("/files/upload-url", `{`+name+`,"contentType":"image/png","sizeBytes":10}`).refused(t, "415 FILE_TYPE_UNSUPPORTED")
	ada.post("/files/upload-url", `{"filename":"a/","contentType":"application/pdf","sizeBytes":10}`).refused(t, "400 VALIDATION_FAILED filename REQUIRED")

	issued := ada.post("/files/upload-url", `{`+name+`,"contentType":"application/pdf","sizeBytes":10,"surplus":1}`).data(t, 200)
	key := str(issued, "objectKey")
	ada.claim("a.pdf", key).refused(t, "404 UPLOAD_NOT_FOUND")
	ada.claim("a.pdf", key[:len(key)-1]+"0").refused(t, "404 UPLOAD_NOT_FOUND")
	ada.claim("a.pdf", "../../"+key).refused(t, "404 UPLOAD_NOT_FOUND")
	again := ada.post("/files/upload-url", `{`+name+`,"contentType":"application/pdf","sizeBytes":10,"objectKey":"`+key+`"}`).data(t, 200)
	if str(again, "objectKey") != key {
		t.Errorf("another URL is for %v", again)
	}
	ada.post("/files/upload-url", `{`+name+`,"contentType":"application/pdf","sizeBytes":11,"objectKey":"`+key+`"}`).refused(t, "422 UPLOAD_MISMATCHED")

	// The content is not what it says.
	ada.claim("a.pdf", ada.sent("a.pdf", typePDF, []byte("<html>no PDF"))).refused(t, "422 UPLOAD_MISMATCHED")
	ada.claim("a.html", ada.sent("a.html", typeHTML, []byte("no markup"))).refused(t, "422 UPLOAD_MISMATCHED")

	// Claimed once, by its organization only.
	bob := s.owner("bob")
	key = ada.sent("a.pdf", typePDF, twoPages())
	bob.claim("a.pdf", key).refused(t, "404 UPLOAD_NOT_FOUND")
	pdf := str(ada.claim("a.pdf", key).data(t, 201), "id")
	ada.claim("a.pdf", key).refused(t, "409 UPLOAD_CLAIMED")
	bob.get("/files/"+pdf).refused(t, "404 FILE_NOT_FOUND")
	bob.post("/files/"+pdf+"/accessibility", "{}").refused(t, "404 FILE_NOT_FOUND")
	bob.post("/files/"+pdf+"/download-url", "{}").refused(t, "404 FILE_NOT_FOUND")

	for _, expires := range []string{"0", "-1", "86401"} {
		ada.post("/files/"+pdf+"/download-url", `{"expiresIn":`+expires+`}`).refused(t, "400 VALIDATION_FAILED expiresIn OUT_OF_RANGE")
	}
	ada.post("/files/"+pdf+"/conversion", `{"targetFormat":"docx"}`).refused(t, "400 VALIDATION_FAILED targetFormat VALUE_UNKNOWN")

	damaged := ada.upload("damaged.pdf", typePDF, []byte("%PDF-1.7\nnothing of use"))
	empty := ada.upload("empty.pdf", typePDF, pdftest.Pages(0).Bytes())
	for _, f := range []string{damaged, empty} {
		for _, operation := range []string{"analysis", "accessibility"} {
			ada.post("/files/"+f+"/"+operation, "{}").refused(t, "422 DOCUMENT_UNREADABLE")
		}
		ada.post("/files/"+f+"/conversion", `{"targetFormat":"html"}`).refused(t, "422 DOCUMENT_UNREADABLE")
	}
	if b := ada.get("/token-transactions/balance").data(t, 200); b["available"] != 1000.0 || b["held"] != 0.0 {
		t.Errorf("what cannot be worked on cost something: %v", b)
	}
	// Without tokens nothing begins.
	poor := s.owner("poor")
	poor.welcomed(1000)
	poor.tokens("adjust", "ticket 1", -995, nil)
	file := poor.upload("a.pdf", typePDF, twoPages())
	poor.post("/files/"+file+"/accessibility", "{}").refused(t, "402 TOKENS_INSUFFICIENT")
	if items := poor.get("/files").items(t); len(items) != 1 {
		t.Errorf("%d files are left of what did not begin", len(items))
	}
}

func TestInactiveAndDeletedFiles(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	ada.welcomed(1000)
	pdf := ada.upload("a.pdf", typePDF, twoPages())
	made := str(ada.post("/files/"+pdf+"/accessibility", "{}").data(t, 200), "processedFileId")
	link := str(ada.post("/files/"+made+"/download-url", "{}").data(t, 200), "downloadUrl")
	download := func() int {
		res, err := client.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	if got := download(); got != 200 {
		t.Errorf("the download answers %d", got)
	}
	ada.put("/files/"+made, `{"isActive":false,"filename":"b.pdf"}`).data(t, 200)
	ada.post("/files/"+made+"/analysis", `{"forceReanalysis":true}`).refused(t, "409 FILE_DEACTIVATED")
	ada.post("/files/"+made+"/download-url", `{}`).refused(t, "409 FILE_DEACTIVATED")
	if got := download(); got == 200 {
		t.Error("a file that is not active is downloaded")
	}
	if f := ada.get("/files/"+made).data(t, 200); f["isActive"] != false || f["filename"] != "b.pdf" {
		t.Errorf("the file is %v", f)
	}
	ada.put("/files/"+made, `{"isActive":true}`).data(t, 200)
	if got := download(); got != 200 {
		t.Errorf("the download answers %d", got)
	}
	ada.delete("/files/"+pdf+"?derived=true").data(t, 200)
	ada.delete("/files/"+pdf).data(t, 200)
	if got := download(); got == 200 {
		t.Error("a deleted file is downloaded")
	}
	for _, f := range []string{pdf, made} {
		ada.get("/files/"+f).refused(t, "404 FILE_NOT_FOUND")
		ada.post("/files/"+f+"/accessibility", "{}").refused(t, "404 FILE_NOT_FOUND")
	}
	if items := ada.get("/files").items(t); len(items) != 0 {
		t.Errorf("the list has %v", items)
	}
	files := ada.get("/organizations/current/statistics").data(t, 200)["files"].(object)
	if files["total"] != 0.0 || files["byStatus"].(object)["deleted"] != 2.0 {
		t.Errorf("the statistics are %v", files)
	}
}
