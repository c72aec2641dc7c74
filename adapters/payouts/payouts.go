// Package payouts pays withdrawals of referrers by a file: what is to be paid is
// kept, encrypted, until finance exports it for the bank, and brings back what the
// bank says.
package payouts

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/referrer"
)

// Sealer encrypts what is stored of no subject.
type Sealer interface {
	Seal(purpose string, plaintext, additionalData []byte) []byte
	Open(purpose string, sealed, additionalData []byte) ([]byte, error)
}

const purpose = "order of a payout"

// Orders are the payments that were ordered and whose end is not known. It is safe
// for concurrent use.
type Orders struct {
	pool   *pgxpool.Pool
	sealer Sealer
}

// New returns the orders in a database.
func New(pool *pgxpool.Pool, sealer Sealer) *Orders { return &Orders{pool, sealer} }

// order is what is stored, sealed.
type order struct {
	Amount   int64           `json:"amount"`
	Currency string          `json:"currency"`
	Method   referrer.Method `json:"method"`
	Email    string          `json:"email"`
}

// Pay implements commands.PayoutProvider: the end is known when finance brings it.
func (o *Orders) Pay(ctx context.Context, p commands.Payout) (referrer.Outcome, error) {
	text, err := json.Marshal(order{p.Amount, p.Currency, p.Method, p.Email.Reveal()})
	if err != nil {
		return "", err
	}
	_, err = o.pool.Exec(ctx, "INSERT INTO payout_orders (reference, sealed) VALUES ($1, $2) ON CONFLICT (reference) DO NOTHING",
		p.Reference, o.sealer.Seal(purpose, text, []byte(p.Reference)))
	if err != nil {
		return "", fmt.Errorf("order a payout: %w", err)
	}
	return "", nil
}

// Ask implements commands.PayoutProvider.
func (o *Orders) Ask(ctx context.Context, reference string) (referrer.Outcome, error) {
	var known bool
	err := o.pool.QueryRow(ctx, "SELECT EXISTS (SELECT FROM payout_orders WHERE reference = $1)", reference).Scan(&known)
	switch {
	case err != nil:
		return "", fmt.Errorf("look for the order of a payout: %w", err)
	case known:
		return "", nil
	}
	return referrer.OutcomeFailed, nil
}

// header names the columns of the exported file.
var header = []string{"reference", "amount", "currency", "method", "email"}

// Export writes all orders as CSV, oldest first. Amounts are in the minor unit of
// the currency. Exporting again gives the same orders: the reference keeps a bank
// from paying one twice.
func (o *Orders) Export(ctx context.Context, w io.Writer) (n int, err error) {
	rows, err := o.pool.Query(ctx, "SELECT reference, sealed FROM payout_orders ORDER BY ordered_at, reference")
	if err != nil {
		return 0, fmt.Errorf("read the orders of payouts: %w", err)
	}
	defer rows.Close()
	out := csv.NewWriter(w)
	if err := out.Write(header); err != nil {
		return 0, err
	}
	var reference string
	var sealed []byte
	_, err = pgx.ForEachRow(rows, []any{&reference, &sealed}, func() error {
		text, err := o.sealer.Open(purpose, sealed, []byte(reference))
		if err != nil {
			return err
		}
		var p order
		if err := json.Unmarshal(text, &p); err != nil {
			return err
		}
		n++
		return out.Write([]string{reference, strconv.FormatInt(p.Amount, 10), p.Currency, string(p.Method), plain(p.Email)})
	})
	out.Flush()
	if err = errors.Join(err, out.Error()); err != nil {
		return n, fmt.Errorf("export the orders of payouts: %w", err)
	}
	return n, nil
}

// plain keeps a spreadsheet from taking a text for a formula.
func plain(text string) string {
	if strings.HasPrefix(text, "=") || strings.HasPrefix(text, "+") || strings.HasPrefix(text, "-") || strings.HasPrefix(text, "@") {
		return "'" + text
	}
	return text
}

// Forget deletes an order whose end is known, with the personal data in it.
func (o *Orders) Forget(ctx context.Context, reference string) error {
	if _, err := o.pool.Exec(ctx, "DELETE FROM payout_orders WHERE reference = $1", reference); err != nil {
		return fmt.Errorf("delete the order of a payout: %w", err)
	}
	return nil
}

// Result is what became of a payout.
type Result struct {
	Reference string
	Outcome   referrer.Outcome
}

// maxResults bounds a file of results.
const maxResults = 100_000

// ReadResults reads a file of results: CSV with the columns reference and outcome,
// which is paid, failed, unknown or returned. Nothing is returned of a file with a
// mistake in it; the error names the line.
func ReadResults(r io.Reader) ([]Result, error) {
	in := csv.NewReader(r)
	in.FieldsPerRecord = 2
	var all []Result
	for {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read the results of payouts: %w", err)
		}
		line, _ := in.FieldPos(0)
		if line == 1 && record[0] == "reference" {
			continue
		}
		result := Result{strings.TrimSpace(record[0]), referrer.Outcome(strings.TrimSpace(record[1]))}
		if _, _, ok := referrer.ParseTransactionID(result.Reference); !ok {
			return nil, fmt.Errorf("read the results of payouts: line %d: the reference is not the id of a withdrawal", line)
		}
		if !result.Outcome.Valid() {
			return nil, fmt.Errorf("read the results of payouts: line %d: the outcome is not paid, failed, unknown or returned", line)
		}
		if all = append(all, result); len(all) > maxResults {
			return nil, fmt.Errorf("read the results of payouts: there are more than %d", maxResults)
		}
	}
}

var _ commands.PayoutProvider = (*Orders)(nil)
