package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/perfectworks/backend/adapters/statement"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	ledger "github.com/perfectworks/backend/projections/tokens"
)

// StatementKey is a public key that statements are verified with.
type StatementKey struct {
	ID        string `json:"id" doc:"As the closing of a statement names it." example:"3f1c0f2f9a2b4c5d"`
	Algorithm string `json:"algorithm" enum:"Ed25519" example:"Ed25519"`
	PublicKey string `json:"publicKey" doc:"The key as PEM (PKIX)." example:"-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n"`
	Current   bool   `json:"current" doc:"Whether new statements are signed with it." example:"true"`
}

// StatementKeys are all keys that statements were ever signed with.
type StatementKeys struct {
	Keys []StatementKey `json:"keys"`
}

func (a *API) registerStatements() {
	register(a, operation{
		id: "getTokenStatement", method: http.MethodGet, path: "/token-transactions/statement", tag: tagTokens,
		summary: "Get token statement",
		description: "A contiguous range of the ledger, as CSV, which anybody can verify offline with a public key: " +
			"it has the opening, each entry with its hash over the one before, the closing, and an Ed25519 signature. " +
			"`perfectworks tokens verify statement.csv --key public.pem` recomputes all of it. It holds what was recorded when it was made: " +
			"for a final one, let the period end in the past.",
		authorization: permitted(access.ReadTokensOfOthers), reads: []string{ledger.Name}, message: "the statement",
		produces: []string{mediaCSV}, timeout: tokenExportTimeout,
	}, a.getTokenStatement)
	register(a, operation{
		id: "listStatementKeys", method: http.MethodGet, path: "/token-transactions/statement-keys", tag: tagTokens,
		summary:       "List keys of statements",
		description:   "The public keys that statements are verified with: the present one, and those that were rotated out.",
		authorization: public(), message: "the keys of statements",
	}, a.listStatementKeys)
}

type tokenStatementInput struct {
	PeriodInput
}

func (a *API) getTokenStatement(ctx context.Context, x *exchange, in *tokenStatementInput) (reply[noEnvelope], error) {
	var wrong failure.Fields
	period := in.period(&wrong)
	if err := wrong.Err(); err != nil {
		return reply[noEnvelope]{}, err
	}
	organization := x.principal.OrganizationID
	of, err := a.queries.Tokens.Statement(ctx, organization, period)
	if err != nil {
		return reply[noEnvelope]{}, err
	}
	issuedAt := time.Now()
	return reply[noEnvelope]{
		header: http.Header{"Content-Disposition": {`attachment; filename="statement.csv"`}},
		raw: &rawAnswer{write: func(_ context.Context, w *rawWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", mediaCSV+"; charset=utf-8; header=present")
			return statement.Write(w, statement.Subject{OrganizationID: organization, Period: period}, of, a.statements, issuedAt)
		}},
	}, nil
}

func (a *API) listStatementKeys(context.Context, *exchange, *struct{}) (reply[StatementKeys], error) {
	keys := StatementKeys{Keys: []StatementKey{}}
	for i, key := range a.statements.Public() {
		keys.Keys = append(keys.Keys, StatementKey{ID: key.ID, Algorithm: "Ed25519", PublicKey: key.PEM, Current: i == 0})
	}
	return reply[StatementKeys]{data: keys}, nil
}
