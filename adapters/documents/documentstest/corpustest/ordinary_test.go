package corpustest

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestDocuments proves that the list is what it should be: enough files, by enough producers, in both halves.
func TestDocuments(t *testing.T) {
	t.Parallel()
	documents, err := Documents()
	if err != nil {
		t.Fatal(err)
	}
	families, names, halves := map[string]int{}, map[string]bool{}, map[Half]int{}
	for _, d := range documents {
		families[d.Family()]++
		halves[d.Half()]++
		if names[d.Name()] {
			t.Errorf("two documents are named %s", d.Name())
		}
		names[d.Name()] = true
		if strings.ContainsAny(d.Name(), "/\\ ") {
			t.Errorf("%q is no name of a file", d.Name())
		}
		if d.Licence == "" || d.Version == "" || d.Pages == 0 {
			t.Errorf("%s has no licence, version or pages", d.Name())
		}
	}
	t.Logf("%d documents, %v, by %d producers: %v", len(documents), halves, len(families), families)
	if len(documents) < 60 || len(families) < 10 || halves[Tune] < 25 || halves[Held] < 25 {
		t.Error("the set is too small")
	}
}

func TestFamily(t *testing.T) {
	t.Parallel()
	for producer, want := range map[string]string{
		"pdfTeX-1.40.24": "pdfTeX", "MiKTeX pdfTeX-1.40.21": "pdfTeX", "pdfTeX-0.13d": "pdfTeX", "pdfTeX-1.10b": "pdfTeX",
		"xdvipdfmx (20211117)": "xdvipdfmx", "GPL Ghostscript SVN PRE-RELEASE 8.61": "GPL Ghostscript",
		"Apache FOP Version SVN tags/fop-1_1": "Apache FOP", "Acrobat Distiller Command 3.01 for Solaris 2.3": "Acrobat Distiller",
		"macOS Version 15.4.1 (Build 24E263) Quartz PDFContext": "Quartz", "Mac OS X 10.4.10 Quartz PDFContext": "Quartz",
		"Skia/PDF m80": "Skia/PDF", "Microsoft® Word 2019": "Microsoft Word", "Microsoft: Print To PDF": "Microsoft Print To PDF",
		"TCPDF 6.2.11 (http://www.tcpdf.org)": "TCPDF", "ReportLab PDF Library - www.reportlab.com": "ReportLab PDF Library",
	} {
		if got := (Document{Producer: producer}).Family(); got != want {
			t.Errorf("family of %q is %q, want %q", producer, got, want)
		}
	}
}

// TestCollect fetches the set, or finds it fetched: a part of a run over the whole corpus.
func TestCollect(t *testing.T) {
	t.Parallel()
	if os.Getenv("CORPUS") == "" {
		t.Skip("set CORPUS to fetch the ordinary set")
	}
	set, err := Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, why := range set.Skipped {
		t.Logf("skipped: %s", why)
	}
	producers := map[string]bool{}
	for _, f := range set.Files {
		producers[f.Producer] = true
		info, err := exec.CommandContext(t.Context(), "pdfinfo", f.Path).Output()
		if err != nil {
			t.Errorf("%s: %v", f.Path, err)
		}
		if !strings.Contains(string(info), "Tagged:          no") {
			t.Errorf("%s is tagged", f.Path)
		}
	}
	if len(set.Files) < 60 || len(producers) < 10 {
		t.Errorf("only %d files by %d producers are to be had; at least 60 by 10 are needed", len(set.Files), len(producers))
	}
}
