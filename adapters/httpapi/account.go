package httpapi

import (
	"context"
	"net/http"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/users"
)

// Deactivation tells when an account was deactivated, and when it is erased.
type Deactivation struct {
	DeletedAt Time `json:"deletedAt" doc:"When the account was deactivated."`
	PurgeAt   Time `json:"purgeAt" doc:"Until then the account can be restored. Then it is erased."`
}

// ErasureCertificate says what an erasure destroyed, what is kept and why, and
// what remains physically for how long. It names nobody.
type ErasureCertificate struct {
	ID            string                 `json:"id" format:"subject-id" pattern:"^(user|org)_[0-7][0-9a-hjkmnp-tv-z]{25}$" doc:"The id of the account or the organization that was erased." example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Kind          string                 `json:"kind" enum:"user,organization" example:"user"`
	BegunAt       Time                   `json:"begunAt"`
	DestroyedAt   Time                   `json:"destroyedAt" doc:"When the encryption keys had been destroyed."`
	KeysDestroyed int                    `json:"keysDestroyed" doc:"How many encryption keys were destroyed: that of the account or the organization, and those of invitations." example:"2"`
	Destroyed     []CertificateStatement `json:"destroyed" doc:"What was destroyed, and how."`
	Kept          []CertificateStatement `json:"kept" doc:"What is kept, and why."`
	Remains       []CertificateRemainder `json:"remains" doc:"Where traces may exist physically, and until when at the latest."`
}

// CertificateStatement is a sentence of a certificate.
type CertificateStatement struct {
	What string `json:"what" example:"stored answers to repeated requests"`
	Note string `json:"note" example:"deleted"`
}

// CertificateRemainder is a place where traces may exist for a while.
type CertificateRemainder struct {
	Where string `json:"where" example:"backups of the database"`
	Note  string `json:"note" example:"they hold the encryption keys from before"`
	Until Time   `json:"until"`
}

func certificateOf(s erasure.State) ErasureCertificate {
	statements := func(all []erasure.Statement) []CertificateStatement {
		out := make([]CertificateStatement, len(all))
		for i, each := range all {
			out[i] = CertificateStatement(each)
		}
		return out
	}
	c := ErasureCertificate{
		ID: string(s.ID), Kind: string(s.Kind), BegunAt: Time{s.BegunAt}, DestroyedAt: Time{s.Certificate.DestroyedAt},
		KeysDestroyed: len(s.Keys), Destroyed: statements(s.Certificate.Destroyed), Kept: statements(s.Certificate.Kept),
		Remains: make([]CertificateRemainder, len(s.Certificate.Remains)),
	}
	for i, r := range s.Certificate.Remains {
		c.Remains[i] = CertificateRemainder{Where: r.Where, Note: r.Note, Until: Time{r.Until}}
	}
	return c
}

func (a *API) registerAccounts() {
	register(a, operation{
		id: "deactivateUser", method: http.MethodDelete, path: "/users/profile", tag: tagUsers,
		summary: "Delete own account",
		description: "Deactivates the account. Until `purgeAt` it can be restored with `POST /users/restore`; then it is erased. " +
			"Memberships and API keys of the caller do not work meanwhile. Repeating the request gives the same answer. " +
			"The only active owner of an organization must first make somebody else an owner, or delete the organization: " +
			"`details` names each such organization by its id.",
		authorization: ownAccount(), moves: true, message: "the account was deactivated",
		fails: []error{user.ErrSoleOwner, referrer.ErrInProgress, user.ErrNotFound},
	}, a.deactivateUser)
	register(a, operation{
		id: "restoreUser", method: http.MethodPost, path: "/users/restore", tag: tagUsers,
		summary: "Restore own account",
		description: "Ends the deactivation of the account. Memberships and API keys work again; keys that were revoked do not. " +
			"For an account that is in use it changes nothing.",
		authorization: ownAccount(), moves: true, message: "the account is in use",
		fails: []error{user.ErrGraceExpired, user.ErrNotFound},
	}, a.restoreUser)
	register(a, operation{
		id: "eraseUser", method: http.MethodDelete, path: "/users/{userId}/permanent", tag: tagUsers,
		summary: "Erase account permanently",
		description: "Destroys the personal data of a deactivated account, at once and for good, and answers with a certificate. " +
			"What is stored in read models is cleared within seconds. Callers can erase only their own account. " +
			"Afterwards the same identity can create a new account, which has nothing of the old one.",
		authorization: ownAccountOr(access.EraseUsers), moves: true, status: http.StatusAccepted,
		message: "the personal data of the account was destroyed",
		fails:   []error{user.ErrNotDeactivated, user.ErrNotFound},
	}, a.eraseUser)
}

type deactivateUserInput struct {
	Body struct {
		ConfirmEmail string `json:"confirmEmail" maxLength:"254" doc:"The email address of the account." example:"ada@example.com"`
	} `nameHint:"AccountDeletion"`
}

func (a *API) deactivateUser(ctx context.Context, x *exchange, in *deactivateUserInput) (reply[Deactivation], error) {
	result, err := withCondition(ctx, a, x, a.commands.DeactivateUser,
		commands.DeactivateUser{ConfirmEmail: personal.New(in.Body.ConfirmEmail)})
	if err != nil {
		return reply[Deactivation]{}, err
	}
	return written(result, Deactivation{DeletedAt: Time{result.Value.DeactivatedAt}, PurgeAt: Time{result.Value.PurgeAt}}), nil
}

func (a *API) restoreUser(ctx context.Context, x *exchange, _ *struct{}) (reply[Profile], error) {
	result, err := withCondition(ctx, a, x, a.commands.RestoreUser, commands.RestoreUser{})
	if err != nil {
		return reply[Profile]{}, err
	}
	return written(result, a.profileOf(users.Of(result.Value))), nil
}

type eraseUserInput struct {
	UserID string `path:"userId" example:"user_01jd9z3q5we8x9v6m2k4t7r1b9"`
}

func (a *API) eraseUser(ctx context.Context, x *exchange, in *eraseUserInput) (reply[ErasureCertificate], error) {
	result, err := a.commands.EraseUser(ctx, a.command(ctx, x), commands.EraseUser{UserID: id.User(in.UserID)})
	if err != nil {
		return reply[ErasureCertificate]{}, err
	}
	return reply[ErasureCertificate]{data: certificateOf(result.Value), position: result.Position}, nil
}
