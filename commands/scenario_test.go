package commands_test

import (
	"context"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// scenario is a command of several appends, made by one person and wished for,
// too, by a rival.
type scenario struct {
	name    string
	appends int
	// meet is the append that takes what the rival wants too.
	meet int
	// begin prepares the world, and returns the command and the rival's.
	begin func(w *world) (mine, theirs deed)
	// wants are the types of the events that the command, once, makes.
	wants []string
}

// testContext is for what runs on the model, which does not wait.
var testContext = context.Background()

// deed is a command with its request, ready to be run by a process. It answers
// with what identifies its effect.
type deed struct {
	req commands.Request
	run func(*commands.Commands, commands.Request) (any, error)
}

func act[C, R any](req commands.Request, handler func(*commands.Commands) commands.Handler[C, R], c C) deed {
	return deed{req, func(p *commands.Commands, req commands.Request) (any, error) {
		r, err := handler(p)(testContext, req, c)
		return r.Value, err
	}}
}

func toRegister(p *commands.Commands) commands.Handler[commands.RegisterUser, commands.RegisteredUser] {
	return p.RegisterUser
}

func toFollow(p *commands.Commands) commands.Handler[commands.FollowEmail, user.State] {
	return p.FollowEmail
}

func toCreate(p *commands.Commands) commands.Handler[commands.CreateOrganization, commands.CreatedOrganization] {
	return p.CreateOrganization
}

func toUpdate(p *commands.Commands) commands.Handler[commands.UpdateOrganization, organization.State] {
	return p.UpdateOrganization
}

func toPurge(p *commands.Commands) commands.Handler[commands.PurgeOrganization, commands.PurgedOrganization] {
	return p.PurgeOrganization
}

func toRotate(p *commands.Commands) commands.Handler[commands.RotateAPIKey, commands.RotatedAPIKey] {
	return p.RotateAPIKey
}

func toCampaign(p *commands.Commands) commands.Handler[commands.CreateCampaign, campaign.State] {
	return p.CreateCampaign
}

var scenarios = []scenario{
	{
		name: "register", appends: 3, meet: 2,
		begin: func(w *world) (deed, deed) {
			one, other := stranger(unique()), stranger(unique())
			other.Identity.Email, other.Identity.EmailHash = one.Identity.Email, one.Identity.EmailHash
			return act(w.request(one), toRegister, ada()), act(w.request(other), toRegister, ada())
		},
		wants: []string{"ValueReserved", "ValueReserved", "UserRegistered"},
	},
	{
		name: "follow", appends: 3, meet: 1,
		begin: func(w *world) (deed, deed) {
			one, other := w.person(), w.person()
			address := unique() + "@example.org"
			one, other = vouched(one, address, start.Add(time.Second)), vouched(other, address, start.Add(time.Second))
			return act(w.request(one), toFollow, commands.FollowEmail{}), act(w.request(other), toFollow, commands.FollowEmail{})
		},
		wants: []string{"ValueReserved", "UserEmailChanged", "ValueReleased"},
	},
	{
		name: "create", appends: 4, meet: 2,
		begin: func(w *world) (deed, deed) {
			one, other, slug := w.person(), w.person(), unique()
			return act(w.request(one), toCreate, slugged(slug)), act(w.request(other), toCreate, slugged(slug))
		},
		wants: []string{"ValueReserved", "ValueReserved", "OrganizationRegistered", "MemberJoined", "ActiveOrganizationSwitched"},
	},
	{
		name: "move", appends: 3, meet: 1,
		begin: func(w *world) (deed, deed) {
			one, _ := w.organization()
			other, _ := w.organization()
			slug := unique()
			return act(w.request(one), toUpdate, moved(slug)), act(w.request(other), toUpdate, moved(slug))
		},
		wants: []string{"ValueReserved", "OrganizationSlugChanged", "ValueReleased"},
	},
	{
		name: "purge", appends: 4, meet: 1,
		begin: func(w *world) (deed, deed) {
			owner, o := w.organization()
			other := w.member(o.ID, access.Owner)
			w.delete(owner, o)
			c := commands.PurgeOrganization{OrganizationID: o.ID, ConfirmSlug: o.Slug}
			return act(w.request(owner), toPurge, c), act(w.request(other), toPurge, c)
		},
		wants: []string{"OrganizationPurged", "ValueReleased", "ErasureBegun", "ErasureCompleted"},
	},
	{
		name: "rotate", appends: 3, meet: 2,
		begin: func(w *world) (deed, deed) {
			owner, o := w.organization()
			admin := w.member(o.ID, access.Admin)
			key := w.key(owner, ofOrganization)
			c := commands.RotateAPIKey{KeyID: key.ID}
			return act(w.request(owner), toRotate, c), act(w.request(admin), toRotate, c)
		},
		wants: []string{"ValueReserved", "ApiKeyRotated", "ApiKeyIssued"},
	},
	{
		name: "campaign", appends: 3, meet: 2,
		begin: func(w *world) (deed, deed) {
			one, other := w.person(), w.person()
			for _, p := range []access.Principal{one, other} {
				must(w.EnrolReferrer(w.Context(), w.request(p), commands.EnrolReferrer{TermsAccepted: true})).in(w)
			}
			c := commands.CreateCampaign{Name: "a", Code: "c" + unique()}
			return act(w.request(one), toCampaign, c), act(w.request(other), toCampaign, c)
		},
		wants: []string{"ValueReserved", "ValueReserved", "CampaignCreated"},
	},
}
