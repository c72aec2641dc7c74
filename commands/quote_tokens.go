package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// QuoteTokens asks what a reservation would hold. It changes nothing, and
// promises nothing: until the reservation others may spend.
type QuoteTokens struct{ Amount int64 }

// TokenQuote is what a reservation would hold, of the account as it is.
type TokenQuote struct {
	// Allocations say of which grants, in burn order.
	Allocations []tokenaccount.Allocation
	Account     tokenaccount.State
}

// quoteTokens fails as the reservation would. It is for those who may see the
// balance and for policies that reserve.
func (x *executor) quoteTokens(ctx context.Context, req Request, c QuoteTokens) (Result[TokenQuote], error) {
	if err := req.Principal.RequireAny(access.ReadTokens, access.SpendTokens); err != nil {
		return Result[TokenQuote]{}, err
	}
	organization := req.Principal.OrganizationID
	account, err := load(ctx, x, ref(tokenaccount.Aggregate, tokenaccount.ID(organization)), true)
	if err != nil {
		return Result[TokenQuote]{}, err
	}
	at := tokenaccount.Context{OrganizationID: organization, At: req.at()}
	allocations, err := account.State.Quote(at, c.Amount)
	if err != nil {
		return Result[TokenQuote]{}, err
	}
	return Result[TokenQuote]{
		Value:    TokenQuote{Allocations: allocations, Account: account.State.At(req.at())},
		Revision: account.Revision, Position: account.Position,
	}, nil
}
