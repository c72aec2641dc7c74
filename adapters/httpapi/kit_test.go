package httpapi_test

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/httpapi"
)

// The kinds of operations that are not an envelope for an envelope, each on the
// whole stack: see registerOdd.
func TestOddOperations(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	key := ada.post("/api-keys", `{}`).data(t, 201)

	t.Run("hidden operations", func(t *testing.T) {
		t.Parallel()
		ada.post("/odd/hidden", `{"hiddenMember":"x"}`).data(t, 200)
		ada.post("/odd/hidden", `{"hidenMember":"x"}`).refused(t, "400 VALIDATION_FAILED hidenMember FIELD_UNKNOWN")
		for _, path := range []string{"/api/v0/openapi.json", "/docs"} {
			a := s.do(call{method: http.MethodGet, path: path})
			for _, leak := range []string{"odd", "hiddenMember", "OddSecret", "ROWS_UNAVAILABLE"} {
				if a.status != 200 || bytes.Contains(a.body, []byte(leak)) {
					t.Errorf("%s: %d, with %s", path, a.status, leak)
				}
			}
		}
	})
	t.Run("redirects", func(t *testing.T) {
		t.Parallel()
		for _, method := range []string{http.MethodGet, http.MethodHead} {
			a := s.do(call{method: method, path: "/api/v0/odd/redirect/abc"})
			cookies := a.header["Set-Cookie"]
			if a.status != 302 || a.header.Get("Location") != "https://example.com/?code=abc" || len(cookies) != 2 ||
				cookies[0] != "click=abc; Path=/; HttpOnly; SameSite=Lax" || a.header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: %d %v", method, a.status, a.header)
			}
		}
		if n := httpapi.Counted(); n != 1 {
			t.Errorf("counted %d times: HEAD must not count", n)
		}
	})
	t.Run("rows", func(t *testing.T) { t.Parallel(); testRows(t, ada) })
	t.Run("events", func(t *testing.T) { t.Parallel(); testEvents(t, ada, str(key, "id"), str(key, "key")) })
	t.Run("raw bodies", func(t *testing.T) {
		t.Parallel()
		mac := hmac.New(sha256.New, []byte("webhook"))
		body := "{ \"a\": 1,  \"a\": 2 }\n" // Not a body that we would take.
		mac.Write([]byte(body))
		hook := func(body, media string) answer {
			return s.do(call{method: http.MethodPost, path: "/api/v0/odd/webhook", body: body, header: []string{
				"X-Signature", hex.EncodeToString(mac.Sum(nil)), "Content-Type", media,
			}})
		}
		if got := hook(body, "Application/JSON; charset=utf-8").data(t, 200)["bytes"]; got != float64(len(body)) {
			t.Errorf("got %v bytes", got)
		}
		hook(body+" ", "application/json").refused(t, "400 SIGNATURE_INVALID")
		hook(body, "text/plain").refused(t, "415 MEDIA_TYPE_UNSUPPORTED")
		hook(strings.Repeat("x", 256<<10+1), "application/json").refused(t, "413 BODY_TOO_LARGE")
	})
	t.Run("bytes", func(t *testing.T) { t.Parallel(); testBytes(t, s) })
	t.Run("preferences", func(t *testing.T) {
		t.Parallel()
		job := func(prefer ...string) answer {
			return ada.call(http.MethodPost, "/odd/job", "", append([]string{"Prefer"}, prefer...)...)
		}
		a := job(`foo; bar="x", Respond-Async, wait=0`)
		a.data(t, 202)
		if a.header.Get("Preference-Applied") != "respond-async" || !strings.Contains(a.header.Get("Vary"), "Prefer") {
			t.Errorf("%v", a.header)
		}
		for prefer, given := range map[string]string{"wait=1": "true", "wait=soon": "false", "": "false", "wait=-1": "false"} {
			a := job(prefer)
			if e := a.envelope(t); a.status != 200 || e["data"] != given || a.header.Get("Preference-Applied") != "" {
				t.Errorf("%q: %d %s", prefer, a.status, a.body)
			}
		}
	})
	t.Run("queries", func(t *testing.T) {
		t.Parallel()
		query := func(q string) answer {
			return s.do(call{method: http.MethodGet, path: "/api/v0/odd/query?" + q})
		}
		for q, want := range map[string]string{
			"tag=a&tag=b,c&n=1&n=2,3":      `{"n":[1,2,3],"one":"","tags":["a","b","c"]}`,
			"tag=a%2Cb&tag=&one=x%20y":     `{"n":null,"one":"x y","tags":["a","b"]}`,
			"tag=a+b&tag=%26&other=1":      `{"n":null,"one":"","tags":["a b","\u0026"]}`,
			"other=1&other=2&tag=;x&one=%": "400 VALIDATION_FAILED one FORMAT_INVALID",
			"one=1&one=1":                  "400 VALIDATION_FAILED one REPEATED_PARAMETER",
			"%zz=1":                        "400 VALIDATION_FAILED query FORMAT_INVALID",
			"n=1&n=x":                      "400 VALIDATION_FAILED n TYPE_INVALID",
			"n=1&n=2&n=3&n=4&n=5":          "400 VALIDATION_FAILED n TOO_LONG",
		} {
			a := query(q)
			if strings.HasPrefix(want, "400") {
				a.refused(t, want)
				continue
			}
			if got, _ := json.Marshal(a.data(t, 200)); string(got) != want {
				t.Errorf("%s: %s, want %s", q, got, want)
			}
		}
	})
	t.Run("encoded paths", func(t *testing.T) {
		t.Parallel()
		for path, want := range map[string]string{
			"/odd/segment/a%2Fb": "a/b", "/odd/segment/a%2fb%20c": "a/b c", "/%6fdd/segment/%61": "a", "/odd/segment/a%25b": "a%b",
		} {
			a := s.do(call{method: http.MethodGet, path: "/api/v0" + path})
			if a.status != 200 || a.envelope(t)["data"] != want {
				t.Errorf("%s: %d %s", path, a.status, a.body)
			}
		}
		ada.post("/api-keys/"+str(key, "id")+"%2Frotate", "").refused(t, "405 METHOD_NOT_ALLOWED")
	})
}

func testRows(t *testing.T, ada *person) {
	t.Helper()
	const n = 50_000
	a := ada.get("/odd/rows?format=csv&rows=50000")
	rows, err := csv.NewReader(bytes.NewReader(a.body)).ReadAll()
	if err != nil || len(rows) != n+1 || rows[0][1] != "text" || rows[n][1] != `'=row, "50000"` {
		t.Fatalf("%v, %d rows, of status %d", err, len(rows), a.status)
	}
	if got := a.header.Get("Content-Type"); got != "text/csv; charset=utf-8; header=present" {
		t.Errorf("content type %s", got)
	}
	a = ada.call(http.MethodGet, "/odd/rows?format=jsonl&rows=50000", "", "Accept", "application/jsonl")
	lines := bytes.Split(bytes.TrimSuffix(a.body, []byte("\n")), []byte("\n"))
	if len(lines) != n || string(lines[n-1]) != `{"n":50000,"text":"=row, \"50000\""}` {
		t.Errorf("%d lines, the last %s", len(lines), lines[len(lines)-1])
	}
	ada.get("/odd/rows").data(t, 200)
	// A failure before the first piece is an answer; one later breaks off.
	ada.get("/odd/rows?format=csv&rows=10&fail=5").refused(t, "503 ROWS_UNAVAILABLE")
	_, err = ada.try(call{
		method: http.MethodGet, path: "/api/v0/odd/rows?format=csv&rows=50000&fail=40000",
		header: []string{"Authorization", "Bearer " + ada.bearer},
	})
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a part was taken for the whole: %v", err)
	}
	ada.call(http.MethodGet, "/odd/rows", "", "Accept", "text/plain").refused(t, "406 MEDIA_TYPE_NOT_ACCEPTABLE")
}

func testEvents(t *testing.T, ada *person, keyID, key string) {
	t.Helper()
	open := func(query string, header ...string) (*http.Response, *bufio.Scanner) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, ada.url+"/api/v0/odd/events?"+query, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
			t.Fatalf("%d %v", res.StatusCode, res.Header)
		}
		return res, bufio.NewScanner(res.Body)
	}
	text := func(lines *bufio.Scanner, n int) string {
		var all []string
		for len(all) < n && lines.Scan() {
			// Heartbeats come whenever they are due.
			if line := lines.Text(); line != ": alive" && (line != "" || len(all) > 0 && all[len(all)-1] != "") {
				all = append(all, line)
			}
		}
		return strings.Join(all, "\n")
	}
	token := []string{"Authorization", "Bearer " + ada.bearer}
	_, lines := open("until=2", token...)
	want := "retry: 2000\n\nid: 1\nevent: step\ndata: {\"n\":1,\"text\":\"a\\nb\"}\n\nid: 2\nevent: step\ndata: {\"n\":2,\"text\":\"a\\nb\"}\n"
	if got := text(lines, 10); got != want {
		t.Errorf("got %q", got)
	}
	_, lines = open("until=3", append(token, "Last-Event-ID", "2", "Accept", "text/event-stream")...)
	if got := text(lines, 4); got != "retry: 2000\n\nid: 3\nevent: step" {
		t.Errorf("going on after the second: %q", got)
	}
	// What is silent shows that it is alive, and ends with its credential.
	_, lines = open("until=0", "X-API-Key", key)
	for lines.Scan() && lines.Text() != ": alive" {
	}
	if lines.Text() != ": alive" {
		t.Errorf("no heartbeat: %v", lines.Err())
	}
	ada.delete("/api-keys/"+keyID).data(t, 200)
	revoked := time.Now()
	for lines.Scan() {
	}
	if err := lines.Err(); err != nil || time.Since(revoked) > 5*time.Second {
		t.Errorf("the stream ended after %v with %v", time.Since(revoked), err)
	}
	ada.call(http.MethodGet, "/odd/events", "", "Last-Event-ID", "a b").refused(t, "400 VALIDATION_FAILED Last-Event-ID FORMAT_INVALID")
	ada.server.do(call{method: http.MethodGet, path: "/api/v0/odd/events"}).refused(t, "401 CREDENTIALS_MISSING")
}

func testBytes(t *testing.T, s *server) {
	t.Helper()
	// Each piece comes back before the next one is sent.
	reader, writer := io.Pipe()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.url+"/api/v0/odd/bytes", reader)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/pdf")
	first := make(chan error, 1)
	go func() { _, err := writer.Write([]byte("abc")); first <- err }()
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	for _, want := range []string{"`cb", "edg"} {
		got := make([]byte, 3)
		if _, err := io.ReadFull(res.Body, got); err != nil || string(got) != want {
			t.Fatalf("got %q, %v", got, err)
		}
		if want == "`cb" {
			if err := <-first; err != nil {
				t.Fatal(err)
			}
			if _, err := writer.Write([]byte("def")); err != nil {
				t.Fatal(err)
			}
		}
	}
	writer.Close()
	if rest, err := io.ReadAll(res.Body); err != nil || len(rest) > 0 {
		t.Errorf("then %q, %v", rest, err)
	}
	put := func(body io.Reader, media string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, s.url+"/api/v0/odd/bytes", body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", media)
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return res
	}
	large := bytes.Repeat([]byte{7}, 4<<20)
	res = put(bytes.NewReader(large), "application/pdf")
	if got, err := io.ReadAll(res.Body); err != nil || len(got) != len(large) || bytes.IndexByte(got, 7) >= 0 {
		t.Errorf("%d bytes came back, %v", len(got), err)
	}
	if res := put(bytes.NewReader(make([]byte, 8<<20+1)), "text/html"); res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("too large: %d", res.StatusCode)
	}
	if res := put(strings.NewReader("x"), "image/png"); res.StatusCode != http.StatusUnsupportedMediaType {
		t.Errorf("an image: %d", res.StatusCode)
	}
	// One that is found too large on the way is broken off.
	if _, err := io.ReadAll(put(io.LimitReader(endless{}, 9<<20), "text/html").Body); err == nil {
		t.Error("a part was taken for the whole")
	}
	file := func(method string, header ...string) answer {
		return s.do(call{method: method, path: "/api/v0/odd/file", header: header})
	}
	if a := file(http.MethodGet, "Range", "bytes=2-4"); a.status != 206 || string(a.body) != "234" {
		t.Errorf("a range: %d %s", a.status, a.body)
	}
	if a := file(http.MethodHead); a.status != 200 || a.header.Get("Content-Length") != "10" || len(a.body) > 0 {
		t.Errorf("HEAD: %d %v", a.status, a.header)
	}
	if a := file(http.MethodGet, "Range", "bytes=20-"); a.header.Get("Content-Range") != "bytes */10" {
		t.Errorf("a range outside: %v", a.header)
	} else {
		a.refused(t, "416 RANGE_NOT_SATISFIABLE")
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }
