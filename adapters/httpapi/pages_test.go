package httpapi

import (
	"os"
	"testing"
)

func TestDocs(t *testing.T) {
	h := newHarness(t, nil)
	a := h.do(call{method: "GET", path: "/docs"})
	t.Log(a.status, a.header)
	os.WriteFile("/tmp/pw/docs.html", a.body, 0o644)
	a = h.do(call{method: "GET", path: "/api/v0/openapi.json"})
	os.WriteFile("/tmp/pw/openapi.json", a.body, 0o644)
	t.Log(h.do(get("/api/v0/nothing")))
}
