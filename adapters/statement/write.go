package statement

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/csv"
	"fmt"
	"io"
	"time"

	"github.com/perfectworks/backend/projections/tokens"
)

// Write writes a statement, whose entries go through memory a few at a time. What
// was written when it fails is no statement: it has no signature.
func Write(w io.Writer, subject Subject, s tokens.Statement, keys *Keys, issuedAt time.Time) error {
	lines := csv.NewWriter(w)
	lines.UseCRLF = true
	opening := point(recordOpening, s.Opening, subject.opening())
	if err := writeAll(lines, columns, opening); err != nil {
		return err
	}
	for entries, err := range s.Lines {
		if err == nil {
			_, err = w.Write(entries)
		}
		if err != nil {
			return fmt.Errorf("write a statement: %w", err)
		}
	}
	key := keys.public[0]
	closed := point(recordClosing, s.Closing, closing(s.Closing.Sequence-s.Opening.Sequence, issuedAt, key.ID))
	signature := make([]string, len(columns))
	signature[columnRecord] = recordSignature
	signature[columnDetails] = base64.StdEncoding.EncodeToString(ed25519.Sign(keys.private, signed(opening, closed)))
	return writeAll(lines, closed, signature)
}

func writeAll(lines *csv.Writer, records ...[]string) error {
	if err := lines.WriteAll(records); err != nil {
		return fmt.Errorf("write a statement: %w", err)
	}
	return nil
}
