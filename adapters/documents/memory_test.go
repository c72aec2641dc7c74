//go:build linux && !race

package documents_test

import (
	"errors"
	"testing"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
)

// TestMemory gives a file that decodes to more than the memory allowed, though not to more bytes than allowed.
func TestMemory(t *testing.T) {
	t.Parallel()
	limits := documents.Limits{Memory: 64 << 20, DecodedBytes: 1 << 30}
	_, err := analyze(t, engine(t, limits), pdftest.FlateBomb(120<<20).Bytes())
	var file *documents.FileError
	if !errors.As(err, &file) || file.Problem != documents.TooLarge {
		t.Errorf("got %v", err)
	}
}
