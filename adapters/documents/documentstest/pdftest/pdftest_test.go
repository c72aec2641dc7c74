package pdftest_test

import (
	"bytes"
	"compress/zlib"
	"io"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/documentstest/pdftest"
)

func TestABombIsZeros(t *testing.T) {
	t.Parallel()
	for _, size := range []int{0, 1, 1 << 20, 3<<20 + 5} {
		for times := 1; times <= 2; times++ {
			data := pdftest.Bomb(size, times)
			for range times {
				r, err := zlib.NewReader(bytes.NewReader(data))
				if err != nil {
					t.Fatal(err)
				}
				if data, err = io.ReadAll(r); err != nil {
					t.Fatalf("%d zeros: %v", size, err)
				}
			}
			if !bytes.Equal(data, make([]byte, size)) {
				t.Errorf("%d zeros became %d bytes that differ", size, len(data))
			}
		}
	}
}
