package httpapi

import (
	"context"
	"net/http"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/operator"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/user"
)

const (
	// headerBootstrap holds the bootstrap secret.
	headerBootstrap = "X-Bootstrap-Secret"
	// bootstrap names whoever has it, in events and as a caller.
	bootstrap = "bootstrap"
)

// SystemUser is a person who works for the operator.
type SystemUser struct {
	ID        string   `json:"id" example:"sysuser_01jd9z3q5we8x9v6m2k4t7r1b9"`
	Email     string   `json:"email" example:"grace@operator.example"`
	Roles     []string `json:"roles" doc:"admin, finance, support." example:"support"`
	Status    string   `json:"status" enum:"pending,active" doc:"Pending until the person comes with a token that vouches for the address." example:"pending"`
	CreatedAt Time     `json:"createdAt"`
}

func systemUserOf(u operator.User) SystemUser {
	s := SystemUser{
		ID: string(u.ID), Email: u.Email.Reveal(), Roles: make([]string, len(u.Roles)), Status: "pending", CreatedAt: Time{u.RegisteredAt},
	}
	for i, role := range u.Roles {
		s.Roles[i] = string(role)
	}
	if u.SubjectHash != "" {
		s.Status = "active"
	}
	return s
}

// SystemUsers is the list of them.
type SystemUsers struct {
	Items []SystemUser `json:"items"`
}

// RemovedSystemUser is one who was removed.
type RemovedSystemUser struct {
	ID string `json:"id" example:"sysuser_01jd9z3q5we8x9v6m2k4t7r1b9"`
}

var tagAdmin = tag{"Administration", "For those who work for the operator."}

func (a *API) registerSystemUsers() {
	manage := permitted(access.ManageSystemUsers)
	register(a, operation{
		id: "registerSystemUser", method: http.MethodPost, path: "/users/system", tag: tagUsers,
		summary: "Register system user",
		description: "For system admins. The person acts as a system user as soon as they come with a token of the identity provider that has " +
			"the address verified; from then on that token's subject counts, and not the address. They name the organization to act in " +
			"with `X-Organization-Id`. The first system user is registered with the secret that `perfectworks admin bootstrap` prints, " +
			"in the header `X-Bootstrap-Secret` and without other credentials.",
		authorization: manage.orBootstrap(), status: http.StatusCreated, message: "the system user was registered",
		fails: []error{
			operator.ErrRegistered, user.ErrEmailTaken, operator.ErrSecretUnknown, operator.ErrSecretExpired, operator.ErrNotFound,
		},
	}, a.registerSystemUser)
	register(a, operation{
		id: "listSystemUsers", method: http.MethodGet, path: "/admin/system-users", tag: tagAdmin, hidden: true,
		summary: "List system users", authorization: manage, message: "the system users",
	}, a.listSystemUsers)
	register(a, operation{
		id: "removeSystemUser", method: http.MethodDelete, path: "/admin/system-users/{id}", tag: tagAdmin, hidden: true,
		summary: "Remove system user", authorization: manage, message: "the system user was removed",
		fails: []error{operator.ErrNotFound, operator.ErrAdminRequired},
	}, a.removeSystemUser)
}

type registerSystemUserInput struct {
	Secret string `header:"X-Bootstrap-Secret" doc:"The one-time secret for the first system user." example:"bootstrap_3yWq0yT6g1bXn4mZr8sKc5dLh2fPv7aJe9uQiOxNtBw"`
	Body   struct {
		Email string   `json:"email" maxLength:"254" example:"grace@operator.example"`
		Roles []string `json:"roles" maxItems:"10" doc:"admin, finance, support." example:"support"`
	} `nameHint:"NewSystemUser"`
}

func (a *API) registerSystemUser(ctx context.Context, x *exchange, in *registerSystemUserInput) (reply[SystemUser], error) {
	c := commands.RegisterSystemUser{Email: personal.New(in.Body.Email)}
	for _, role := range in.Body.Roles {
		c.Roles = append(c.Roles, access.SystemRole(role))
	}
	if x.principal.Kind == access.KindPolicy { // See identify: the header is there.
		c.Secret = operator.SecretOf(in.Secret)
	}
	result, err := a.commands.RegisterSystemUser(ctx, a.command(ctx, x), c)
	if err != nil {
		return reply[SystemUser]{}, err
	}
	return reply[SystemUser]{data: systemUserOf(result.Value), position: result.Position}, nil
}

func (a *API) listSystemUsers(ctx context.Context, x *exchange, _ *struct{}) (reply[SystemUsers], error) {
	result, err := a.commands.ListSystemUsers(ctx, a.command(ctx, x), commands.ListSystemUsers{})
	if err != nil {
		return reply[SystemUsers]{}, err
	}
	all := SystemUsers{Items: make([]SystemUser, len(result.Value))}
	for i, u := range result.Value {
		all.Items[i] = systemUserOf(u)
	}
	return reply[SystemUsers]{data: all}, nil
}

type systemUserInput struct {
	ID string `path:"id" example:"sysuser_01jd9z3q5we8x9v6m2k4t7r1b9"`
}

func (a *API) removeSystemUser(ctx context.Context, x *exchange, in *systemUserInput) (reply[RemovedSystemUser], error) {
	result, err := a.commands.RemoveSystemUser(ctx, a.command(ctx, x), commands.RemoveSystemUser{SystemUserID: id.SystemUser(in.ID)})
	if err != nil {
		return reply[RemovedSystemUser]{}, err
	}
	return reply[RemovedSystemUser]{data: RemovedSystemUser{ID: in.ID}, position: result.Position}, nil
}
