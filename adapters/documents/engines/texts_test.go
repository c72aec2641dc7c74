package engines

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// service answers as an OpenAI-compatible service does.
func service(t *testing.T, status int, content string, asked *map[string]any) *Texts {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/chat/completions" || r.Header.Get("Authorization") != "Bearer the-key" {
			t.Errorf("asked %s with %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		if asked != nil {
			if err := json.NewDecoder(r.Body).Decode(asked); err != nil {
				t.Error(err)
			}
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if status != http.StatusOK {
			_, _ = w.Write([]byte(`{"error":{"message":"wrong key the-key"}}`))
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"choices": []any{map[string]any{"message": map[string]any{"role": "assistant", "content": content}}},
		})
	}))
	t.Cleanup(server.Close)
	texts, err := newTexts(Settings{TextsURL: server.URL + "/v1/", TextsModel: "sees", TextsKey: "the-key"})
	if err != nil {
		t.Fatal(err)
	}
	return texts
}

func TestDescribe(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		"Two cats on a sofa.":       "Two cats on a sofa.",
		"\"Two cats\n on a sofa\"":  "Two cats on a sofa",
		"NONE":                      "",
		"none.":                     "",
		"":                          "",
		strings.Repeat("long ", 99): strings.TrimSpace(strings.Repeat("long ", 99)[:299]) + "…",
	} {
		t.Run(answer, func(t *testing.T) {
			t.Parallel()
			var asked map[string]any
			got, err := service(t, http.StatusOK, answer, &asked).Describe(t.Context(), "image/png", []byte("picture"), "de", "on page 3")
			if err != nil || got != want {
				t.Errorf("got %q, want %q: %v", got, want, err)
			}
			text, _ := json.Marshal(asked)
			for _, part := range []string{`"model":"sees"`, "data:image/png;base64,cGljdHVyZQ==", "on page 3", "language de"} {
				if !strings.Contains(string(text), part) {
					t.Errorf("%s is not asked with %s", text, part)
				}
			}
		})
	}
}

// TestDescribeKeepsSecrets makes the service refuse: its words, which repeat the key, are not passed on.
func TestDescribeKeepsSecrets(t *testing.T) {
	t.Parallel()
	_, err := service(t, http.StatusUnauthorized, "", nil).Describe(t.Context(), "image/png", []byte("picture"), "", "")
	if err == nil || strings.Contains(err.Error(), "the-key") || !strings.Contains(err.Error(), "401") {
		t.Errorf("got %v", err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	texts, err := newTexts(Settings{TextsURL: gone.URL, TextsModel: "sees", TextsKey: "the-key"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := texts.Describe(t.Context(), "image/png", []byte("picture"), "", ""); err == nil || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("got %v", err)
	}
}

func TestDescribeRefusesLargeImages(t *testing.T) {
	t.Parallel()
	texts := service(t, http.StatusOK, "text", nil)
	if got, err := texts.Describe(t.Context(), "image/png", make([]byte, maxSeen+1), "", ""); got != "" || err != nil {
		t.Errorf("got %q: %v", got, err)
	}
}

// In production images leave the machine only encrypted.
func TestTextsInProduction(t *testing.T) {
	t.Parallel()
	for url, accepted := range map[string]bool{
		"https://texts.example/v1": true, "http://127.0.0.1:8000/v1": true, "http://[::1]:8000": true, "http://localhost:8000/v1": true,
		"http://texts.example/v1": false, "HTTP://texts.example": false, "http://10.0.0.1": false, "http://localhost.example": false,
	} {
		_, err := newTexts(Settings{TextsURL: url, TextsModel: "sees", Production: true})
		if accepted != (err == nil) {
			t.Errorf("%s: %v", url, err)
		}
	}
}
