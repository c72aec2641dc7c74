// Package exporter collects what is stored about a person or an organization,
// in the clear, for themselves: the right of access and of portability.
package exporter

import (
	"context"
	"iter"
	"reflect"
	"slices"
	"time"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/referral"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/apikeys"
	"github.com/perfectworks/backend/projections/erasures"
	"github.com/perfectworks/backend/projections/files"
)

// Record is a stored event.
type Record struct {
	Stream   string
	Revision event.Revision
	Type     string
	At       time.Time
	// Data and Metadata are the event's fields by their stored names. Texts that
	// were erased are null. Hashes by which secrets are recognized are left out.
	Data     map[string]any
	Metadata map[string]any
}

// Exporter reads the event log. It is safe for concurrent use.
type Exporter struct {
	// Events returns the events of a stream in their order.
	Events func(ctx context.Context, stream string) iter.Seq2[event.Recorded, error]
	// Traces finds a person's organizations and invitations, and Keys the API keys.
	Traces erasures.Queries
	Keys   apikeys.Queries
	// CampaignsOf finds the campaigns of a referrer.
	CampaignsOf func(context.Context, id.Referrer) ([]id.Campaign, error)
	// Files finds the files of an organization.
	Files files.Queries
}

// User returns what is stored about a person: their account, their API keys, what
// was recorded of them as a referrer and as a person who was referred, and what in
// organizations is about them or was done by them. Addresses and agents
// of other people are left out.
func (x *Exporter) User(ctx context.Context, person id.User) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		keys, err := x.Keys.OwnedBy(ctx, person, "")
		if err != nil {
			yield(Record{}, err)
			return
		}
		organizations, err := x.Traces.OrganizationsOf(ctx, person)
		if err != nil {
			yield(Record{}, err)
			return
		}
		invitations, err := x.Traces.InvitationsOf(ctx, person)
		if err != nil {
			yield(Record{}, err)
			return
		}
		theirs := []string{string(person)}
		for _, i := range invitations {
			theirs = append(theirs, string(i.ID))
			if !slices.Contains(organizations, i.OrganizationID) {
				organizations = append(organizations, i.OrganizationID)
			}
		}
		campaigns, err := x.CampaignsOf(ctx, id.ReferrerOf(person))
		if err != nil {
			yield(Record{}, err)
			return
		}
		streams := []string{
			user.Aggregate.Stream(person), referral.Aggregate.Stream(id.ReferralOf(person)),
			referrer.Aggregate.Stream(id.ReferrerOf(person)),
		}
		for _, c := range campaigns {
			streams = append(streams, campaign.Aggregate.Stream(c))
		}
		for _, key := range keys {
			streams = append(streams, apikey.Aggregate.Stream(key.ID))
		}
		own := func(r event.Recorded) event.Metadata {
			if r.Metadata.ActorUserID != string(person) {
				return impersonal(r.Metadata)
			}
			return r.Metadata
		}
		if !x.emit(ctx, streams, everything, own, yield) {
			return
		}
		streams = streams[:0]
		for _, o := range organizations {
			streams = append(streams, organization.Aggregate.Stream(o))
		}
		x.emit(ctx, streams, func(r event.Recorded) bool {
			return r.Metadata.ActorUserID == string(person) || names(reflect.ValueOf(r.Event), theirs)
		}, own, yield)
	}
}

// Organization returns what is stored about an organization: its own record with
// members and invitations, its API keys and those of its members, its tokens, and
// what is recorded of its files.
// Addresses and agents of the people who acted are left out: they are in the
// audit log for as long as they are kept.
func (x *Exporter) Organization(ctx context.Context, name id.Organization) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		keys, err := x.Keys.InOrganization(ctx, name)
		if err != nil {
			yield(Record{}, err)
			return
		}
		all, err := x.Files.InOrganization(ctx, name)
		if err != nil {
			yield(Record{}, err)
			return
		}
		streams := []string{organization.Aggregate.Stream(name), tokenaccount.Aggregate.Stream(tokenaccount.ID(name))}
		for _, key := range keys {
			streams = append(streams, apikey.Aggregate.Stream(key))
		}
		for _, one := range all {
			streams = append(streams, file.Aggregate.Stream(one))
		}
		x.emit(ctx, streams, everything, func(r event.Recorded) event.Metadata { return impersonal(r.Metadata) }, yield)
	}
}

func everything(event.Recorded) bool { return true }

func impersonal(m event.Metadata) event.Metadata {
	zero := event.Metadata{}
	m.ClientAddress, m.UserAgent = zero.ClientAddress, zero.UserAgent
	return m
}

// emit yields the events of streams that are wanted. It returns false when
// nothing is to follow.
func (x *Exporter) emit(
	ctx context.Context, streams []string, wanted func(event.Recorded) bool,
	metadata func(event.Recorded) event.Metadata, yield func(Record, error) bool,
) bool {
	for _, stream := range streams {
		for r, err := range x.Events(ctx, stream) {
			if err != nil {
				yield(Record{}, err)
				return false
			}
			if !wanted(r) {
				continue
			}
			record := Record{
				Stream: stream, Revision: r.Revision, Type: r.Event.EventType(), At: r.Time.UTC(),
				Data: plain(reflect.ValueOf(r.Event)), Metadata: plain(reflect.ValueOf(metadata(r))),
			}
			if !yield(record, nil) {
				return false
			}
		}
	}
	return true
}

// names reports whether one of an event's ids is among those given.
func names(e reflect.Value, ids []string) bool {
	for i := range e.NumField() {
		if f := e.Field(i); f.Kind() == reflect.String && slices.Contains(ids, f.String()) {
			return true
		}
	}
	return false
}
