package corpustest

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// largeParts is how many documents by chance make the large one, which has more than 2,000 pages then.
const largeParts = 600

// MakeLarge gives a document of more than 2,000 pages, printed by Chromium and stripped of its tags, in the folder
// perfectworks/known of the user's cache. Its structure is not told.
func MakeLarge(ctx context.Context) (Known, error) {
	folder, err := cacheFolder("known")
	if err != nil {
		return Known{}, err
	}
	k := Known{Name: "large", Half: Tune, Untagged: filepath.Join(folder, "large-"+knownVersion+".pdf")}
	data, err := os.ReadFile(k.Untagged)
	if errors.Is(err, os.ErrNotExist) {
		data, err = printLarge(ctx, folder, k.Untagged)
	}
	if err != nil {
		return k, err
	}
	f, err := pdf.Open(data, pdf.Limits{})
	if err != nil {
		return k, err
	}
	pages, err := f.Pages(maxPages)
	k.Pages = len(pages)
	return k, err
}

func printLarge(ctx context.Context, folder, path string) ([]byte, error) {
	chromium, err := Chromium()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	work, err := os.MkdirTemp(folder, "making-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	source, printed := filepath.Join(work, "source.html"), filepath.Join(work, "printed.pdf")
	if err := os.WriteFile(source, []byte(largeHTML()), 0o600); err != nil {
		return nil, err
	}
	if err := Print(ctx, chromium, source, printed); err != nil {
		return nil, err
	}
	tagged, err := os.ReadFile(printed)
	if err != nil {
		return nil, err
	}
	var untagged bytes.Buffer
	if _, err := Strip(tagged, &untagged); err != nil {
		return nil, err
	}
	return untagged.Bytes(), writeWhole(work, path, untagged.Bytes())
}

// largeHTML puts documents after each other, all in the style of the first.
func largeHTML() string {
	var b strings.Builder
	for seed := range uint64(largeParts) {
		head, body, _ := strings.Cut(Generate(seed), "<body>")
		if seed == 0 {
			b.WriteString(head + "<body>")
		}
		body, _, _ = strings.Cut(body, "</body>")
		b.WriteString("<section style=\"break-before:page\">" + body + "</section>\n")
	}
	return b.String() + "</body></html>\n"
}
