package commands

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"sync"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/reservation"
)

// A quota is a number of slots, reserved by the rules of reservations.go: who
// makes something that is counted holds a slot for it, and the quota holds under
// races because no slot has two holders. The stream of what was made names its
// slot, and tells whether it still counts; a slot whose holder does not count any
// more is free, at once and without an event, so that what ends by the clock frees
// its slot by the clock.
//
// The slots of an owner are on pages, each a stream. To take a slot that was never
// taken costs no read, for the process remembers the page and the store checks the
// revision, and one append, which all requests that come together share. Rule 2's
// "at the revision loaded" means here: if the slot was not taken again since.

// Default limits.
const (
	DefaultMaxAPIKeys       = 100
	DefaultMaxOrganizations = 100
	DefaultMaxCampaigns     = 100
)

// Limits are the quotas of each owner. Zero says the default.
type Limits struct {
	// APIKeys bounds the living keys of each owner in each organization.
	APIKeys int
	// Organizations bounds the organizations that a person made and still owns.
	Organizations int
	// Campaigns bounds the campaigns of a referrer that have not ended.
	Campaigns int
}

func (l Limits) withDefaults() Limits {
	if l.APIKeys <= 0 {
		l.APIKeys = DefaultMaxAPIKeys
	}
	if l.Organizations <= 0 {
		l.Organizations = DefaultMaxOrganizations
	}
	if l.Campaigns <= 0 {
		l.Campaigns = DefaultMaxCampaigns
	}
	return l
}

// errSlotTaken is the refusal of one slot: there may be others.
var errSlotTaken = failure.New(failure.Conflict, "SLOT_TAKEN", "this slot is taken")

// quota is the slots of one owner, as one claimant wants them.
type quota struct {
	kind  reservation.Kind
	owner []string
	limit int
	// claimant is the aggregate that takes a slot, of an organization.
	claimant     string
	organization id.Organization
	// counts tells whether a holder still needs slot n, as far as is known
	// without asking the store.
	counts func(ctx context.Context, holder string, n int) (bool, error)
	// yields makes the holder of slot n give it up, if it may, and tells whether it
	// does.
	yields func(ctx context.Context, held reservation.Slot, n int) (bool, error)
	// exceeded is what to say when all slots are taken.
	exceeded error
}

// name tells the quota from others.
func (q quota) name() string { return string(q.kind) + ":" + strings.Join(q.owner, "/") }

// pages is how many pages the slots are on.
func (q quota) pages() int { return reservation.PageOf(q.limit) + 1 }

// slots are the first and the last slot of the quota on a page.
func (q quota) slots(page int) (first, last int) {
	first = page*reservation.SlotsOnPage + 1
	return first, min(first+reservation.SlotsOnPage-1, q.limit)
}

func (q quota) claim(page int) reservation.Claim {
	return reservation.Claim{Kind: q.kind, ValueHash: reservation.SlotsHash(page, q.owner...), OwnerID: q.claimant}
}

// pageOf is the page that a claim is about.
func pageOf(c reservation.Claim) reference[reservation.Slots] {
	return ref(reservation.SlotsAggregate, reservation.IDOf(c.Kind, c.ValueHash))
}

// takeAnySlot takes a slot for the claimant, one that was never taken if there is
// one.
func (x *executor) takeAnySlot(ctx context.Context, req Request, q quota) (slot int, err error) {
	begin := x.slotPages.of(q)
	for i := range q.pages() {
		page := (begin + i) % q.pages()
		c := q.claim(page)
		first, last := q.slots(page)
		_, err := inLine(ctx, x, req, pageOf(c), q.organization, func(s reservation.Slots) (events []event.Event, err error) {
			slot, events, err = s.TakeAny(c, first, last, req.at())
			return events, err
		})
		if !errors.Is(err, reservation.ErrSlotsTaken) {
			x.slotPages.use(q, page)
			return slot, err
		}
	}
	err = x.inSlot(ctx, req, q, func(n int) error {
		slot = n
		return x.takeSlot(ctx, req, q, n)
	})
	return slot, err
}

// inSlot calls try with one slot after another, until it returns anything but
// errSlotTaken; try takes the slot. Free slots come first, in an order that is
// random, so that requests at the same time meet seldom, and the same for the same
// request; then those whose holders seem to need them no more. Slots that look
// taken come last: whether they are is then asked of the store.
func (x *executor) inSlot(ctx context.Context, req Request, q quota, try func(n int) error) error {
	order, err := slotOrder(req, q.limit)
	if err != nil {
		return err
	}
	pages, err := x.slotsOf(ctx, q)
	if err != nil {
		return err
	}
	var others, doubtful []int
	holder := func(n int) string { return pages[reservation.PageOf(n)].Slot(n).OwnerID }
	for _, n := range order {
		if h := holder(n); h != "" && h != q.claimant {
			others = append(others, n)
		} else if err := try(n); !errors.Is(err, errSlotTaken) {
			return err
		}
	}
	for _, n := range others {
		if counts, err := q.counts(ctx, holder(n), n); err != nil {
			return err
		} else if counts {
			doubtful = append(doubtful, n)
		} else if err := try(n); !errors.Is(err, errSlotTaken) {
			return err
		}
	}
	for _, n := range doubtful {
		if err := try(n); !errors.Is(err, errSlotTaken) {
			return err
		}
	}
	return q.exceeded
}

// slotsOf are all pages of a quota, as far as is known without asking the store.
func (x *executor) slotsOf(ctx context.Context, q quota) ([]reservation.Slots, error) {
	pages := make([]reservation.Slots, q.pages())
	for i := range pages {
		page, err := load(ctx, x, pageOf(q.claim(i)), false)
		if err != nil {
			return nil, err
		}
		pages[i] = page.State
	}
	return pages, nil
}

// slotOrder is the order in which a request tries slots.
func slotOrder(req Request, limit int) ([]int, error) {
	var seed [32]byte
	if _, err := io.ReadFull(req.Entropy("slots"), seed[:]); err != nil {
		return nil, err
	}
	order := rand.New(rand.NewChaCha8(seed)).Perm(limit) //nolint:gosec // It spreads requests, and keeps no secret.
	for i := range order {
		order[i]++
	}
	return order, nil
}

// takeSlot takes a certain slot for the claimant. It fails with errSlotTaken if
// somebody else has it.
func (x *executor) takeSlot(ctx context.Context, req Request, q quota, n int) error {
	c := q.claim(reservation.PageOf(n))
	fresh := false // What is cached may be behind: then the slot has changed.
	for range attempts {
		seen, err := load(ctx, x, pageOf(c), fresh)
		if err != nil {
			return err
		}
		held := seen.State.Slot(n)
		if held.OwnerID != "" && held.OwnerID != q.claimant {
			free, err := q.yields(ctx, held, n)
			if err != nil {
				return err
			}
			if !free {
				return errSlotTaken
			}
		}
		_, err = inLine(ctx, x, req, pageOf(c), q.organization, func(s reservation.Slots) ([]event.Event, error) {
			return s.Take(c, n, held, req.at())
		})
		if !errors.Is(err, reservation.ErrSlotChanged) {
			return err
		}
		fresh = true
	}
	return ErrContended
}

// slotClaim is the claim on a certain slot.
type slotClaim struct {
	quota
	slot int
}

func (c slotClaim) hold(ctx context.Context, x *executor, req Request) error {
	return x.takeSlot(ctx, req, c.quota, c.slot)
}

// slotPages remembers for owners with more than one page on which one there were
// free slots.
type slotPages struct {
	mu    sync.Mutex
	pages map[string]int
}

// maxSlotPages bounds the memory of slotPages. What is forgotten is found again.
const maxSlotPages = 4096

func (p *slotPages) of(q quota) int {
	if q.pages() == 1 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pages[q.name()] % q.pages()
}

func (p *slotPages) use(q quota, page int) {
	if q.pages() == 1 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.pages == nil || len(p.pages) >= maxSlotPages {
		p.pages = map[string]int{}
	}
	p.pages[q.name()] = page
}

// keyQuota is the quota of an owner of keys: a person in an organization, or the
// organization itself, for which owner is empty.
func (x *executor) keyQuota(req Request, organizationID id.Organization, owner id.User, keyID id.APIKey) quota {
	return quota{
		kind: reservation.APIKeySlot, owner: []string{string(organizationID), string(owner)}, limit: x.limits.APIKeys,
		claimant: string(keyID), organization: organizationID, exceeded: apikey.ErrLimit,
		counts: func(ctx context.Context, holder string, n int) (bool, error) {
			key, err := load(ctx, x, ref(apikey.Aggregate, id.APIKey(holder)), false)
			return key.State.KeepsSlot(n, keyID, req.at()), err
		},
		yields: func(ctx context.Context, held reservation.Slot, n int) (bool, error) {
			holder := id.APIKey(held.OwnerID)
			return yields(ctx, x, req, holding[apikey.State]{
				of: ref(apikey.Aggregate, holder), organization: organizationID,
				uses: func(s apikey.State) bool {
					if s.ID == "" && s.RevokedAt.IsZero() { // It may be about to begin.
						return !held.Contestable(req.at(), claimGrace)
					}
					return s.KeepsSlot(n, keyID, req.at())
				},
				over:  func(s apikey.State) bool { return s.ID != "" || !s.RevokedAt.IsZero() },
				lapse: apikey.Revoked{KeyID: holder, OccurredAt: req.at()},
			})
		},
	}
}

// organizationQuota is the quota of a person who makes organizations.
func (x *executor) organizationQuota(req Request, owner id.User, organizationID id.Organization) quota {
	return quota{
		kind: reservation.OrganizationSlot, owner: []string{string(owner)}, limit: x.limits.Organizations,
		claimant: string(organizationID), organization: organizationID, exceeded: organization.ErrLimit,
		counts: func(ctx context.Context, holder string, n int) (bool, error) {
			o, err := load(ctx, x, ref(organization.Aggregate, id.Organization(holder)), false)
			return o.State.KeepsSlot(owner, n), err
		},
		yields: func(ctx context.Context, held reservation.Slot, n int) (bool, error) {
			holder := id.Organization(held.OwnerID)
			return yields(ctx, x, req, holding[organization.State]{
				of: ref(organization.Aggregate, holder), organization: holder,
				uses: func(s organization.State) bool {
					if s.ID == "" {
						return !held.Contestable(req.at(), claimGrace)
					}
					return s.KeepsSlot(owner, n)
				},
				over:  func(s organization.State) bool { return s.ID != "" },
				lapse: organization.RegistrationLapsed{OrganizationID: holder, OccurredAt: req.at()},
			})
		},
	}
}

// campaignQuota is the quota of a referrer who creates campaigns.
func (x *executor) campaignQuota(req Request, owner id.Referrer, name id.Campaign) quota {
	return quota{
		kind: reservation.CampaignSlot, owner: []string{string(owner)}, limit: x.limits.Campaigns,
		claimant: string(name), exceeded: campaign.ErrLimit,
		counts: func(ctx context.Context, holder string, n int) (bool, error) {
			c, err := load(ctx, x, ref(campaign.Aggregate, id.Campaign(holder)), false)
			return c.State.KeepsSlot(owner, n, req.at()), err
		},
		yields: func(ctx context.Context, held reservation.Slot, n int) (bool, error) {
			holder := id.Campaign(held.OwnerID)
			return yields(ctx, x, req, holding[campaign.State]{
				of: ref(campaign.Aggregate, holder),
				uses: func(s campaign.State) bool {
					if s.ID == "" { // It may be about to begin.
						return !held.Contestable(req.at(), claimGrace)
					}
					return s.KeepsSlot(owner, n, req.at())
				},
				over:  func(s campaign.State) bool { return s.ID != "" },
				lapse: campaign.CodeLapsed{CampaignID: holder, OccurredAt: req.at()},
			})
		},
	}
}
