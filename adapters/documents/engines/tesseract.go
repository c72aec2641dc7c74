package engines

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/tagging"
)

// Tesseract reads the text of scanned pages.
type Tesseract struct {
	runner    runner
	path      string
	version   func() string
	languages func() []string
}

// tesseractWall is how long one page may take.
const tesseractWall = 60 * time.Second

func findTesseract(r runner, setting string) (*Tesseract, error) {
	path, err := lookUp("TESSERACT", setting, "tesseract")
	if path == "" {
		return nil, err
	}
	t := &Tesseract{runner: r, path: path, version: r.version(path)}
	t.languages = sync.OnceValue(t.list)
	return t, nil
}

// list asks which languages are installed.
func (t *Tesseract) list() []string {
	said, err := t.runner.output(context.Background(), versionWall, nil, nil, t.path, "--list-langs")
	if err != nil {
		return nil
	}
	var languages []string
	for _, line := range strings.Split(string(said), "\n")[1:] {
		// These two tell the direction of writing and find equations.
		if name := strings.TrimSpace(line); name != "" && name != "osd" && name != "equ" {
			languages = append(languages, name)
		}
	}
	return languages
}

// Info names the engine.
func (t *Tesseract) Info() documents.EngineInfo {
	return documents.EngineInfo{Name: "tesseract", Version: t.version()}
}

// maxLanguages is how many languages are looked for at once; each makes reading slower.
const maxLanguages = 3

// Read returns the words of a page's image, in the page's coordinates.
func (t *Tesseract) Read(ctx context.Context, page tagging.Scan) ([]tagging.Word, error) {
	installed := t.languages()
	if len(installed) == 0 {
		return nil, errors.New("tesseract has no languages")
	}
	languages := strings.Join(installed[:min(len(installed), maxLanguages)], "+")
	// More threads than one make it slower where several pages are read.
	out, err := t.runner.output(ctx, tesseractWall, page.Image, []string{"OMP_THREAD_LIMIT=1"}, t.path, "-", "-", "-l", languages, "tsv")
	if err != nil {
		return nil, err
	}
	return tesseractWords(string(out), page), nil
}

// minConfidence is how sure tesseract must be of a word, in percent: below, it is mostly dirt and drawings.
const minConfidence = 30

// tesseractWords reads tesseract's table: level, page, block, paragraph, line, word, left, top, width, height,
// confidence, text. Level 5 are words, places are pixels from the upper left corner.
func tesseractWords(table string, page tagging.Scan) []tagging.Word {
	var words []tagging.Word
	line, last := 0, ""
	width, height := 0.0, 0.0
	for row := range strings.Lines(table) {
		f := strings.Split(strings.TrimRight(row, "\n"), "\t")
		if len(f) != 12 {
			continue
		}
		box, ok := numbers(f[6:11])
		if !ok {
			continue
		}
		if f[0] == "1" { // the image as a whole
			width, height = box[2], box[3]
		}
		text := strings.TrimSpace(f[11])
		if f[0] != "5" || text == "" || box[4] < minConfidence || width <= 0 || height <= 0 {
			continue
		}
		if at := strings.Join(f[1:5], "/"); at != last {
			line, last = line+1, at
		}
		x := func(pixels float64) float64 { return page.Left + (page.Right-page.Left)*pixels/width }
		y := func(pixels float64) float64 { return page.Top - (page.Top-page.Bottom)*pixels/height }
		words = append(words, tagging.Word{
			Text: text, Line: line, Left: x(box[0]), Right: x(box[0] + box[2]), Top: y(box[1]), Bottom: y(box[1] + box[3]),
		})
	}
	return slices.Clip(words)
}

func numbers(fields []string) ([]float64, bool) {
	out := make([]float64, len(fields))
	for i, field := range fields {
		n, err := strconv.ParseFloat(field, 64)
		if err != nil {
			return nil, false
		}
		out[i] = n
	}
	return out, true
}
