package corpustest

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Set is a set of files on disk.
type Set struct {
	Folder string
	Files  []File
	// Skipped says, in a sentence for each, what is not there and why.
	Skipped []string
}

// File is one file of a set.
type File struct {
	Path     string
	Half     Half
	Pages    int
	Producer string
}

// maxFile bounds the size of a PDF in bytes.
const maxFile = 64 << 20

// cacheFolder is where sets lie.
func cacheFolder(set string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the cache folder: %w", err)
	}
	return filepath.Join(cache, "perfectworks", set), nil
}

// Collect fetches what is missing of the ordinary set into the folder perfectworks/ordinary of the user's cache, with a
// subfolder for each [Half]. A package that is not to be had is skipped. It is safe to call at the same time in many
// processes: each file appears whole, and only with the checksum of the list.
func Collect(ctx context.Context) (*Set, error) {
	documents, err := Documents()
	if err != nil {
		return nil, err
	}
	folder, err := cacheFolder("ordinary")
	if err != nil {
		return nil, err
	}
	for _, half := range []Half{Tune, Held} {
		if err := os.MkdirAll(filepath.Join(folder, string(half)), 0o755); err != nil {
			return nil, fmt.Errorf("make the folder for the ordinary set: %w", err)
		}
	}
	type parcel struct{ registry, name, version string }
	missing := map[parcel][]Document{}
	var order []parcel
	for _, d := range documents {
		if _, err := os.Stat(documentPath(folder, d)); err == nil {
			continue
		}
		p := parcel{d.Registry, d.Package, d.Version}
		if missing[p] == nil {
			order = append(order, p)
		}
		missing[p] = append(missing[p], d)
	}
	set := &Set{Folder: folder}
	for _, p := range order {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		set.Skipped = append(set.Skipped, collectParcel(ctx, folder, missing[p])...)
	}
	for _, d := range documents {
		path := documentPath(folder, d)
		if _, err := os.Stat(path); err == nil {
			set.Files = append(set.Files, File{Path: path, Half: d.Half(), Pages: d.Pages, Producer: d.Family()})
		}
	}
	return set, nil
}

func documentPath(folder string, d Document) string {
	return filepath.Join(folder, string(d.Half()), d.Name())
}

// collectParcel fetches documents of one package, and says what went wrong.
func collectParcel(ctx context.Context, folder string, documents []Document) (skipped []string) {
	first := documents[0]
	skip := func(err error) {
		skipped = append(skipped, fmt.Sprintf("%s package %s %s: %v.", first.Registry, first.Package, first.Version, err))
	}
	work, err := os.MkdirTemp(folder, "fetching-")
	if err != nil {
		skip(err)
		return skipped
	}
	defer os.RemoveAll(work)
	wanted := map[string]bool{}
	for _, d := range documents {
		wanted[d.Inside] = true
	}
	contents, err := fetch(ctx, work, first, wanted)
	if err != nil {
		skip(err)
		return skipped
	}
	for _, d := range documents {
		data, ok := contents[d.Inside]
		if !ok {
			skip(fmt.Errorf("it has no %s", d.Inside))
			continue
		}
		if err := place(work, documentPath(folder, d), d, data); err != nil {
			skip(err)
		}
	}
	return skipped
}

// place writes a document to where it belongs, if it is the one.
func place(work, path string, d Document, data []byte) error {
	if strings.HasSuffix(d.Inside, ".gz") {
		unzipped, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return fmt.Errorf("unpack %s: %w", d.Inside, err)
		}
		if data, err = io.ReadAll(io.LimitReader(unzipped, maxFile)); err != nil {
			return fmt.Errorf("unpack %s: %w", d.Inside, err)
		}
	}
	sum := sha256.Sum256(data)
	if got := hex.EncodeToString(sum[:]); got != d.SHA256 {
		return fmt.Errorf("%s has the checksum %s instead of %s", d.Inside, got, d.SHA256)
	}
	temporary := filepath.Join(work, d.Name())
	if err := os.WriteFile(temporary, data, 0o644); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
