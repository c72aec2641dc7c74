package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/apikeys"
)

// APIKey is a key without the key itself.
type APIKey struct {
	ID             string   `json:"id" example:"key_01jd9z3q5we8x9v6m2k4t7r1b9"`
	OrganizationID string   `json:"organizationId" example:"org_01jd9z3q5we8x9v6m2k4t7r1b9"`
	OwnerType      string   `json:"ownerType" enum:"user,organization" example:"user"`
	UserID         *string  `json:"userId" doc:"The owner; null for an organization's key." example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Description    *string  `json:"description" example:"Nightly import"`
	Scopes         []string `json:"scopes" format:"scope" doc:"What the key may do at most." example:"files:read, files:write"`
	Start          string   `json:"start" doc:"The key's first characters." example:"pw_live_7Qx2"`
	Last4          string   `json:"last4" doc:"The key's last characters." example:"0aZ9"`
	Status         string   `json:"status" enum:"active,expired,revoked,suspended" example:"active"`
	ExpireAt       *Time    `json:"expireAt" nullable:"true" doc:"The instant from which the key no longer works; null if it never expires."`
	RevokedAt      *Time    `json:"revokedAt" nullable:"true" example:"" doc:"Null for a key that has not been revoked."`
	PredecessorID  *string  `json:"predecessorId" format:"key-id" doc:"The key that this one replaced in a rotation."`
	SuccessorID    *string  `json:"successorId" format:"key-id" doc:"The key that replaced this one in a rotation."`
	CreatedAt      Time     `json:"createdAt"`
	UpdatedAt      Time     `json:"updatedAt"`
}

func apiKeyOf(k apikeys.Key) APIKey {
	return APIKey{
		ID: string(k.ID), OrganizationID: string(k.OrganizationID),
		OwnerType: string(k.OwnerType), UserID: optional(string(k.UserID)),
		Description: optional(k.Description), Scopes: scopeNames(k.Scopes),
		Start: k.Start, Last4: k.Last4, Status: string(k.Status),
		ExpireAt: optionalTime(k.ExpireAt), RevokedAt: optionalTime(k.RevokedAt),
		PredecessorID: optional(string(k.PredecessorID)), SuccessorID: optional(string(k.SuccessorID)),
		CreatedAt: Time{k.CreatedAt}, UpdatedAt: Time{k.UpdatedAt},
	}
}

func scopeNames(scopes []access.Scope) []string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return names
}

// UsedAPIKey is a key with when it was last used.
type UsedAPIKey struct {
	APIKey
	LastUsedAt *Time `json:"lastUsedAt" nullable:"true" doc:"Accurate to the minute; null if the key has never been used."`
}

func usedAPIKeyOf(k apikeys.Key) UsedAPIKey {
	return UsedAPIKey{APIKey: apiKeyOf(k), LastUsedAt: optionalTime(k.LastUsedAt)}
}

// unversioned is what of a key changes without an event.
func (k UsedAPIKey) unversioned() string {
	changed := ""
	if k.Status == string(apikey.StatusExpired) {
		changed = k.Status
	}
	if k.LastUsedAt != nil {
		changed += " " + k.LastUsedAt.UTC().Format(timeLayout)
	}
	return changed
}

// IssuedAPIKey is a new key with the key itself, which is shown this once.
type IssuedAPIKey struct {
	Key string `json:"key" doc:"The key itself. It is shown only this once: store it safely." example:"pw_live_7Qx2mT9bK4vW8nR3pL6yD1sH5jF0gC7aZ2eX9uQ4tB80aZ9"`
	APIKey
}

// RotatedAPIKey is the new key, and the old one that goes on for a while.
type RotatedAPIKey struct {
	IssuedAPIKey
	Predecessor APIKey `json:"predecessor" doc:"The old key; its expireAt is when it stops working."`
}

var tagAPIKeys = tag{"API keys", "Credentials for programs."}

// whoseAPIKeys is what the descriptions of operations on one key say.
const whoseAPIKeys = "Own keys; owners and admins can use it for all keys of the organization." //nolint:gosec // No credential: a sentence.

func (a *API) registerAPIKeys() {
	manage := permitted(access.ManageOwnKeys, access.ManageOrganizationKeys)
	register(a, operation{
		id: "issueApiKey", method: http.MethodPost, path: "/api-keys", tag: tagAPIKeys,
		summary: "Create API key",
		description: "The answer contains the key itself, which is shown only this once. " +
			"Members create keys of their own; owners and admins also keys of the organization. A key cannot create keys.",
		authorization: manage, secret: true, status: http.StatusCreated, message: "the API key was created; it is shown only this once",
		fails: []error{apikey.ErrLimit},
	}, a.issueAPIKey)
	register(a, operation{
		id: "listApiKeys", method: http.MethodGet, path: "/api-keys", tag: tagAPIKeys,
		summary:       "List API keys",
		description:   "Without the keys themselves. Own keys; for owners and admins, all keys of the organization.",
		authorization: manage, reads: []string{apikeys.Name}, list: &apikeys.List, message: "the API keys",
	}, a.listAPIKeys)
	register(a, operation{
		id: "getApiKey", method: http.MethodGet, path: "/api-keys/{id}", tag: tagAPIKeys,
		summary: "Get API key", description: "Without the key itself. " + whoseAPIKeys,
		authorization: manage, reads: []string{apikeys.Name}, conditional: true, message: "the API key",
		fails: []error{apikey.ErrNotFound},
	}, a.getAPIKey)
	register(a, operation{
		id: "updateApiKey", method: http.MethodPut, path: "/api-keys/{id}", tag: tagAPIKeys,
		summary: "Update API key", description: "Changes the description. " + whoseAPIKeys,
		authorization: manage, message: "the API key was updated",
		fails: []error{apikey.ErrNotFound, apikey.ErrRevoked},
	}, a.updateAPIKey)
	register(a, operation{
		id: "revokeApiKey", method: http.MethodDelete, path: "/api-keys/{id}", tag: tagAPIKeys,
		summary: "Revoke API key",
		description: "The key stops working everywhere within a second, and for good. Repeating it gives the same answer. " +
			whoseAPIKeys,
		authorization: manage, message: "the API key was revoked",
		fails: []error{apikey.ErrNotFound},
	}, a.revokeAPIKey)
	register(a, operation{
		id: "rotateApiKey", method: http.MethodPost, path: "/api-keys/{id}/rotate", tag: tagAPIKeys,
		summary: "Rotate API key",
		description: "Creates a new key with the same owner, scopes and description. " +
			"The old key works until the overlap ends, or until its own expiry if that comes first. " +
			"A user's key can be rotated by that user only.",
		authorization: manage, secret: true, status: http.StatusCreated, message: "the API key was rotated; the new key is shown only this once",
		fails: []error{apikey.ErrNotFound, apikey.ErrRevoked, apikey.ErrExpired, apikey.ErrRotated, apikey.ErrSuspended, apikey.ErrLimit},
	}, a.rotateAPIKey)
}

type issueAPIKeyInput struct {
	Body struct {
		Description *string   `json:"description,omitempty" nullable:"true" maxLength:"255" example:"Nightly import"`
		ExpireAt    *Time     `json:"expireAt,omitempty" nullable:"true" doc:"Must be in the future; by default the key does not expire."`
		Scopes      *[]string `json:"scopes,omitempty" format:"scope" nullable:"true" doc:"What the key may do at most; by default everything that a key of its kind can." example:"files:read, files:write"`
		OwnerType   *string   `json:"ownerType,omitempty" nullable:"true" enum:"user,organization" doc:"By default user." example:"user"`
	} `nameHint:"NewApiKey"`
}

func (a *API) issueAPIKey(ctx context.Context, x *exchange, in *issueAPIKeyInput) (reply[IssuedAPIKey], error) {
	req := a.command(ctx, x)
	c := commands.IssueAPIKey{
		OwnerType: apikey.OwnerType(textOf(in.Body.OwnerType)), Description: textOf(in.Body.Description),
		ExpireAt: timeOf(in.Body.ExpireAt),
	}
	if in.Body.Scopes != nil {
		c.Scopes = make([]access.Scope, len(*in.Body.Scopes))
		for i, s := range *in.Body.Scopes {
			c.Scopes[i] = access.Scope(s)
		}
	}
	result, err := a.commands.IssueAPIKey(ctx, req, c)
	if err != nil {
		return reply[IssuedAPIKey]{}, err
	}
	out := written(result, issuedOf(result.Value, req.Now))
	out.location, out.credential = basePath+"/api-keys/"+out.data.ID, out.data.ID
	return out, nil
}

func issuedOf(k commands.IssuedAPIKey, now time.Time) IssuedAPIKey {
	return IssuedAPIKey{Key: k.Secret.Reveal(), APIKey: apiKeyOf(apikeys.Of(k.Key, now))}
}

func timeOf(t *Time) *time.Time {
	if t == nil {
		return nil
	}
	return &t.Time
}

type updateAPIKeyInput struct {
	ID   string `path:"id" example:"key_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Body struct {
		Description *string `json:"description,omitempty" nullable:"true" maxLength:"255" example:"Nightly import"`
	} `nameHint:"ApiKeyChange"`
}

func (a *API) updateAPIKey(ctx context.Context, x *exchange, in *updateAPIKeyInput) (reply[APIKey], error) {
	result, err := withCondition(ctx, a, x, a.commands.UpdateAPIKey, commands.UpdateAPIKey{
		KeyID: id.APIKey(in.ID), Description: in.Body.Description,
	})
	if err != nil {
		return reply[APIKey]{}, err
	}
	return written(result, apiKeyOf(apikeys.Of(result.Value, time.Now()))), nil
}

type apiKeyInput struct {
	ID string `path:"id" example:"key_01jd9z3q5we8x9v6m2k4t7r1b9"`
}

func (a *API) revokeAPIKey(ctx context.Context, x *exchange, in *apiKeyInput) (reply[APIKey], error) {
	result, err := withCondition(ctx, a, x, a.commands.RevokeAPIKey, commands.RevokeAPIKey{KeyID: id.APIKey(in.ID)})
	if err != nil {
		return reply[APIKey]{}, err
	}
	return written(result, apiKeyOf(apikeys.Of(result.Value, time.Now()))), nil
}

type rotateAPIKeyInput struct {
	ID   string `path:"id" example:"key_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Body *struct {
		Overlap  *int64 `json:"overlap,omitempty" nullable:"true" minimum:"0" maximum:"604800" doc:"For how many seconds the old key still works; by default a day." example:"3600"`
		ExpireAt *Time  `json:"expireAt,omitempty" nullable:"true" doc:"The expiry of the new key; by default that with which the old key was created."`
	} `nameHint:"ApiKeyRotation"`
}

func (a *API) rotateAPIKey(ctx context.Context, x *exchange, in *rotateAPIKeyInput) (reply[RotatedAPIKey], error) {
	req := a.command(ctx, x)
	c := commands.RotateAPIKey{KeyID: id.APIKey(in.ID)}
	if in.Body != nil {
		c.ExpireAt = timeOf(in.Body.ExpireAt)
		if in.Body.Overlap != nil {
			overlap := time.Duration(*in.Body.Overlap) * time.Second
			c.Overlap = &overlap
		}
	}
	result, err := a.commands.RotateAPIKey(ctx, req, c)
	if err != nil {
		return reply[RotatedAPIKey]{}, err
	}
	out := written(result, RotatedAPIKey{
		IssuedAPIKey: issuedOf(result.Value.IssuedAPIKey, req.Now),
		Predecessor:  apiKeyOf(apikeys.Of(result.Value.Predecessor, req.Now)),
	})
	out.location, out.credential = basePath+"/api-keys/"+out.data.ID, out.data.ID
	return out, nil
}

func (a *API) listAPIKeys(ctx context.Context, x *exchange, in *ListInput) (reply[Page[UsedAPIKey]], error) {
	scope := visibleKeys(x.principal)
	page, err := a.queries.APIKeys.List(ctx, scope, time.Now(), in.request(x))
	if err != nil {
		return reply[Page[UsedAPIKey]]{}, err
	}
	return reply[Page[UsedAPIKey]]{data: pageOf(page, usedAPIKeyOf)}, nil
}

func (a *API) getAPIKey(ctx context.Context, x *exchange, in *apiKeyInput) (reply[UsedAPIKey], error) {
	if err := apikey.Aggregate.Check(id.APIKey(in.ID)); err != nil {
		return reply[UsedAPIKey]{}, err
	}
	k, err := a.queries.APIKeys.Get(ctx, visibleKeys(x.principal), id.APIKey(in.ID), time.Now())
	if err != nil {
		return reply[UsedAPIKey]{}, err
	}
	return reply[UsedAPIKey]{data: usedAPIKeyOf(k), revision: &k.Revision}, nil
}

// visibleKeys returns the keys that a person may see: their own, or all of the
// organization.
func visibleKeys(p access.Principal) apikeys.Scope {
	scope := apikeys.Scope{OrganizationID: p.OrganizationID}
	if !p.May(access.ManageOrganizationKeys) {
		scope.UserID = p.UserID
	}
	return scope
}
