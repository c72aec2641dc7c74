package exporter_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/exporter"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/referral"
	"github.com/perfectworks/backend/domain/referrer"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/projections/apikeys"
	"github.com/perfectworks/backend/projections/erasures"
	"github.com/perfectworks/backend/projections/files"
)

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// logs are streams in memory.
type logs map[string][]event.Recorded

func (l logs) events(_ context.Context, stream string) iter.Seq2[event.Recorded, error] {
	return func(yield func(event.Recorded, error) bool) {
		for i, r := range l[stream] {
			r.Revision = event.Revision(i)
			if !yield(r, nil) {
				return
			}
		}
	}
}

func by(actor id.User, e event.Event) event.Recorded {
	return event.Recorded{Event: e, Time: at, Metadata: event.Metadata{
		ActorUserID: string(actor), ClientAddress: personal.New("address of " + string(actor)), UserAgent: personal.New("agent"),
	}}
}

func newExporter(l logs) *exporter.Exporter {
	return &exporter.Exporter{
		Events: l.events,
		Traces: erasures.Queries{
			OrganizationsOf: func(context.Context, id.User) ([]id.Organization, error) { return []id.Organization{"org_1"}, nil },
			InvitationsOf: func(context.Context, id.User) ([]erasures.Invitation, error) {
				return []erasures.Invitation{{ID: "inv_1", OrganizationID: "org_2"}}, nil
			},
		},
		Keys: apikeys.Queries{
			OwnedBy:        func(context.Context, id.User, id.Organization) ([]apikeys.Owned, error) { return nil, nil },
			InOrganization: func(context.Context, id.Organization) ([]id.APIKey, error) { return nil, nil },
		},
		CampaignsOf: func(context.Context, id.Referrer) ([]id.Campaign, error) { return []id.Campaign{"cmp_1"}, nil },
		Files: files.Queries{
			InOrganization: func(context.Context, id.Organization) ([]id.File, error) { return []id.File{"file_1"}, nil },
		},
	}
}

// What is about a person or done by them is theirs; the rest of an organization,
// and how others came there, is not.
func TestWhatIsAPersons(t *testing.T) {
	t.Parallel()
	join := func(person id.User) organization.MemberJoined {
		return organization.MemberJoined{OrganizationID: "org_1", UserID: person, Role: access.Member, OccurredAt: at}
	}
	x := newExporter(logs{
		"user-user_1": {by("user_1", user.Registered{
			UserID: "user_1", EmailHash: "hash", SubjectHash: "hash", FirstName: personal.New("Ada"), LastName: personal.Erased(), OccurredAt: at,
		})},
		"organization-org_1": {
			by("user_2", join("user_2")), by("user_2", join("user_1")),
			by("user_1", organization.MemberRemoved{OrganizationID: "org_1", UserID: "user_3", OccurredAt: at}),
		},
		"organization-org_2": {
			by("user_2", organization.MemberInvited{OrganizationID: "org_2", InvitationID: "inv_1", Email: personal.New("a@example.org"), TokenHash: "hash", InvitedBy: "user_2", OccurredAt: at}),
			by("user_2", organization.MemberInvited{OrganizationID: "org_2", InvitationID: "inv_2", Email: personal.New("b@example.org"), InvitedBy: "user_2", OccurredAt: at}),
		},
	})
	var got []string
	for r, err := range x.User(t.Context(), "user_1") {
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal([]any{r.Stream, r.Revision, r.Type, r.Data, r.Metadata["clientAddress"]})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(text))
	}
	want := []string{
		`["user-user_1",0,"UserRegistered",{"emailVerified":false,"firstName":"Ada","lastName":null,"occurredAt":"2026-03-01T12:00:00.000Z","userId":"user_1"},"address of user_1"]`,
		`["organization-org_1",1,"MemberJoined",{"occurredAt":"2026-03-01T12:00:00.000Z","organizationId":"org_1","role":"member","userId":"user_1"},null]`,
		`["organization-org_1",2,"MemberRemoved",{"occurredAt":"2026-03-01T12:00:00.000Z","organizationId":"org_1","userId":"user_3"},"address of user_1"]`,
		`["organization-org_2",0,"MemberInvited",{"email":"a@example.org","expireAt":"0001-01-01T00:00:00.000Z","invitationId":"inv_1","invitedBy":"user_2","occurredAt":"2026-03-01T12:00:00.000Z","organizationId":"org_2","role":""},null]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAnExportEndsWithItsFirstError(t *testing.T) {
	t.Parallel()
	broken := errors.New("the log does not answer")
	x := newExporter(nil)
	x.Events = func(context.Context, string) iter.Seq2[event.Recorded, error] {
		return func(yield func(event.Recorded, error) bool) { yield(event.Recorded{}, broken) }
	}
	for name, records := range map[string]iter.Seq2[exporter.Record, error]{
		"user": x.User(t.Context(), "user_1"), "organization": x.Organization(t.Context(), "org_1"),
	} {
		n := 0
		for _, err := range records {
			if n++; !errors.Is(err, broken) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if n != 1 {
			t.Errorf("%s: %d records", name, n)
		}
	}
}

// What a person did as a referrer, and how they were referred, is in their export.
func TestReferralsAreAPersons(t *testing.T) {
	t.Parallel()
	x := newExporter(logs{
		referral.Aggregate.Stream(id.ReferralOf("user_1")): {by("", referral.Attributed{UserID: "user_1", OccurredAt: at})},
		referrer.Aggregate.Stream(id.ReferrerOf("user_1")): {by("user_1", referrer.Enrolled{UserID: "user_1", OccurredAt: at})},
		campaign.Aggregate.Stream("cmp_1"):                 {by("user_1", campaign.Created{CampaignID: "cmp_1", OccurredAt: at})},
	})
	var got []string
	for r, err := range x.User(t.Context(), "user_1") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Type)
	}
	want := []string{referral.Attributed{}.EventType(), referrer.Enrolled{}.EventType(), campaign.Created{}.EventType()}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The files of an organization are in its export.
func TestFilesAreAnOrganizations(t *testing.T) {
	t.Parallel()
	x := newExporter(logs{"file-file_1": {by("user_1", file.Registered{FileID: "file_1", OrganizationID: "org_1", Filename: personal.New("a.pdf"), OccurredAt: at})}})
	var got []any
	for r, err := range x.Organization(t.Context(), "org_1") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, r.Type, r.Data["filename"])
	}
	if diff := cmp.Diff([]any{"FileRegistered", "a.pdf"}, got); diff != "" {
		t.Error(diff)
	}
}
