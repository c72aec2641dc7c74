package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/adapters/keyring"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/operator"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/reservation"
)

// keyedSecrets implements commands.Secrets by the keyring.
type keyedSecrets struct{ keys *keyring.Keyring }

// EmailHash implements commands.Secrets.
func (s keyedSecrets) EmailHash(address string) string {
	return s.keys.Hash(identity.PurposeEmail, reservation.FoldEmail(address))
}

// InvitationToken implements commands.Secrets.
func (s keyedSecrets) InvitationToken(invitation id.Invitation, n int) organization.Token {
	return organization.NewToken(invitation, s.derived("token of an invitation", string(invitation), n))
}

func (s keyedSecrets) derived(purpose, name string, n int) [32]byte {
	sum, err := hex.DecodeString(s.keys.Hash(purpose, name+"/"+strconv.Itoa(n)))
	if err != nil {
		panic(err) // Hash writes hexadecimal.
	}
	return [32]byte(sum)
}

// systemUser tells for which system user an identity speaks.
func systemUser(uses *commands.Commands) func(context.Context, access.Identity) (access.Principal, bool, error) {
	return func(ctx context.Context, i access.Identity) (access.Principal, bool, error) {
		req, err := newRequest(access.Principal{Kind: access.KindUser, Identity: i})
		if err != nil {
			return access.Principal{}, false, err
		}
		found, err := uses.RecogniseSystemUser(ctx, req, commands.RecogniseSystemUser{})
		switch {
		case errors.Is(err, operator.ErrNotFound):
			return access.Principal{}, false, nil
		case err != nil:
			return access.Principal{}, false, err
		}
		u := found.Value
		return access.Principal{
			Kind: access.KindSystem, UserID: id.User(u.ID), SystemRoles: u.Roles, Identity: i,
		}, true, nil
	}
}

// newRequest is the request of a command that no HTTP request is behind.
func newRequest(p access.Principal) (commands.Request, error) {
	command, err := uuid.NewRandom()
	if err != nil {
		return commands.Request{}, err
	}
	req := commands.Request{
		ID: event.ID(command), Now: time.Now().UTC(), Principal: p, CorrelationID: command.String(),
	}
	_, _ = rand.Read(req.Seed[:]) // It never fails.
	return req, nil
}

// IssueBootstrapSecret issues the secret by which the first system user is
// registered, and returns it with the time at which it expires. A server may run
// on the same data at the same time.
func IssueBootstrapSecret(ctx context.Context, settings Settings, logger *slog.Logger) (operator.Secret, time.Time, error) {
	var issued commands.BootstrapSecret
	err := withOpenWork(ctx, settings, logger, func(w *work) error {
		req, err := newRequest(access.ByPolicy("bootstrap", "", access.ManageSystemUsers))
		if err != nil {
			return err
		}
		result, err := w.commands.IssueBootstrapSecret(ctx, req, commands.IssueBootstrapSecret{})
		issued = result.Value
		return err
	})
	return issued.Secret, issued.State.BootstrapUntil, err
}
