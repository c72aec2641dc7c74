package commands

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/referral"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/domain/reservation"
	"github.com/perfectworks/backend/domain/user"
)

// AttributeReferral decides who brought a person, by what they came with when they
// registered. For a person who came by themselves it does nothing but note their
// mailbox. It may be repeated at any time.
type AttributeReferral struct{ UserID id.User }

// RecordClicks records a segment of clicks. A segment that is recorded stays as it
// is.
type RecordClicks struct{ click.Recorded }

func (x *executor) recordClicks(ctx context.Context, req Request, c RecordClicks) (Result[click.State], error) {
	if err := req.Principal.Require(access.FollowReferrals); err != nil {
		return Result[click.State]{}, err
	}
	return resultOf(execute(ctx, x, req, change[click.State]{
		of: ref(click.Aggregate, click.Segment(c.Writer, c.Segment)),
		decide: func(s click.State) ([]event.Event, error) {
			if s.Recorded {
				return nil, nil
			}
			return []event.Event{c.Recorded}, nil
		},
	}))
}

func (x *executor) attributeReferral(ctx context.Context, req Request, c AttributeReferral) (Result[referral.State], error) {
	if err := req.Principal.Require(access.FollowReferrals); err != nil {
		return Result[referral.State]{}, err
	}
	return resultOf(x.attributed(ctx, req, c.UserID))
}

func (x *executor) attributed(ctx context.Context, req Request, name id.User) (outcome[referral.State], error) {
	of := ref(referral.Aggregate, id.ReferralOf(name))
	known, err := load(ctx, x, of, true)
	if err != nil || known.State.Decided {
		return known, err
	}
	person, err := load(ctx, x, ref(user.Aggregate, name), true)
	if err != nil {
		return known, err
	}
	// An erased person leaves nothing to decide by.
	if person.State.Status == "" || person.State.Status == user.StatusErased {
		return known, nil
	}
	first, err := x.firstOfMailbox(ctx, req, person.State)
	if err != nil {
		return known, err
	}
	if person.State.Click == nil && person.State.ReferralCode == "" {
		return known, nil
	}
	evidence, err := x.evidence(ctx, person.State)
	if err != nil {
		return known, err
	}
	evidence.AlreadyRegistered = !first
	return execute(ctx, x, req, change[referral.State]{
		of:     of,
		decide: func(s referral.State) ([]event.Event, error) { return s.Decide(evidence, req.at()), nil },
	})
}

// firstOfMailbox tells whether nobody else registered before with an address of
// the person's mailbox. It notes the mailbox under the person's name; an address
// that is not verified notes nothing.
func (x *executor) firstOfMailbox(ctx context.Context, req Request, person user.State) (bool, error) {
	if !person.EmailVerified || person.Email.Reveal() == "" {
		return true, nil
	}
	holder, err := x.claim(ctx, req, claim{
		Claim: reservation.Claim{
			Kind: reservation.Mailbox, ValueHash: x.secrets.EmailHash(referral.Mailbox(person.Email.Reveal())), OwnerID: string(person.ID),
		},
		lasting: true,
		yields: func(ctx context.Context, held reservation.State) (bool, error) {
			o, err := load(ctx, x, ref(user.Aggregate, id.User(held.OwnerID)), true)
			return err == nil && isErased(o.State), err
		},
	})
	return holder == string(person.ID), err
}

// ErrRuleMissing says that the programme does not hold a version of its rules that
// a click was made under.
var ErrRuleMissing = errors.New("the referral programme lacks a version of its rules")

// evidence is what is known of how a person came: by the click, or if that came
// too long ago, by the code.
func (x *executor) evidence(ctx context.Context, person user.State) (referral.Evidence, error) {
	e := referral.Evidence{UserID: person.ID, RegisteredAt: person.CreatedAt, Rule: x.referrals.Programme.Current()}
	code := person.ReferralCode
	if c := person.Click; c != nil {
		rule, known := x.referrals.Programme.Rule(c.RuleVersion)
		if !known {
			return e, fmt.Errorf("%w: %d", ErrRuleMissing, c.RuleVersion)
		}
		if code == "" || person.CreatedAt.Before(c.At.Add(rule.Window())) {
			code = ""
			e.Rule, e.ClickID, e.ClickedAt, e.ReferrerID, e.CampaignID = rule, c.ID, c.At, c.ReferrerID, c.CampaignID
		}
	}
	if code != "" {
		var err error
		if e.ReferrerID, e.CampaignID, err = x.ofCode(ctx, code); err != nil {
			return e, err
		}
	}
	if e.CampaignID != "" {
		c, err := load(ctx, x, ref(campaign.Aggregate, e.CampaignID), true)
		if err != nil {
			return e, err
		}
		e.ReferrerID, e.CampaignStart, e.CampaignEnd = c.State.ReferrerID, c.State.StartAt, c.State.End()
	}
	if e.ReferrerID == "" {
		return e, nil
	}
	return e, x.lookAtReferrer(ctx, &e, person)
}

// ofCode finds whose a code is; empty if it is nobody's.
func (x *executor) ofCode(ctx context.Context, code string) (id.Referrer, id.Campaign, error) {
	code = campaign.FoldCode(code)
	if !campaign.ValidCode(code) {
		return "", "", nil
	}
	held, err := load(ctx, x, ref(reservation.Aggregate, reservation.IDOf(reservation.ReferralCode, reservation.Hash(code))), true)
	if err != nil {
		return "", "", err
	}
	if name := id.Referrer(held.State.OwnerID); strings.HasPrefix(string(name), name.Prefix()+"_") {
		return name, "", nil
	}
	return "", id.Campaign(held.State.OwnerID), nil
}

// maxChain bounds how far back it is looked who brought whom.
const maxChain = 100

// lookAtReferrer finds out what the referrer has to do with the person.
func (x *executor) lookAtReferrer(ctx context.Context, e *referral.Evidence, person user.State) error {
	by, err := load(ctx, x, ref(referrer.Aggregate, e.ReferrerID), true)
	if err != nil {
		return err
	}
	if by.State.ID == "" {
		e.ReferrerID = ""
		return nil
	}
	account, err := load(ctx, x, ref(user.Aggregate, by.State.UserID), true)
	if err != nil {
		return err
	}
	e.Inactive = by.State.Suspended || account.State.RequireActive() != nil
	if theirs, own := account.State.Email.Reveal(), person.Email.Reveal(); theirs != "" && own != "" {
		e.SameAddress = by.State.UserID != person.ID && referral.Mailbox(theirs) == referral.Mailbox(own)
	}
	if e.SameOrganization, err = x.shareOrganization(ctx, person.ID, by.State.UserID); err != nil {
		return err
	}
	for name, i := e.ReferrerID, 0; i < maxChain; i++ {
		before, err := load(ctx, x, ref(referral.Aggregate, id.ReferralOf(name.Person())), true)
		if err != nil {
			return err
		}
		if !before.State.Earns() {
			break
		}
		name = before.State.ReferrerID
		if name == id.ReferrerOf(person.ID) {
			e.Loop = true
			break
		}
	}
	return nil
}

// shareOrganization tells whether two people are members of one organization.
func (x *executor) shareOrganization(ctx context.Context, a, b id.User) (bool, error) {
	if a == b {
		return false, nil
	}
	ofA, err := x.memberships.OrganizationsOf(ctx, a)
	if err != nil || len(ofA) == 0 {
		return false, err
	}
	ofB, err := x.memberships.OrganizationsOf(ctx, b)
	return slices.ContainsFunc(ofA, func(o id.Organization) bool { return slices.Contains(ofB, o) }), err
}

// ClickOf is a click as a registration takes it.
func ClickOf(name string, link click.Link, at time.Time, rule int) *user.Click {
	return &user.Click{ID: name, ReferrerID: link.ReferrerID, CampaignID: link.CampaignID, At: at, RuleVersion: rule}
}
