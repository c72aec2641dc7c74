package postgres_test

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
)

// noDownload fails before it asks anybody.
func noDownload(t *testing.T) postgres.Download {
	t.Helper()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return postgres.Download{Dir: filepath.Join(file, "cache")}
}

func TestBinariesThatDoNotFitAreNamed(t *testing.T) {
	t.Parallel()
	dir := postgrestest.Dir(t)
	config := clusterConfig(filepath.Join(dir, "pg"), io.Discard)
	config.Download = noDownload(t)

	config.BinDirs = []string{}
	wantError(t, startFails(t, config), "PostgreSQL 14 or newer is not on this machine (found: nothing)", "was not downloaded")

	old := fakeBinaries(t, "13.9", "exit 1", "exit 1")
	empty := filepath.Join(dir, "empty")
	if err := os.Mkdir(empty, 0o711); err != nil {
		t.Fatal(err)
	}
	config.BinDirs = []string{empty, old}
	wantError(t, startFails(t, config), empty+" (no initdb)", old+" (version 13.9)")

	broken := fakeBinaries(t, "15.0", "exit 1", "exit 1")
	if err := os.WriteFile(filepath.Join(broken, "postgres"), []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	config.BinDirs = []string{broken}
	wantError(t, startFails(t, config), "cannot run it: exit status 3")
}

// A machine may have several versions; a cluster needs its own.
func TestClusterKeepsItsVersion(t *testing.T) {
	t.Parallel()
	ours := installed(t)
	config := clusterConfig(filepath.Join(postgrestest.Dir(t), "pg"), io.Discard)
	config.BinDirs = []string{fakeBinaries(t, "13.9", "exit 1", "exit 1"), ours}
	stop(t, start(t, config))

	newer := fakeBinaries(t, "99.1", "exit 1", "exit 1")
	config.BinDirs = []string{newer, ours}
	stop(t, start(t, config))

	config.BinDirs = []string{newer}
	config.Download = noDownload(t)
	wantError(t, startFails(t, config), "which made this cluster", "version 99.1")
}

// The library unpacks for one caller at a time, which takes a while: one case
// after another.
func TestDownload(t *testing.T) { //nolint:tparallel // see above
	t.Parallel()
	t.Run("fails", testDownloadFails)
	t.Run("runs", testDownloadRuns)
}

// The real repository, and the programs that it has.
func testDownloadRuns(t *testing.T) {
	t.Helper()
	reach, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(reach, http.MethodHead, "https://repo1.maven.org/maven2/", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Skipf("the repository is out of reach: %v", err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}

	programs := programDir(t)
	program, cache := filepath.Join(programs, "download"), filepath.Join(programs, "cache")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", program, "./testdata/download")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, output)
	}
	dir := filepath.Join(postgrestest.Dir(t), "pg")
	for _, test := range []struct{ repository, log string }{
		{"", "downloading PostgreSQL"},
		{"http://127.0.0.1:1", ""}, // the programs are kept
	} {
		cmd := exec.CommandContext(t.Context(), program, "-dir", dir, "-cache", cache, "-repository", test.repository)
		var log bytes.Buffer
		cmd.Stderr = &log
		began := time.Now()
		version, err := cmd.Output()
		t.Logf("took %s", time.Since(began))
		if err != nil || !strings.HasPrefix(string(version), "17.") || !strings.Contains(log.String(), test.log) {
			t.Fatalf("version %q, want 17, and %q in the log: %v\n%s", version, test.log, err, log.String())
		}
	}
	left, err := filepath.Glob(filepath.Join(cache, "download-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("the download left %v (%v)", left, err)
	}
}

func testDownloadFails(t *testing.T) {
	t.Helper()
	var archive bytes.Buffer
	zipped := zip.NewWriter(&archive)
	file, err := zipped.Create("postgres.txz")
	if err == nil {
		_, err = file.Write([]byte("no archive"))
	}
	if err != nil || zipped.Close() != nil {
		t.Fatal("cannot write an archive")
	}
	serve := func(body, sum string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".sha256") {
				body = sum
			}
			_, _ = io.WriteString(w, body)
		}
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"not there":      {http.NotFound, "answers 404"},
		"not an archive": {serve("<html>", fmt.Sprintf("%x", sha256.Sum256([]byte("<html>")))), "error fetching postgres"},
		"no checksum": {func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.URL.Path, ".sha256") {
				http.NotFound(w, r)
				return
			}
			_, _ = w.Write(archive.Bytes())
		}, ".sha256 answers 404"},
		"wrong checksum": {serve(archive.String(), "0000"), "checksums do not match"},
		"broken inside":  {serve(archive.String(), fmt.Sprintf("%x", sha256.Sum256(archive.Bytes()))), "unable to extract"},
		"cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, "a part")
		}, "unexpected EOF"},
		"no answer": {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "the download took longer than 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			repository := httptest.NewServer(test.handler)
			defer repository.Close()
			dir := postgrestest.Dir(t)
			config := clusterConfig(filepath.Join(dir, "pg"), io.Discard)
			config.BinDirs = []string{}
			config.Download = postgres.Download{Dir: filepath.Join(dir, "cache"), RepositoryURL: repository.URL}
			if name == "no answer" {
				config.Download.Timeout = 300 * time.Millisecond
			}
			wantError(t, startFails(t, config), "was not downloaded", test.want)
			left, err := os.ReadDir(config.Download.Dir)
			if err != nil || len(left) != 1 || left[0].Name() != "lock" {
				t.Errorf("the download left %v (%v)", left, err)
			}
		})
	}
}
