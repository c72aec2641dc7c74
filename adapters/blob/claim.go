package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
)

// headSize is how much of an object a claim returns, in bytes: enough to tell what
// it is.
const headSize = 1 << 10

// Claim implements commands.Objects. Nothing that happens to the upload afterwards
// changes the copy.
func (s *Store) Claim(ctx context.Context, uploaded string, size int64, object string) (sum string, head []byte, copied int64, err error) {
	if err := errors.Join(checkKey(uploaded), checkKey(object)); err != nil {
		return "", nil, 0, err
	}
	if err := s.bucket.Copy(ctx, object, uploaded, nil); err != nil {
		return "", nil, 0, stated("copy an upload", err)
	}
	r, err := s.openObject(ctx, object)
	if err != nil {
		return "", nil, 0, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	if copied = r.Size(); copied != size {
		return "", nil, copied, s.Delete(ctx, object)
	}
	head = make([]byte, min(headSize, copied))
	if _, err := io.ReadFull(r, head); err != nil {
		return "", nil, 0, fmt.Errorf("read an upload: %w", err)
	}
	hash := sha256.New()
	hash.Write(head)
	piece := pieces.Get().(*[pieceSize]byte) //nolint:forcetypeassert // See its New.
	defer pieces.Put(piece)
	n, err := io.CopyBuffer(hash, struct{ io.Reader }{r}, piece[:])
	if err != nil {
		return "", nil, 0, fmt.Errorf("read an upload: %w", err)
	}
	if n+int64(len(head)) != copied {
		return "", nil, 0, fmt.Errorf("read an upload: %w", io.ErrUnexpectedEOF)
	}
	return hex.EncodeToString(hash.Sum(nil)), head, copied, nil
}
