package tagging_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/programtest"
	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// process processes a file and gives the new one.
func process(data []byte, options tagging.Options) ([]byte, *tagging.Result, error) {
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		return nil, nil, err
	}
	result, err := tagging.Process(f, options, nil)
	if err != nil {
		return nil, nil, err
	}
	var out bytes.Buffer
	if err := f.Write(&out); err != nil {
		return nil, nil, err
	}
	return out.Bytes(), result, nil
}

// save writes a file for programs that read it.
func save(tb testing.TB, folder, name string, data []byte) string {
	tb.Helper()
	path := filepath.Join(folder, name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		tb.Fatal(err)
	}
	return path
}

// poppler runs a program of poppler-utils.
func poppler(tb testing.TB, name string, args ...string) []byte {
	tb.Helper()
	path := programtest.Find(tb, "poppler-utils", name)
	out, err := exec.CommandContext(context.Background(), path, args...).Output()
	if err != nil && len(out) == 0 {
		tb.Logf("%s %v: %v", name, args, err)
	}
	return out
}

// differentPages renders both files and gives the pages, up to a number of them, that differ in any pixel.
func differentPages(tb testing.TB, before, after string, most int) []int {
	tb.Helper()
	last := strconv.Itoa(most)
	a := bytesPerPage(poppler(tb, "pdftoppm", "-r", "50", "-l", last, before))
	b := bytesPerPage(poppler(tb, "pdftoppm", "-r", "50", "-l", last, after))
	var different []int
	for i := range max(len(a), len(b)) {
		if i >= len(a) || i >= len(b) || !bytes.Equal(a[i], b[i]) {
			different = append(different, i+1)
		}
	}
	return different
}

// bytesPerPage divides the PPM images of several pages.
func bytesPerPage(data []byte) [][]byte {
	var out [][]byte
	for len(data) > 0 {
		var width, height, most int
		if _, err := fmt.Sscanf(string(data[:min(len(data), 40)]), "P6\n%d %d\n%d\n", &width, &height, &most); err != nil {
			return out
		}
		head := 0
		for range 3 {
			head += bytes.IndexByte(data[head:], '\n') + 1
		}
		size := min(head+3*width*height, len(data))
		out = append(out, data[:size])
		data = data[size:]
	}
	return out
}

// lostWords gives the words that pdftotext finds in the first file and not, as often, in the second.
func lostWords(tb testing.TB, before, after string) []string {
	tb.Helper()
	count := map[string]int{}
	for _, word := range strings.Fields(string(poppler(tb, "pdftotext", "-enc", "UTF-8", after, "-"))) {
		count[word]++
	}
	var lost []string
	for _, word := range strings.Fields(string(poppler(tb, "pdftotext", "-enc", "UTF-8", before, "-"))) {
		if count[word]--; count[word] < 0 {
			lost = append(lost, word)
		}
	}
	slices.Sort(lost)
	return lost
}
