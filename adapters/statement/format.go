// Package statement writes and verifies statements of token accounts.
//
// A statement is a file of comma-separated values (RFC 4180) that can be verified
// by itself, with nothing but the public key. After the line of column names
// come records of four kinds, in this order:
//
//   - one "opening": where the account stood before the first entry, and what the
//     statement is of;
//   - an "entry" for each entry, without gaps: movements, the balance after it,
//     and what the chain of hashes consists of: see tokenaccount.Entry.ChainHash;
//   - one "closing": where the account stands after the last entry, and who signed
//     it when;
//   - one "signature": Ed25519 (RFC 8032) over the opening and the closing, which
//     by the chain cover all entries between.
//
// Nothing in a statement is about a person in the clear: ids stand for people,
// and a digest for the reason of a correction. So it can be verified after an
// erasure as before, and made again with the same entries.
package statement

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/projections/tokens"
)

// scheme names the format. It is part of what is signed.
const scheme = "perfectworks token statement 1"

const timeLayout = "2006-01-02T15:04:05.000Z"

// The kinds of record.
const (
	recordOpening   = "opening"
	recordEntry     = "entry"
	recordClosing   = "closing"
	recordSignature = "signature"
)

// columns are the names of the columns, in order.
var columns = func() []string {
	names := []string{"record", "sequence", "occurredAt", "type", "movements"}
	for _, account := range tokenaccount.Accounts {
		names = append(names, string(account))
	}
	return append(names, "details", "hash")
}()

// The places of the columns.
const (
	columnRecord = iota
	columnSequence
	columnTime
	columnType
	columnMovements
	columnBalance // and those of the other accounts
)

var (
	columnDetails = len(columns) - 2
	columnHash    = len(columns) - 1
)

// Subject is what a statement is of.
type Subject struct {
	OrganizationID id.Organization
	// Period has open ends where they are zero.
	Period tokens.Period
}

// opening is the details of the opening record.
func (s Subject) opening() string {
	return strings.Join([]string{scheme, string(s.OrganizationID), timeText(s.Period.From), timeText(s.Period.To)}, "\t")
}

// parseOpening reads what opening wrote.
func parseOpening(details string) (Subject, error) {
	parts := strings.Split(details, "\t")
	if len(parts) != 4 || parts[0] != scheme {
		return Subject{}, fmt.Errorf("it is not a %q", scheme)
	}
	from, err := parseTime(parts[2])
	if err != nil {
		return Subject{}, err
	}
	to, err := parseTime(parts[3])
	return Subject{id.Organization(parts[1]), tokens.Period{From: from, To: to}}, err
}

// closing is the details of the closing record.
func closing(entries int64, issuedAt time.Time, keyID string) string {
	return strings.Join([]string{"entries " + strconv.FormatInt(entries, 10), timeText(issuedAt), keyID}, "\t")
}

func parseClosing(details string) (entries int64, issuedAt time.Time, keyID string, err error) {
	parts := strings.Split(details, "\t")
	count, ok := strings.CutPrefix(parts[0], "entries ")
	if len(parts) != 3 || !ok {
		return 0, time.Time{}, "", fmt.Errorf("its details must be a number of entries, a time and a key")
	}
	if entries, err = strconv.ParseInt(count, 10, 64); err != nil {
		return 0, time.Time{}, "", err
	}
	issuedAt, err = parseTime(parts[1])
	return entries, issuedAt, parts[2], err
}

// point is the record of a point of the account.
func point(kind string, p tokens.Point, details string) []string {
	record := make([]string, len(columns))
	record[columnRecord], record[columnSequence], record[columnTime] = kind, strconv.FormatInt(p.Sequence, 10), timeText(p.OccurredAt)
	for i, account := range tokenaccount.Accounts {
		record[columnBalance+i] = strconv.FormatInt(p.Balance.Of(account), 10)
	}
	record[columnDetails], record[columnHash] = details, p.Hash
	return record
}

// signed is what the signature is over: each field of both records, ended by a
// line feed, which none of them holds.
func signed(opening, closing []string) []byte {
	return []byte(strings.Join(opening, "\n") + "\n" + strings.Join(closing, "\n") + "\n")
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(timeLayout)
}

// parseTime reads exactly what timeText writes.
func parseTime(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(timeLayout, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%q must be a time as %s", text, timeLayout)
	}
	return t, nil
}
