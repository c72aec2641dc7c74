package commands

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

// TokenCommands are the use cases of an organization's token account. They act
// on the account of the organization that the principal acts in. A repeated
// command is recognised by its reference.
type TokenCommands struct {
	// QuoteTokens is a dry run of ReserveTokens.
	QuoteTokens Handler[QuoteTokens, TokenQuote]
	// ReserveTokens, CaptureTokens, ReleaseTokens and RefundTokens pay for work.
	ReserveTokens Handler[ReserveTokens, tokenaccount.State]
	CaptureTokens Handler[CaptureTokens, tokenaccount.State]
	ReleaseTokens Handler[ReleaseTokens, tokenaccount.State]
	RefundTokens  Handler[RefundTokens, tokenaccount.State]
	// GrantTokens and AlignGrant follow payments.
	GrantTokens Handler[GrantTokens, tokenaccount.State]
	AlignGrant  Handler[AlignGrant, tokenaccount.State]
	// AdjustTokens is a correction by finance.
	AdjustTokens Handler[AdjustTokens, tokenaccount.State]
	// SettleTokens records what has come due by the clock.
	SettleTokens Handler[SettleTokens, tokenaccount.State]
	// SuspendTokens and ResumeTokens stop and allow spending; FollowOrganization
	// does whichever the state of the organization asks for.
	SuspendTokens      Handler[SuspendTokens, tokenaccount.State]
	ResumeTokens       Handler[ResumeTokens, tokenaccount.State]
	FollowOrganization Handler[FollowOrganization, tokenaccount.State]
	// GrantWelcome grants what a new organization is given.
	GrantWelcome Handler[GrantWelcome, tokenaccount.State]
}

// ReserveTokens holds tokens for an operation.
type ReserveTokens tokenaccount.Reservation

// CaptureTokens consumes what a reservation holds, or a part of it.
type CaptureTokens struct {
	Reservation tokenaccount.Reference
	Amount      int64
}

// ReleaseTokens ends a reservation without consuming anything.
type ReleaseTokens struct{ Reservation tokenaccount.Reference }

// RefundTokens gives back what a reservation consumed, or a part of it.
type RefundTokens struct {
	Reference   tokenaccount.Reference
	Reservation tokenaccount.Reference
	Amount      int64
}

// GrantTokens brings in tokens.
type GrantTokens tokenaccount.Granting

// AlignGrant makes a grant what the state of its payment asks for.
type AlignGrant tokenaccount.Alignment

// AdjustTokens corrects the account: upwards by a grant, downwards by taking
// available tokens.
type AdjustTokens struct {
	Reference tokenaccount.Reference
	// Amount is negative for a correction downwards.
	Amount int64
	// ExpireAt is when tokens brought in expire; zero says never.
	ExpireAt time.Time
	Reason   personal.Text
}

// AdjustTokensFor is the correction that a request asks for: repeating the request
// corrects nothing more.
func AdjustTokensFor(req Request, amount int64, reason personal.Text) AdjustTokens {
	return AdjustTokens{
		Reference: tokenaccount.Reference{ID: "adjustment:" + req.ID.String(), At: req.at()}, Amount: amount, Reason: reason,
	}
}

// SettleTokens records what has come due.
type SettleTokens struct{}

// SuspendTokens stops spending and releases what is held. A busy account needs
// it more than once: until it changes nothing.
type SuspendTokens struct{}

// ResumeTokens allows spending again.
type ResumeTokens struct{}

func (x *executor) tokenCommands(o Observer) TokenCommands {
	return TokenCommands{
		QuoteTokens: observed(o, "QuoteTokens", x.quoteTokens),
		ReserveTokens: observed(o, "ReserveTokens", tokens(x, access.SpendTokens,
			func(_ Request, c ReserveTokens, s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
				return s.Reserve(at, tokenaccount.Reservation(c))
			})),
		CaptureTokens: observed(o, "CaptureTokens", tokens(x, access.SpendTokens,
			func(_ Request, c CaptureTokens, s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
				return s.Capture(at, c.Reservation, c.Amount)
			})),
		ReleaseTokens: observed(o, "ReleaseTokens", tokens(x, access.SpendTokens,
			func(_ Request, c ReleaseTokens, s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
				return s.Release(at, c.Reservation)
			})),
		RefundTokens: observed(o, "RefundTokens", tokens(x, access.GrantTokens,
			func(_ Request, c RefundTokens, s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
				return s.Refund(at, c.Reference, c.Reservation, c.Amount)
			})),
		GrantTokens: observed(o, "GrantTokens", tokens(x, access.GrantTokens,
			func(_ Request, c GrantTokens, s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
				return s.Bring(at, tokenaccount.Granting(c))
			})),
		AlignGrant: observed(o, "AlignGrant", tokens(x, access.GrantTokens,
			func(_ Request, c AlignGrant, s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
				return s.Align(at, tokenaccount.Alignment(c))
			})),
		AdjustTokens: observed(o, "AdjustTokens", tokens(x, access.AdjustTokens, adjustTokens)),
		SettleTokens: observed(o, "SettleTokens", tokens(x, access.GrantTokens,
			func(_ Request, _ SettleTokens, s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
				return s.Settle(at)
			})),
		SuspendTokens: observed(o, "SuspendTokens", tokens(x, access.GrantTokens,
			func(_ Request, _ SuspendTokens, s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
				return s.Suspend(at)
			})),
		ResumeTokens: observed(o, "ResumeTokens", tokens(x, access.GrantTokens,
			func(_ Request, _ ResumeTokens, s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
				return s.Resume(at)
			})),
		FollowOrganization: observed(o, "FollowOrganization", x.followOrganization),
		GrantWelcome:       observed(o, "GrantWelcome", x.grantWelcome),
	}
}

// tokens is a use case of the account: who may, and what is decided.
func tokens[C any](x *executor, needs access.Permission, decide func(Request, C, tokenaccount.State, tokenaccount.Context) ([]event.Event, error)) Handler[C, tokenaccount.State] {
	return func(ctx context.Context, req Request, c C) (Result[tokenaccount.State], error) {
		if err := req.Principal.Require(needs); err != nil {
			return Result[tokenaccount.State]{}, err
		}
		return resultOf(x.onAccount(ctx, req, func(s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
			return decide(req, c, s, at)
		}))
	}
}

// onAccount carries out a decision about the account of the organization that the
// principal acts in. Whether they may is for the caller to know.
func (x *executor) onAccount(ctx context.Context, req Request, decide func(tokenaccount.State, tokenaccount.Context) ([]event.Event, error)) (outcome[tokenaccount.State], error) {
	organization := req.Principal.OrganizationID
	at := tokenaccount.Context{OrganizationID: organization, At: req.at(), LowBalance: x.lowBalance}
	of := ref(tokenaccount.Aggregate, tokenaccount.ID(organization))
	for {
		o, err := inLine(ctx, x, req, of, organization, func(s tokenaccount.State) ([]event.Event, error) { return decide(s, at) })
		if !errors.Is(err, tokenaccount.ErrOverdue) {
			return o, err
		}
		// Each round records a part, until the rest fits beside the command.
		if _, err := inLine(ctx, x, req, of, organization, func(s tokenaccount.State) ([]event.Event, error) {
			return s.Settle(at)
		}); err != nil {
			return o, err
		}
	}
}

func adjustTokens(req Request, c AdjustTokens, s tokenaccount.State, at tokenaccount.Context) ([]event.Event, error) {
	nonce, err := req.nonce("reason")
	if err != nil {
		return nil, err
	}
	reason := tokenaccount.Reason{Text: c.Reason, Nonce: nonce}
	var wrong failure.Fields
	switch {
	case c.ExpireAt.IsZero():
	case c.Amount < 0:
		wrong.Add("expireAt", input.CodeRange, "means nothing for a correction downwards")
	case !c.ExpireAt.After(req.at()):
		wrong.Add("expireAt", input.CodePast, "must be in the future")
	}
	if err := wrong.Err(); err != nil {
		return nil, err
	}
	if c.Amount < 0 {
		return s.Adjust(at, tokenaccount.Adjustment{Reference: c.Reference, Amount: -c.Amount, Reason: reason})
	}
	return s.Bring(at, tokenaccount.Granting{
		Grant: c.Reference, Source: tokenaccount.SourceAdjustment, Amount: c.Amount, ExpireAt: c.ExpireAt, Reason: reason,
	})
}

// nonce returns 128 random bits as a text.
func (r Request) nonce(purpose string) (personal.Text, error) {
	var b [16]byte
	if _, err := io.ReadFull(r.Entropy(purpose), b[:]); err != nil {
		return personal.Text{}, fmt.Errorf("read randomness for a nonce: %w", err)
	}
	return personal.New(hex.EncodeToString(b[:])), nil
}
