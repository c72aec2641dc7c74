package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// What policies do with tokens, as a hidden operation which only the tests of
// this package have.
func init() {
	more = append(more, func(a *API) {
		register(a, operation{
			id: "oddTokens", method: http.MethodPost, path: "/odd/tokens", tag: tagTokens, summary: "Odd",
			authorization: permitted(access.ReadTokens), message: "done", hidden: true,
		}, a.moveTokens)
	})
}

type moveTokensInput struct {
	Body struct {
		Do        string    `json:"do"`
		Reference string    `json:"reference"`
		Of        string    `json:"of,omitempty"`
		Amount    int64     `json:"amount,omitempty"`
		Seconds   int64     `json:"seconds,omitempty"`
		UserID    string    `json:"userId,omitempty"`
		FileID    string    `json:"fileId,omitempty"`
		At        time.Time `json:"at,omitempty"`
	}
}

func (a *API) moveTokens(ctx context.Context, x *exchange, in *moveTokensInput) (reply[struct{}], error) {
	req := a.command(ctx, x)
	if !in.Body.At.IsZero() {
		req.Now = in.Body.At
	}
	organization := req.Principal.OrganizationID
	req.Principal = access.ByPolicy("test-tokens", organization, access.SpendTokens, access.GrantTokens)
	ref := func(name string) tokenaccount.Reference {
		return tokenaccount.Reference{ID: name, At: time.Date(2025, 12, 1, 0, 0, 0, 0, time.UTC)}
	}
	if req.Now.Sub(ref("").At) > 6*24*time.Hour {
		ref = func(name string) tokenaccount.Reference {
			return tokenaccount.Reference{ID: name, At: time.Now().UTC().Truncate(24 * time.Hour)}
		}
	}
	r, b := ref(in.Body.Reference), in.Body
	span := time.Duration(b.Seconds) * time.Second
	var (
		result commands.Result[tokenaccount.State]
		err    error
	)
	switch b.Do {
	case "grant":
		g := commands.GrantTokens{Grant: r, Source: tokenaccount.SourcePurchase, Amount: b.Amount}
		if span != 0 {
			g.ExpireAt = req.Now.Add(span)
		}
		result, err = a.commands.GrantTokens(ctx, req, g)
	case "reserve":
		result, err = a.commands.ReserveTokens(ctx, req, commands.ReserveTokens{
			Reference: r, Amount: b.Amount, Purpose: "accessibility", Hold: span, UserID: id.User(b.UserID), FileID: b.FileID,
		})
	case "capture":
		result, err = a.commands.CaptureTokens(ctx, req, commands.CaptureTokens{Reservation: r, Amount: b.Amount})
	case "align":
		result, err = a.commands.AlignGrant(ctx, req, commands.AlignGrant{Grant: r, Version: b.Seconds, ClawedBack: b.Amount})
	case "adjust":
		req.Principal = access.Principal{
			Kind: access.KindSystem, UserID: "user_finance", OrganizationID: organization, SystemRoles: []access.SystemRole{access.SystemFinance},
		}
		result, err = a.commands.AdjustTokens(ctx, req, commands.AdjustTokens{Reference: r, Amount: b.Amount, Reason: personal.New("=goodwill")})
	default:
		return reply[struct{}]{}, failure.New(failure.Invalid, "BODY_INVALID", "no such thing can be done")
	}
	return written(result, struct{}{}), err
}
