package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
)

// TestMain lets the test binary be the process that measures, and its child.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == measureCommand {
		os.Exit(measureMain(os.Args[2:]))
	}
	os.Exit(m.Run())
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	in, out := filepath.Join(folder, "in.pdf"), filepath.Join(folder, "out.pdf")
	if err := os.WriteFile(in, pdftest.OnePage("0 0 9 9 re f", "").Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, one := range []task{
		{Operation: "analyze", Format: documents.PDF, In: in},
		{Operation: "process", Format: documents.PDF, In: in, Out: out},
	} {
		m, err := one.measure(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Problem != "" || m.Pages != 1 || m.Seconds <= 0 || m.Peak < 1<<20 || m.Peak > 1<<30 {
			t.Errorf("%s: %+v", one.Operation, m)
		}
	}
	if info, err := os.Stat(out); err != nil || info.Size() == 0 {
		t.Errorf("no result was written: %v", err)
	}
	bad := filepath.Join(folder, "bad.pdf")
	if err := os.WriteFile(bad, []byte("%PDF-1.7\nnothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := (task{Operation: "analyze", Format: documents.PDF, In: bad}).measure(t.Context())
	if err != nil || m.Problem == "" {
		t.Errorf("a damaged file gives %+v, %v", m, err)
	}
}
