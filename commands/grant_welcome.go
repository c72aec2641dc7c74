package commands

import (
	"context"
	"errors"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/domain/user"
)

// Welcome is what a new organization is given.
type Welcome struct {
	// Tokens is how many; none when zero.
	Tokens int64
	// Validity is how long they can be spent, from the registration on.
	Validity time.Duration
}

// GrantWelcome grants the tokens that welcome a new organization, if the person
// who registered it has had none yet. They expire, and are spent before all others.
// It may be repeated at any time.
type GrantWelcome struct{ OrganizationID id.Organization }

// welcomeWindow is how long an organization is new. One that was registered longer
// ago when the policy first sees it, or when the setting is first set, is given
// nothing.
const welcomeWindow = 7 * 24 * time.Hour

// errWelcomed says that a person was given tokens for another organization.
var errWelcomed = errors.New("the person has been welcomed before")

func (x *executor) grantWelcome(ctx context.Context, req Request, c GrantWelcome) (Result[tokenaccount.State], error) {
	req.Principal = req.Principal.In(c.OrganizationID)
	if err := req.Principal.Require(access.GrantTokens); err != nil {
		return Result[tokenaccount.State]{}, err
	}
	account, err := load(ctx, x, ref(tokenaccount.Aggregate, tokenaccount.ID(c.OrganizationID)), true)
	if err != nil {
		return Result[tokenaccount.State]{}, err
	}
	o, err := load(ctx, x, ref(organization.Aggregate, c.OrganizationID), true)
	if err != nil {
		return Result[tokenaccount.State]{}, err
	}
	grant := tokenaccount.Reference{ID: "welcome:" + string(c.OrganizationID), At: o.State.CreatedAt}
	_, granted := account.State.Grant(grant)
	if granted || x.welcome.Tokens <= 0 || o.State.Status != organization.StatusActive ||
		req.at().Sub(o.State.CreatedAt) >= welcomeWindow {
		return resultOf(account, nil)
	}
	switch err := x.claimWelcome(ctx, req, o.State); {
	case errors.Is(err, errWelcomed):
		return resultOf(account, nil)
	case err != nil:
		return Result[tokenaccount.State]{}, err
	}
	return x.tokens.GrantTokens(ctx, req, GrantTokens{
		Grant: grant, Source: tokenaccount.SourceWelcome, Amount: x.welcome.Tokens, ExpireAt: o.State.CreatedAt.Add(x.welcome.Validity),
	})
}

// claimWelcome reserves the welcome of the person who registered an organization,
// for this organization. It fails with errWelcomed if another one has it. A person
// is known by their identity, and by their address once that is verified, so that
// neither a changed address nor a new account is welcomed again.
func (x *executor) claimWelcome(ctx context.Context, req Request, o organization.State) error {
	if o.CreatedBy == "" { // It was registered before that was noted.
		return errWelcomed
	}
	founder, err := load(ctx, x, ref(user.Aggregate, o.CreatedBy), true)
	if err != nil {
		return err
	}
	if founder.State.SubjectHash == "" || isErased(founder.State) {
		return errWelcomed
	}
	hashes := []string{founder.State.SubjectHash}
	if founder.State.EmailVerified {
		hashes = append(hashes, founder.State.EmailHash)
	}
	for _, hash := range hashes {
		c := claim{
			Claim:        reservation.Claim{Kind: reservation.Welcome, ValueHash: hash, OwnerID: string(o.ID)},
			organization: o.ID, lasting: true, taken: errWelcomed,
			yields: func(context.Context, reservation.State) (bool, error) { return false, nil },
		}
		if err := c.hold(ctx, x, req); err != nil {
			return err
		}
	}
	return nil
}
