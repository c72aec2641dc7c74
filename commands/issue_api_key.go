package commands

import (
	"context"
	"errors"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
)

// IssueAPIKey makes a key for the organization that the caller acts in: the
// caller's own, or the organization's. It fails with apikey.ErrLimit when the
// owner has as many living keys there as are allowed.
type IssueAPIKey struct {
	// OwnerType may be empty: then the key is the caller's own.
	OwnerType   apikey.OwnerType
	Description string
	// ExpireAt may be nil: then the key does not expire.
	ExpireAt *time.Time
	// Scopes may be nil: then the key gets all that its kind can carry.
	Scopes []access.Scope
}

// IssuedAPIKey is a new key, with what is shown only now. A repeated request
// gives the same.
type IssuedAPIKey struct {
	Key    apikey.State
	Secret apikey.Secret
}

func (x *executor) issueAPIKey(ctx context.Context, req Request, c IssueAPIKey) (Result[IssuedAPIKey], error) {
	if c.OwnerType == "" {
		c.OwnerType = apikey.OwnerUser
	}
	if err := mayHaveKeys(req.Principal, c.OwnerType); err != nil {
		return Result[IssuedAPIKey]{}, err
	}
	keyID, secret, err := x.mint(req)
	if err != nil {
		return Result[IssuedAPIKey]{}, err
	}
	// Wrong input reserves nothing.
	issued, err := apikey.Issue(apikey.Issuance{
		ID: keyID, OrganizationID: req.Principal.OrganizationID, OwnerType: c.OwnerType, IssuedBy: req.Principal.UserID,
		Scopes: c.Scopes, Description: c.Description, ExpireAt: c.ExpireAt, Secret: secret,
		MemberSince: req.Principal.MemberSince,
	}, req.at())
	if err != nil {
		return Result[IssuedAPIKey]{}, err
	}
	key, err := x.issueInSlot(ctx, req, issued)
	if err != nil {
		return Result[IssuedAPIKey]{}, err
	}
	return Result[IssuedAPIKey]{
		Value:    IssuedAPIKey{Key: key.State, Secret: secret},
		Revision: key.Revision, Position: key.Position,
	}, nil
}

// issueInSlot writes a key's first event with a slot that is free for it. What an
// earlier attempt wrote stands.
func (x *executor) issueInSlot(ctx context.Context, req Request, issued apikey.Issued) (outcome[apikey.State], error) {
	if req.Retry {
		if key, err := load(ctx, x, ref(apikey.Aggregate, issued.KeyID), true); err != nil || key.State.ID != "" {
			return key, err
		}
	}
	slot, err := x.takeAnySlot(ctx, req, x.keyQuota(req, issued.OrganizationID, issued.UserID, issued.KeyID))
	if err != nil {
		return outcome[apikey.State]{}, err
	}
	issued.Slot = slot
	key, err := x.beginKey(ctx, req, issued)
	if errors.Is(err, ErrWrongRevision) { // It took so long that its slot was given away.
		err = ErrContended
	}
	return key, err
}
