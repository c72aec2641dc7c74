package identity

import (
	"context"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
)

const (
	// waitingAddresses bounds how many people's addresses wait to be followed.
	// Beyond it an address is left for the next request with the token.
	waitingAddresses = 1024
	// addressWorkers is how many are followed at once.
	addressWorkers = 2
)

// Addresses follows the email addresses that the identity provider has verified:
// beside the requests, which do not wait for it. It is safe for concurrent use.
type Addresses struct {
	follow  func(ctx context.Context, p access.Principal) error
	logger  *slog.Logger
	waiting chan noticed
}

// noticed is a person whose token has an address that may be new.
type noticed struct {
	principal access.Principal
	token     *verifiedToken
}

// NewAddresses returns an Addresses that calls follow while Run runs: at least
// once for each token of a registered person that has an address verified, and
// not for each request. follow does nothing for an address that is known, and
// returns a failure for one that cannot be followed.
func NewAddresses(follow func(ctx context.Context, p access.Principal) error, logger *slog.Logger) *Addresses {
	return &Addresses{follow: follow, logger: logger, waiting: make(chan noticed, waitingAddresses)}
}

// notice does no I/O and does not wait.
func (a *Addresses) notice(p access.Principal, t *verifiedToken) {
	i := p.Identity
	if p.UserID == "" || !i.EmailVerified || i.EmailHash == "" || i.IssuedAt.IsZero() || !t.noticed.CompareAndSwap(false, true) {
		return
	}
	select {
	case a.waiting <- noticed{p, t}:
	default:
		t.noticed.Store(false)
	}
}

// Run follows addresses until ctx ends. One that could not be followed then is
// followed at the next use of the token.
func (a *Addresses) Run(ctx context.Context) {
	var workers errgroup.Group
	for range addressWorkers {
		workers.Go(func() error {
			for {
				select {
				case n := <-a.waiting:
					a.handle(ctx, n)
				case <-ctx.Done():
					return nil
				}
			}
		})
	}
	_ = workers.Wait() // They return no errors.
}

func (a *Addresses) handle(ctx context.Context, n noticed) {
	err := a.follow(ctx, n.principal)
	refused := failure.Of(err)
	switch {
	case err == nil:
	case refused != nil && refused.Kind != failure.Unavailable:
		a.logger.InfoContext(ctx, "a verified email address is not followed", "user", n.principal.UserID, "reason", refused.Code)
	default:
		n.token.noticed.Store(false)
		if ctx.Err() == nil {
			a.logger.WarnContext(ctx, "a verified email address could not be followed, trying again at the next request",
				"user", n.principal.UserID, "error", err)
		}
	}
}
