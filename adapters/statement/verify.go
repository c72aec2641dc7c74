package statement

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/projections/tokens"
)

// ErrUnverified is wrapped by every finding of Verify.
var ErrUnverified = errors.New("the statement is not what was signed")

// Verified is what a statement says, once it has been verified.
type Verified struct {
	Subject
	Opening, Closing tokens.Point
	Entries          int64
	IssuedAt         time.Time
	KeyID            string
}

// Verify recomputes a statement: opening, movements, balances, the chain of
// hashes, closing and signature. It reads one record at a time. Its error wraps
// ErrUnverified, and says which line breaks which rule, when the statement is
// not what was signed with one of the keys; other errors are those of reading.
func Verify(r io.Reader, keys map[string]ed25519.PublicKey) (Verified, error) {
	v := verifier{lines: csv.NewReader(r), keys: keys}
	v.lines.FieldsPerRecord, v.lines.ReuseRecord = len(columns), true
	if err := v.verify(); err != nil {
		return Verified{}, err
	}
	return v.Verified, nil
}

type verifier struct {
	Verified
	lines *csv.Reader
	keys  map[string]ed25519.PublicKey
	// at is where the account stands after the records so far.
	at tokens.Point
}

// wrong is a finding about the record that was read last.
func (v *verifier) wrong(format string, args ...any) error {
	line, _ := v.lines.FieldPos(0)
	return fmt.Errorf("%w: line %d: %w", ErrUnverified, line, fmt.Errorf(format, args...))
}

// next reads a record.
func (v *verifier) next() ([]string, error) {
	record, err := v.lines.Read()
	var broken *csv.ParseError
	switch {
	case errors.Is(err, io.EOF):
		return nil, fmt.Errorf("%w: it ends before its signature", ErrUnverified)
	case errors.As(err, &broken):
		return nil, fmt.Errorf("%w: line %d: %w", ErrUnverified, broken.Line, broken.Err)
	}
	return record, err
}

func (v *verifier) verify() error {
	record, err := v.next()
	if err != nil {
		return err
	}
	if !slices.Equal(record, columns) {
		return v.wrong("the columns must be %s", strings.Join(columns, ","))
	}
	if record, err = v.next(); err != nil {
		return err
	}
	opening := slices.Clone(record)
	if err := v.open(opening); err != nil {
		return err
	}
	for {
		if record, err = v.next(); err != nil {
			return err
		}
		if record[columnRecord] != recordEntry {
			break
		}
		if err := v.entry(record); err != nil {
			return err
		}
	}
	closed := slices.Clone(record)
	if err := v.close(closed); err != nil {
		return err
	}
	if record, err = v.next(); err != nil {
		return err
	}
	if err := v.signature(record, opening, closed); err != nil {
		return err
	}
	if _, err = v.lines.Read(); !errors.Is(err, io.EOF) {
		return v.wrong("nothing may follow the signature")
	}
	return nil
}

func (v *verifier) open(record []string) error {
	if record[columnRecord] != recordOpening {
		return v.wrong("the opening must come first")
	}
	var err error
	if v.Opening, err = v.point(record); err != nil {
		return err
	}
	if v.Subject, err = parseOpening(record[columnDetails]); err != nil {
		return v.wrong("%w", err)
	}
	if v.Opening.Sequence == 0 && (v.Opening.Hash != "" || v.Opening.Balance != (tokenaccount.Balance{}) || !v.Opening.OccurredAt.IsZero()) {
		return v.wrong("before the first entry there is nothing")
	}
	v.at = v.Opening
	return nil
}

// point reads a record of a point of the account.
func (v *verifier) point(record []string) (p tokens.Point, err error) {
	if record[columnType] != "" || record[columnMovements] != "" {
		return p, v.wrong("an opening or closing has no type and no movements")
	}
	if p.Sequence, err = strconv.ParseInt(record[columnSequence], 10, 64); err != nil || p.Sequence < 0 {
		return p, v.wrong("the sequence %q must be a number", record[columnSequence])
	}
	if p.OccurredAt, err = parseTime(record[columnTime]); err != nil {
		return p, v.wrong("%w", err)
	}
	p.Hash = record[columnHash]
	p.Balance, err = v.balance(record)
	return p, err
}

// balance reads the balance of a record. It sums to zero.
func (v *verifier) balance(record []string) (b tokenaccount.Balance, err error) {
	var movements []tokenaccount.Movement
	for i, account := range tokenaccount.Accounts {
		n, err := strconv.ParseInt(record[columnBalance+i], 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != record[columnBalance+i] {
			return b, v.wrong("the balance %q of %s must be a number", record[columnBalance+i], account)
		}
		movements = append(movements, tokenaccount.Movement{Account: account, Amount: n})
	}
	if b, err = b.After(movements); err != nil {
		return b, v.wrong("%w", err)
	}
	if b.Sum() != 0 {
		return b, v.wrong("the accounts must sum to zero")
	}
	return b, nil
}

func (v *verifier) entry(record []string) error {
	sequence := v.at.Sequence + 1
	if record[columnSequence] != strconv.FormatInt(sequence, 10) {
		return v.wrong("entry %q must follow entry %d", record[columnSequence], v.at.Sequence)
	}
	e := tokenaccount.Entry{Sequence: sequence, PreviousHash: v.at.Hash, Hash: record[columnHash]}
	var err error
	if e.OccurredAt, err = parseTime(record[columnTime]); err != nil || e.OccurredAt.Before(v.at.OccurredAt) {
		return v.wrong("entry %d must have a time that is not before the entry before", sequence)
	}
	if e.Movements, err = parseMovements(record[columnMovements]); err != nil {
		return v.wrong("entry %d: %w", sequence, err)
	}
	if e.Balance, err = v.balance(record); err != nil {
		return err
	}
	after, err := v.at.Balance.After(e.Movements)
	switch {
	case err != nil:
		return v.wrong("entry %d: %w", sequence, err)
	case after != e.Balance:
		return v.wrong("entry %d: the balance is not the one before with the movements", sequence)
	case e.ChainHash(record[columnType], record[columnDetails]) != e.Hash:
		return v.wrong("entry %d: the hash is not that of the entry and the one before", sequence)
	}
	v.at = tokens.Point{Sequence: sequence, OccurredAt: e.OccurredAt, Hash: e.Hash, Balance: e.Balance}
	v.Entries++
	return nil
}

// parseMovements reads account=amount, separated by spaces. They sum to zero.
func parseMovements(text string) ([]tokenaccount.Movement, error) {
	if text == "" {
		return nil, nil
	}
	var movements []tokenaccount.Movement
	var sum int64
	for part := range strings.SplitSeq(text, " ") {
		account, amount, _ := strings.Cut(part, "=")
		n, err := strconv.ParseInt(amount, 10, 64)
		if err != nil || strconv.FormatInt(n, 10) != amount || !slices.Contains(tokenaccount.Accounts, tokenaccount.Account(account)) {
			return nil, fmt.Errorf("the movement %q must be account=amount", part)
		}
		movements = append(movements, tokenaccount.Movement{Account: tokenaccount.Account(account), Amount: n})
		if next := sum + n; (next > sum) == (n > 0) {
			sum = next
			continue
		}
		return nil, errors.New("the movements are too large")
	}
	if sum != 0 {
		return nil, errors.New("the movements must sum to zero")
	}
	return movements, nil
}

func (v *verifier) close(record []string) error {
	if record[columnRecord] != recordClosing {
		return v.wrong("a %q cannot follow the entries: the closing must", record[columnRecord])
	}
	var err error
	if v.Closing, err = v.point(record); err != nil {
		return err
	}
	var entries int64
	if entries, v.IssuedAt, v.KeyID, err = parseClosing(record[columnDetails]); err != nil {
		return v.wrong("%w", err)
	}
	switch {
	case entries != v.Entries:
		return v.wrong("it closes %d entries, and there are %d", entries, v.Entries)
	case v.Closing != v.at:
		return v.wrong("the closing must be the account after the last entry")
	}
	return nil
}

func (v *verifier) signature(record, opening, closed []string) error {
	empty := slices.Clone(record)
	empty[columnRecord], empty[columnDetails] = "", ""
	if record[columnRecord] != recordSignature || strings.Join(empty, "") != "" {
		return v.wrong("the signature must follow the closing")
	}
	key, known := v.keys[v.KeyID]
	if !known {
		return v.wrong("it is signed with the key %s, which is none of those given", v.KeyID)
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(record[columnDetails])
	if err != nil || !ed25519.Verify(key, signed(opening, closed), signature) {
		return v.wrong("the signature is not that of the opening and the closing by the key %s", v.KeyID)
	}
	return nil
}
