package typeset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/documents/documentstest/verapdftest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfua"
)

func TestLimits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		html   string
		limits Limits
		what   string
	}{
		"bytes":          {strings.Repeat("x", 101), Limits{SourceBytes: 100}, "bytes"},
		"elements":       {strings.Repeat("<b>x</b>", 100), Limits{Elements: 100}, "elements and texts"},
		"pages":          {strings.Repeat("<p style='break-after:page'>x", 100), Limits{Pages: 20}, "pages"},
		"pages of text":  {"<pre>" + strings.Repeat("x\n", 100_000), Limits{Pages: 20}, "pages"},
		"pages by size":  {strings.Repeat("<p style='height:200cm'>x", 100), Limits{Pages: 20}, "pages"},
		"pixels at once": {`<img src="data:image/gif;base64,R0lGODlh//8AgAAAAP///yH5BAAAAAAALAAAAAD//wAAAAA=">`, Limits{}, "pixels of images"},
		"depth":          {strings.Repeat("<div>", 100_000), Limits{}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Convert([]byte(c.html), io.Discard, Options{Fonts: noFonts(), Limits: c.limits})
			var limit *LimitError
			if c.what == "" && !errors.Is(err, ErrTooDeep) || c.what != "" && (!errors.As(err, &limit) || limit.What != c.what) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestMissingGlyph(t *testing.T) {
	t.Parallel()
	_, err := Convert([]byte("<p>中文"), io.Discard, Options{Fonts: noFonts()})
	var missing *MissingGlyphError
	if !errors.As(err, &missing) || missing.Rune != '中' || missing.Script != "Han" {
		t.Errorf("the error is %v", err)
	}
	f, _, result := set(t, "<html lang=en><title>T</title><p>a 🏔 b")
	if len(result.Warnings) != 1 || outline(t, f, true) != `Document(P("a 🏔 b"))` {
		t.Errorf("a sign without a font gives %s and %v", outline(t, f, true), result.Warnings)
	}
}

type brokenWriter struct{ after int }

func (w *brokenWriter) Write(p []byte) (int, error) {
	if w.after -= len(p); w.after < 0 {
		return 0, errors.New("the disk is full")
	}
	return len(p), nil
}

func TestWriterFails(t *testing.T) {
	t.Parallel()
	if _, err := Convert([]byte("<p>x"), &brokenWriter{100}, Options{Fonts: noFonts()}); err == nil {
		t.Error("the error of the writer is lost")
	}
}

// TestLarge sets what is large in one way or another in time that grows with its size.
func TestLarge(t *testing.T) {
	t.Parallel()
	for name, html := range map[string]string{
		"siblings":      "<style>p:nth-last-child(2n+1) ~ p{color:red} p:nth-of-type(3n){color:blue}</style>" + strings.Repeat("<p>x", 5_000),
		"one word":      strings.Repeat("x", 100_000),
		"one line":      strings.Repeat("word ", 30_000),
		"soft hyphens":  strings.Repeat("a\u00ad", 50_000),
		"floats":        strings.Repeat(`<div style="float:left;width:1pt;height:1pt"></div>`, 3_000) + "x",
		"inline blocks": strings.Repeat(`<span style="display:inline-block">x</span> `, 3_000),
		"columns":       "<table><tr>" + strings.Repeat("<td>x", 3_000) + "</table>",
		"rows":          "<table>" + strings.Repeat("<tr><td rowspan=65000>x", 2_000) + "</table>",
		"spans":         "<table>" + strings.Repeat("<tr><td colspan=1000>x", 1_000) + "</table>",
		"deep tables":   strings.Repeat("<table><tr><td>x", 120),
		"deep flex":     strings.Repeat("<div style='display:flex'><div style='display:inline-block'>", 120) + "x",
		"deep spans":    strings.Repeat("<span style='padding:1pt;border:1pt solid'>", 450) + "x",
		"list":          "<ol reversed>" + strings.Repeat("<li>", 5_000),
		"links":         "<p id=a>" + strings.Repeat("<a href='#a'>x</a> ", 5_000),
		"selectors":     "<style>" + strings.Repeat("a b c d e f{}", 2_000) + "</style>" + strings.Repeat("<b><i><u>", 30) + "x",
		"variables":     "<style>*{--a:x;" + strings.Repeat("--a:var(--a) var(--a);", 50) + "color:var(--a)}</style>x",
		"tiny":          "<div style='font-size:0;line-height:0'>" + strings.Repeat("x<br>", 5_000),
		"huge":          "<div style='font-size:9999in;margin:9e9cm;letter-spacing:1e9pt'>x y z",
		"narrow page":   "<style>@page{size:1pt 1pt;margin:1cm}</style>" + strings.Repeat("word ", 1_000),
		"combining":     "a" + strings.Repeat("\u0301", 20_000),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			set(t, "<html lang=en><title>T</title>"+html)
		})
	}
}

// TestGeneratedOracle asks veraPDF about a sample of generated documents.
func TestGeneratedOracle(t *testing.T) {
	t.Parallel()
	oracle := verapdftest.Start(t)
	folder := t.TempDir()
	count := 0
	rapid.Check(t, func(rt *rapid.T) {
		if count++; count > 15 && os.Getenv("CORPUS") == "" {
			return
		}
		source := generated(rt)
		var b bytes.Buffer
		if _, err := Convert([]byte(source), &b, Options{Fonts: noFonts()}); err != nil {
			rt.Fatal(err)
		}
		path := filepath.Join(folder, fmt.Sprintf("%d.pdf", count))
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			rt.Fatal(err)
		}
		if verdict, err := oracle.Check(path); err != nil || !verdict.Conforms {
			rt.Fatalf("veraPDF: %v %v of\n%s", verdict.FailedRules, err, source)
		}
	})
}

func FuzzConvert(f *testing.F) {
	f.Add([]byte("<p>a<table><tr><td>b</table><img src=x alt=y>"))
	f.Add([]byte("<style>@page{size:A5;margin:1in}@media print{p::before{content:'x'}}p>b+i~u:nth-child(2n+1){float:left}</style><p><b></b><i></i><u>x"))
	f.Add([]byte("<svg viewBox='0 0 10 10'><path d='M0 0L1 1z'/></svg><math><mi>x</mi></math>"))
	f.Add([]byte("<ul><li>a<ol type=a><li value=-5>b</ol></ul><a href='#x'>c</a><h3 id=x>d</h3>"))
	f.Fuzz(func(t *testing.T, source []byte) {
		var b bytes.Buffer
		_, err := Convert(source, &b, Options{Fonts: noFonts(), Limits: Limits{SourceBytes: 1 << 16, Pages: 200, ImagePixels: 1 << 20}})
		var limit *LimitError
		var missing *MissingGlyphError
		switch {
		case errors.As(err, &limit), errors.As(err, &missing), errors.Is(err, ErrTooDeep):
			return
		case err != nil:
			t.Fatal(err)
		}
		file, err := pdf.Open(b.Bytes(), pdf.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		checked, err := pdfua.Check(file, pdfua.Limits{}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if !checked.Conforms() {
			t.Fatalf("the PDF fails %+v", checked.Failures)
		}
	})
}
