package corpustest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed known/*.html
var written embed.FS

// Known is a document of known structure.
type Known struct {
	Name string
	Half Half
	// HTML, Tagged and Untagged are paths; Tagged is what Chromium printed, Untagged the same without tags.
	HTML, Tagged, Untagged string
	Pages                  int
	// Truth are the blocks of the tagged one.
	Truth []Block
}

// knownVersion changes when the same HTML is to be printed or read in another way.
const knownVersion = "2"

// HTMLDocuments gives the documents of the known set by their names: those written by hand, and those by chance.
func HTMLDocuments() (map[string]string, error) {
	out := map[string]string{}
	entries, err := fs.ReadDir(written, "known")
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		data, err := written.ReadFile("known/" + entry.Name())
		if err != nil {
			return nil, err
		}
		out[strings.TrimSuffix(entry.Name(), ".html")] = string(data)
	}
	for seed := range uint64(generated) {
		out[fmt.Sprintf("generated-%02d", seed)] = Generate(seed)
	}
	return out, nil
}

// halfOf splits by name, so that a document stays in its half when it is edited.
func halfOf(name string) Half {
	if sum := sha256.Sum256([]byte(name)); sum[0]%2 == 0 {
		return Tune
	}
	return Held
}

// MakeKnown gives the documents of known structure, and makes what is missing of them in the folder perfectworks/known
// of the user's cache, with a subfolder for each [Half]. It needs Chromium and poppler.
func MakeKnown(ctx context.Context) ([]Known, error) {
	documents, err := HTMLDocuments()
	if err != nil {
		return nil, err
	}
	return makeKnown(ctx, "known", documents)
}

// makeKnown makes what is missing of a set in its folder of the user's cache.
func makeKnown(ctx context.Context, set string, documents map[string]string) ([]Known, error) {
	folder, err := cacheFolder(set)
	if err != nil {
		return nil, err
	}
	m := knownMaker{folder: folder}
	made, err := inParallel(ctx, documents, m.document)
	if err != nil {
		return nil, err
	}
	return made, m.prune(made)
}

// prune removes what was made of earlier versions of the documents.
func (m knownMaker) prune(made []Known) error {
	current := map[string]bool{}
	for _, k := range made {
		for _, path := range []string{k.HTML, k.Tagged, k.Untagged} {
			current[strings.TrimSuffix(path, filepath.Ext(path))] = true
		}
		current[strings.TrimSuffix(k.truthPath(), ".json")] = true
	}
	for _, half := range []Half{Tune, Held} {
		found, err := filepath.Glob(filepath.Join(m.folder, string(half), "*", "*"))
		if err != nil {
			return err
		}
		for _, path := range found {
			if !current[strings.TrimSuffix(path, filepath.Ext(path))] {
				if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
					return err
				}
			}
		}
	}
	return nil
}

// truthPath is where the truth lies, beside the others.
func (k Known) truthPath() string {
	folder, name := filepath.Split(k.HTML)
	return filepath.Join(filepath.Dir(filepath.Clean(folder)), "truth", strings.TrimSuffix(name, ".html")+".json")
}

// knownMaker makes documents in a folder.
type knownMaker struct{ folder string }

func (m knownMaker) document(ctx context.Context, name, html string) (Known, error) {
	k := Known{Name: name, Half: halfOf(name)}
	sum := sha256.Sum256([]byte(knownVersion + html))
	id := name + "-" + hex.EncodeToString(sum[:3])
	place := func(kind, ending string) string {
		return filepath.Join(m.folder, string(k.Half), kind, id+ending)
	}
	k.HTML, k.Tagged, k.Untagged = place("html", ".html"), place("tagged", ".pdf"), place("untagged", ".pdf")
	truth := k.truthPath()
	data, err := os.ReadFile(truth) // written last: the others are there
	if errors.Is(err, os.ErrNotExist) {
		if data, err = m.create(ctx, k, html, truth); err != nil {
			return k, fmt.Errorf("%s: %w", name, err)
		}
	}
	if err != nil {
		return k, err
	}
	var stored struct {
		Pages  int
		Blocks []Block
	}
	if err := json.Unmarshal(data, &stored); err != nil {
		return k, fmt.Errorf("read %s: %w", truth, err)
	}
	k.Pages, k.Truth = stored.Pages, stored.Blocks
	return k, nil
}

// create prints a document, strips it and reads its structure.
func (m knownMaker) create(ctx context.Context, k Known, html, truth string) ([]byte, error) {
	chromium, err := Chromium()
	if err != nil {
		return nil, err
	}
	for _, path := range []string{k.HTML, k.Tagged, k.Untagged, truth} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return nil, err
		}
	}
	work, err := os.MkdirTemp(m.folder, "making-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	source, printed := filepath.Join(work, "source.html"), filepath.Join(work, "printed.pdf")
	if err := os.WriteFile(source, []byte(html), 0o600); err != nil {
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
	pages, err := Strip(tagged, &untagged)
	if err != nil {
		return nil, err
	}
	if err := writeWhole(work, k.Tagged, tagged); err != nil {
		return nil, err
	}
	blocks, err := Blocks(ctx, k.Tagged)
	if err != nil {
		return nil, err
	}
	if len(blocks) == 0 {
		return nil, errors.New("the printed PDF has no structure")
	}
	stored, err := json.MarshalIndent(map[string]any{"Pages": pages, "Blocks": blocks}, "", " ")
	if err != nil {
		return nil, err
	}
	return stored, errors.Join(
		writeWhole(work, k.HTML, []byte(html)), writeWhole(work, k.Untagged, untagged.Bytes()), writeWhole(work, truth, stored),
	)
}

// writeWhole lets a file appear at once.
func writeWhole(work, path string, data []byte) error {
	temporary := filepath.Join(work, filepath.Base(path))
	if err := os.WriteFile(temporary, data, 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
