package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/perfectworks/backend/app"
)

// workerCommand makes the test binary a process that works jobs, and nothing else.
const workerCommand = "worker-of-a-test"

// workAsTold is the main function of that process.
func workAsTold(text string) int {
	var settings app.Settings
	if err := json.Unmarshal([]byte(text), &settings); err != nil {
		return 2
	}
	ctx := context.Background()
	running, err := app.New(ctx, settings, slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	if err := running.Run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// runAlone starts a part of the system that serves nothing, until the test ends.
func (w *world) runAlone(role app.Role) *app.App {
	w.t.Helper()
	none := int64(0)
	settings := app.Settings{
		Environment: app.Development, Data: w.data, DatabaseURL: w.database, Version: "test", Role: role, WelcomeTokens: &none,
	}
	running, err := app.New(w.t.Context(), settings, slog.New(slog.DiscardHandler))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- running.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("the %s ended with %v", role, err)
		}
	})
	return running
}

// worker starts a process that works jobs.
func (w *world) worker() *exec.Cmd {
	w.t.Helper()
	none := int64(0)
	text, err := json.Marshal(app.Settings{
		WelcomeTokens: &none, Environment: app.Development, Data: w.data, DatabaseURL: w.database, Version: "test", Role: app.RoleWorker, DocumentWorkers: 2,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	executable, err := os.Executable()
	if err != nil {
		w.t.Fatal(err)
	}
	cmd := exec.Command(executable, workerCommand, string(text))
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() {
		_ = cmd.Process.Kill() // It may have ended.
		_ = cmd.Wait()
	})
	return cmd
}

// However workers are killed or frozen, each operation ends once, what it cost is
// what was delivered, and no object is left of what was not.
func TestKilledWorkers(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.runAlone(app.RoleProjector)
	s := w.start(func(c *app.Settings) { c.Role = app.RoleAPI })
	ada := s.owner("ada")
	ada.welcomed(10_000)
	const rounds, kills = 2, 2
	var requested []string
	for i := range rounds {
		pdf := ada.upload(fmt.Sprintf("%d.pdf", i), typePDF, twoPages())
		html := ada.upload(fmt.Sprintf("%d.html", i), typeHTML, []byte(page))
		for _, operation := range []struct{ path, body string }{
			{"/files/" + pdf + "/accessibility", `{}`},
			{"/files/" + pdf + "/conversion", `{"targetFormat":"html"}`},
			{"/files/" + html + "/analysis", `{}`},
			{"/files/" + html + "/conversion", `{"targetFormat":"pdf"}`},
		} {
			a := ada.call(http.MethodPost, operation.path, operation.body, "Prefer", "respond-async")
			requested = append(requested, str(a.data(t, 202), "jobId"))
		}
	}
	frozen := w.worker()
	for range kills {
		worker := w.worker()
		time.Sleep(500*time.Millisecond + rand.N(2*time.Second))
		if err := worker.Process.Kill(); err != nil {
			t.Fatal(err)
		}
	}
	// Frozen for longer than it takes until others take over, and thawed.
	if err := frozen.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	w.worker()
	time.Sleep(8 * time.Second)
	if err := frozen.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	charged, held := 0.0, 0.0
	deadline := time.Now().Add(2 * time.Minute)
	for _, job := range requested {
		for {
			j := ada.get("/jobs/"+job).data(t, 200)
			if j["state"] == "completed" {
				charged += j["tokensCaptured"].(float64)
				break
			}
			if j["state"] != "waiting" && j["state"] != "running" || time.Now().After(deadline) {
				t.Fatalf("a job is %v", j)
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	var balance object
	eventually(t, func() bool {
		balance = ada.get("/token-transactions/balance").data(t, 200)
		held, _ = balance["held"].(float64)
		return held == 0
	}, func() string { return fmt.Sprint(balance) })
	if got := 10_000 - balance["available"].(float64); got != charged || charged == 0 {
		t.Errorf("the operations cost %v, and %v is gone", charged, got)
	}
	captures := ada.get("/token-transactions?limit=100&type=capture").items(t)
	if len(captures) != len(requested) {
		t.Errorf("%d operations were charged %d times", len(requested), len(captures))
	}
	list := ada.get("/files?limit=100").items(t)
	if len(list) != rounds*5 {
		t.Errorf("there are %d files", len(list))
	}
	stored := map[string]bool{}
	for _, f := range list {
		if f["fileType"] != "original" && f["status"] != "processed" {
			t.Errorf("a file is %v", f)
		}
		stored[str(f, "objectKey")] = true
		link := str(ada.post("/files/"+str(f, "id")+"/download-url", "{}").data(t, 200), "downloadUrl")
		res, err := client.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			t.Errorf("%v cannot be downloaded: %d", f["filename"], res.StatusCode)
		}
	}
	if err := w.runAlone(app.RoleProjector).CollectObjects(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	reports := 0
	root := filepath.Join(w.data, "objects")
	err := filepath.WalkDir(filepath.Join(root, "files"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		key, _ := filepath.Rel(root, path)
		switch {
		case stored[key]:
			delete(stored, key)
		case strings.HasSuffix(key, ".json"):
			reports++
		case !bytes.HasPrefix([]byte(d.Name()), []byte(".")):
			t.Errorf("the object %s belongs to nothing", key)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(stored) > 0 || reports != len(requested) {
		t.Errorf("%d documents are missing, and there are %d reports of %d operations: %v", len(stored), reports, len(requested), stored)
	}
}
