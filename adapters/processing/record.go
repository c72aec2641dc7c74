package processing

import (
	"context"
	"fmt"
	"io"
)

// maxRecord bounds the record of an operation, in bytes: the engine bounds what it
// lists.
const maxRecord = 64 << 20

// Record reads the record of an operation: JSON of a documents.Report, or of a
// documents.Outcome. It fails with commands.ErrNoObject.
func (s *Service) Record(ctx context.Context, object string) ([]byte, error) {
	from, size, err := s.Objects.Open(ctx, object)
	if err != nil {
		return nil, err
	}
	defer from.Close()
	if size > maxRecord {
		return nil, fmt.Errorf("the record of an operation has %d bytes", size)
	}
	text, err := io.ReadAll(io.LimitReader(from, maxRecord))
	if err != nil {
		return nil, fmt.Errorf("read the record of an operation: %w", err)
	}
	return text, nil
}
