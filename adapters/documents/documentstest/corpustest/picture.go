package corpustest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
)

// Picture is the checksum of a rendered page.
type Picture [sha256.Size]byte

// Renderer renders the pages of PDFs at 72 dots per inch.
type Renderer interface {
	// Name tells the renderer and its version.
	Name(ctx context.Context) (string, error)
	Pages(ctx context.Context, path string) ([]Picture, error)
}

// Remembered renders a file that is rendered in every run: its pictures are kept in the folder perfectworks/pictures of
// the user's cache, by its content and the renderer.
func Remembered(ctx context.Context, r Renderer, path string) ([]Picture, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	name, err := r.Name(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := cacheFolder("pictures")
	if err != nil {
		return nil, err
	}
	sum := sha256.Sum256(data)
	kept := filepath.Join(folder, name, hex.EncodeToString(sum[:16]))
	if stored, err := os.ReadFile(kept); err == nil && len(stored)%sha256.Size == 0 {
		pictures := make([]Picture, len(stored)/sha256.Size)
		for i := range pictures {
			pictures[i] = Picture(stored[i*sha256.Size:])
		}
		return pictures, nil
	}
	pictures, err := r.Pages(ctx, path)
	if err != nil {
		return nil, err
	}
	return pictures, keepPictures(kept, pictures)
}

func keepPictures(path string, pictures []Picture) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(path), "keeping-")
	if err != nil {
		return err
	}
	var data []byte
	for _, p := range pictures {
		data = append(data, p[:]...)
	}
	return errors.Join(writeWhole(work, path, data), os.RemoveAll(work))
}
