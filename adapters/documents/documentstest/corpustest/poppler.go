package corpustest

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// dpi is the resolution at which pages are compared.
const dpi = 72

// renderTime is how long rendering one file may take.
const renderTime = 5 * time.Minute

// Poppler renders pages by pdftoppm.
type Poppler struct{}

// Name is that of the renderer, with its version.
func (Poppler) Name(ctx context.Context) (string, error) {
	said, err := exec.CommandContext(ctx, "pdftoppm", "-v").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("pdftoppm: %w", err)
	}
	line, _, _ := strings.Cut(string(said), "\n")
	return strings.ReplaceAll(line, " ", "-"), nil
}

// Pages renders the pages of a PDF.
func (Poppler) Pages(ctx context.Context, path string) ([]Picture, error) {
	ctx, cancel := context.WithTimeout(ctx, renderTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "pdftoppm", "-r", strconv.Itoa(dpi), path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("pdftoppm: %w", err)
	}
	pictures, err := readPictures(bufio.NewReaderSize(out, 1<<20))
	if err != nil {
		cancel()
	}
	if err := errors.Join(err, cmd.Wait()); err != nil {
		return nil, fmt.Errorf("pdftoppm: %w", err)
	}
	return pictures, nil
}

// readPictures reads images of the format PPM, one after the other.
func readPictures(in *bufio.Reader) ([]Picture, error) {
	var out []Picture
	for {
		var width, height int64
		var magic string
		var most int
		_, err := fmt.Fscanf(in, "%s\n%d %d\n%d\n", &magic, &width, &height, &most)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && magic == "" {
			return out, nil
		}
		if err != nil || magic != "P6" || width <= 0 || height <= 0 {
			return nil, fmt.Errorf("an image begins with %q: %w", magic, err)
		}
		sum := sha256.New()
		fmt.Fprintln(sum, width, height)
		if _, err := io.CopyN(sum, in, 3*width*height); err != nil {
			return nil, err
		}
		out = append(out, Picture(sum.Sum(nil)))
	}
}

// Unembedded tells whether a page, counted from 1, uses a font that is not embedded.
func Unembedded(ctx context.Context, path string, page int) (bool, error) {
	number := strconv.Itoa(page)
	out, err := run(ctx, "", "pdffonts", "-f", number, "-l", number, path)
	if err != nil {
		return false, err
	}
	lines := strings.Split(string(out), "\n")
	if len(lines) < 2 {
		return false, nil
	}
	at := strings.Index(lines[0], "emb")
	for _, line := range lines[2:] {
		if at >= 0 && len(line) > at+3 && strings.HasPrefix(line[at:], "no") {
			return true, nil
		}
	}
	return false, nil
}

// Words gives the words of a PDF by how often they occur, as pdftotext reads them: runs of letters and digits, so that
// a better reading of a bullet or an arrow loses nothing. What stands between white space and has characters that mean
// nothing is left out: text that could not be read cannot be lost.
func Words(ctx context.Context, path string) (map[string]int, error) {
	ctx, cancel := context.WithTimeout(ctx, renderTime)
	defer cancel()
	out, err := run(ctx, "", "pdftotext", "-enc", "UTF-8", path, "-")
	if err != nil {
		return nil, err
	}
	words := map[string]int{}
	for piece := range bytes.FieldsSeq(out) {
		text := norm.NFKC.String(string(piece))
		if strings.IndexFunc(text, isMeaningless) >= 0 {
			continue
		}
		for word := range strings.FieldsFuncSeq(text, isSeparator) {
			words[word]++
		}
	}
	return words, nil
}

func isSeparator(c rune) bool { return !unicode.In(c, unicode.L, unicode.N, unicode.M) }

func isMeaningless(c rune) bool {
	return c == unicode.ReplacementChar || unicode.IsControl(c) || unicode.Is(unicode.Co, c)
}

// Lost counts the words that were there before and are not any more. A piece of a new word is not lost: where ligatures
// could not be read before, "di" and "erent" have become "different".
func Lost(before, after map[string]int) int {
	var gained strings.Builder
	for word, n := range after {
		if n > before[word] {
			gained.WriteString(word + "\n")
		}
	}
	lost := 0
	for word, n := range before {
		if missing := n - after[word]; missing > 0 && !strings.Contains(gained.String(), word) {
			lost += missing
		}
	}
	return lost
}
