package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
)

// APIKeyCommands are the use cases of API keys.
type APIKeyCommands struct {
	IssueAPIKey  Handler[IssueAPIKey, IssuedAPIKey]
	UpdateAPIKey Handler[UpdateAPIKey, apikey.State]
	RotateAPIKey Handler[RotateAPIKey, RotatedAPIKey]
	RevokeAPIKey Handler[RevokeAPIKey, apikey.State]

	RevokeOrphanedKeys Handler[RevokeOrphanedKeys, RevokedKeys]
}

func (x *executor) apiKeyCommands(o Observer) APIKeyCommands {
	return APIKeyCommands{
		IssueAPIKey:  observed(o, "IssueAPIKey", x.issueAPIKey),
		UpdateAPIKey: observed(o, "UpdateAPIKey", x.updateAPIKey),
		RotateAPIKey: observed(o, "RotateAPIKey", x.rotateAPIKey),
		RevokeAPIKey: observed(o, "RevokeAPIKey", x.revokeAPIKey),

		RevokeOrphanedKeys: observed(o, "RevokeOrphanedKeys", x.revokeOrphanedKeys),
	}
}

// mint makes the id and the secret of a new key: for the same request, always
// the same ones.
func (x *executor) mint(req Request) (id.APIKey, apikey.Secret, error) {
	keyID, err := id.New[id.APIKey](req.IDs())
	if err != nil {
		return "", apikey.Secret{}, err
	}
	secret, err := apikey.Mint(req.Entropy("secret"), x.live)
	return keyID, secret, err
}

// beginKey writes the first event of a key. It loads nothing, for the id is
// new, unless an earlier attempt may have written it already: what that one
// wrote then stands.
func (x *executor) beginKey(ctx context.Context, req Request, issued apikey.Issued) (outcome[apikey.State], error) {
	of := ref(apikey.Aggregate, issued.KeyID)
	if req.Retry {
		if key, err := load(ctx, x, of, true); err != nil || key.State.ID != "" {
			return key, err
		}
	}
	snapshot, err := of.begin(ctx, x, drafts(req, of.stream, issued.OrganizationID, 0, []event.Event{issued}))
	if err != nil {
		return outcome[apikey.State]{}, err
	}
	return outcomeOf[apikey.State](snapshot), nil
}

// mayHaveKeys is nil for a person who may have keys of this owner in the
// organization they act in.
func mayHaveKeys(p access.Principal, owner apikey.OwnerType) error {
	if err := p.RequireUser(); err != nil {
		return err
	}
	if owner == apikey.OwnerOrganization {
		return p.Require(access.ManageOrganizationKeys)
	}
	return p.Require(access.ManageOwnKeys)
}

// mayManage is nil for a person who may change or end a key: their own, or any
// of the organization that they act in. For all others the key does not exist.
func mayManage(p access.Principal, key apikey.State) error {
	switch {
	case key.ID == "", key.OrganizationID != p.OrganizationID:
		return apikey.ErrNotFound
	case p.May(access.ManageOrganizationKeys):
		return nil
	case key.OwnerType == apikey.OwnerUser && key.UserID == p.UserID:
		return p.Require(access.ManageOwnKeys)
	default:
		return apikey.ErrNotFound
	}
}

// changeKey carries out a decision about one key. A key that ended with its
// owner's membership or account is decided about, and answered with, as a
// revoked one.
func (x *executor) changeKey(ctx context.Context, req Request, keyID id.APIKey, decide func(apikey.State) ([]event.Event, error)) (outcome[apikey.State], error) {
	if err := req.Principal.RequireUser(); err != nil {
		return outcome[apikey.State]{}, err
	}
	if req.Principal.OrganizationID == "" {
		return outcome[apikey.State]{}, access.ErrNoActiveOrganization
	}
	o, err := execute(ctx, x, req, change[apikey.State]{
		of: ref(apikey.Aggregate, keyID), organization: req.Principal.OrganizationID, expected: req.Expected,
		decide: func(s apikey.State) ([]event.Event, error) {
			s, err := x.withOwner(ctx, s)
			if err != nil {
				return nil, err
			}
			return decide(s)
		},
	})
	if err != nil {
		return outcome[apikey.State]{}, err
	}
	o.State, err = x.withOwner(ctx, o.State)
	return o, err
}
