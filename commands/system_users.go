package commands

import (
	"context"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/operator"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/refusal"
	"github.com/perfectworks/backend/domain/user"
)

// SystemUserCommands are the use cases of those who work for the operator.
type SystemUserCommands struct {
	IssueBootstrapSecret Handler[IssueBootstrapSecret, BootstrapSecret]
	RegisterSystemUser   Handler[RegisterSystemUser, operator.User]
	RemoveSystemUser     Handler[RemoveSystemUser, operator.State]
	// RecogniseSystemUser and ListSystemUsers only look, but for the first time
	// that somebody comes.
	RecogniseSystemUser Handler[RecogniseSystemUser, operator.User]
	ListSystemUsers     Handler[ListSystemUsers, []operator.User]

	RecordRefusals Handler[RecordRefusals, refusal.State]
}

// IssueBootstrapSecret replaces the secret by which the first system user is
// registered. It fails with operator.ErrBegun once there was one.
type IssueBootstrapSecret struct{}

// BootstrapSecret is shown once, to the person at the command line.
type BootstrapSecret struct {
	Secret operator.Secret
	State  operator.State
}

// RegisterSystemUser registers a person who works for the operator. With the
// bootstrap secret it registers the first one, on behalf of whoever has it; else
// a system admin must ask. It fails with operator.ErrRegistered when the address
// has a system user, and with user.ErrEmailTaken when it is verified for an
// account: a system user has none.
type RegisterSystemUser struct {
	Email  personal.Text
	Roles  []access.SystemRole
	Secret operator.Secret
}

// RemoveSystemUser ends what a system user may do. It fails with
// operator.ErrAdminRequired for the last admin.
type RemoveSystemUser struct {
	SystemUserID id.SystemUser
}

// RecogniseSystemUser finds the system user for whom the request's identity
// speaks, and binds the identity's subject to one who comes for the first time.
// It fails with operator.ErrNotFound when there is none.
type RecogniseSystemUser struct{}

// ListSystemUsers lists the system users in the order of registration.
type ListSystemUsers struct{}

func (x *executor) systemUserCommands(o Observer) SystemUserCommands {
	return SystemUserCommands{
		IssueBootstrapSecret: observed(o, "IssueBootstrapSecret", x.issueBootstrapSecret),
		RegisterSystemUser:   observed(o, "RegisterSystemUser", x.registerSystemUser),
		RemoveSystemUser:     observed(o, "RemoveSystemUser", x.removeSystemUser),
		// Asked for each stranger: to be counted as a command it would have to be one.
		RecogniseSystemUser: x.recogniseSystemUser,
		ListSystemUsers:     observed(o, "ListSystemUsers", x.listSystemUsers),

		RecordRefusals: observed(o, "RecordRefusals", x.recordRefusals),
	}
}

func operators() reference[operator.State] { return ref(operator.Aggregate, operator.Operators) }

func (x *executor) issueBootstrapSecret(ctx context.Context, req Request, _ IssueBootstrapSecret) (Result[BootstrapSecret], error) {
	if err := req.Principal.Require(access.ManageSystemUsers); err != nil {
		return Result[BootstrapSecret]{}, err
	}
	secret, err := operator.MintSecret(req.Entropy("bootstrap secret"))
	if err != nil {
		return Result[BootstrapSecret]{}, err
	}
	o, err := execute(ctx, x, req, change[operator.State]{
		of: operators(),
		decide: func(s operator.State) ([]event.Event, error) {
			return s.IssueBootstrapSecret(secret.HexHash(), req.at())
		},
	})
	if err != nil {
		return Result[BootstrapSecret]{}, err
	}
	return Result[BootstrapSecret]{
		Value: BootstrapSecret{Secret: secret, State: o.State}, Revision: o.Revision, Position: o.Position,
	}, nil
}

func (x *executor) registerSystemUser(ctx context.Context, req Request, c RegisterSystemUser) (Result[operator.User], error) {
	name, err := id.New[id.SystemUser](req.IDs())
	if err != nil {
		return Result[operator.User]{}, err
	}
	r := operator.Registration{
		ID: name, Email: c.Email, EmailHash: x.secrets.EmailHash(c.Email.Reveal()), Roles: c.Roles,
	}
	decide := func(s operator.State) ([]event.Event, error) {
		if !c.Secret.IsZero() {
			return s.Bootstrap(c.Secret.HexHash(), r, req.at())
		}
		return s.Register(req.Principal, r, req.at())
	}
	o, err := execute(ctx, x, req, change[operator.State]{
		of: operators(),
		decide: func(s operator.State) ([]event.Event, error) {
			// Whoever may not ask learns nothing of the address.
			events, err := decide(s)
			if err != nil {
				return nil, err
			}
			holder, err := x.emailHolder(ctx, r.EmailHash)
			if err == nil && holder != "" {
				err = user.ErrEmailTaken
			}
			return events, err
		},
	})
	if err != nil {
		return Result[operator.User]{}, err
	}
	registered, ok := o.State.Users[name]
	if !ok { // removed since an earlier attempt
		return Result[operator.User]{}, operator.ErrNotFound
	}
	return Result[operator.User]{Value: registered, Revision: o.Revision, Position: o.Position}, nil
}

func (x *executor) removeSystemUser(ctx context.Context, req Request, c RemoveSystemUser) (Result[operator.State], error) {
	return resultOf(execute(ctx, x, req, change[operator.State]{
		of: operators(),
		decide: func(s operator.State) ([]event.Event, error) {
			return s.Remove(req.Principal, c.SystemUserID, req.at())
		},
	}))
}

func (x *executor) recogniseSystemUser(ctx context.Context, req Request, _ RecogniseSystemUser) (Result[operator.User], error) {
	o, err := load(ctx, x, operators(), true)
	if err != nil {
		return Result[operator.User]{}, err
	}
	u, ok := o.State.Known(req.Principal.Identity)
	if ok && u.SubjectHash == "" {
		identity := req.Principal.Identity
		req.Principal = access.Principal{Kind: access.KindSystem, UserID: id.User(u.ID)} // It is they who act.
		o, err = execute(ctx, x, req, change[operator.State]{
			of:     operators(),
			decide: func(s operator.State) ([]event.Event, error) { return s.Recognise(identity, req.at()) },
		})
		if err != nil {
			return Result[operator.User]{}, err
		}
		u, ok = o.State.Known(identity)
	}
	if !ok {
		return Result[operator.User]{}, operator.ErrNotFound
	}
	return Result[operator.User]{Value: u, Revision: o.Revision, Position: o.Position}, nil
}

func (x *executor) listSystemUsers(ctx context.Context, req Request, _ ListSystemUsers) (Result[[]operator.User], error) {
	if err := req.Principal.Require(access.ManageSystemUsers); err != nil {
		return Result[[]operator.User]{}, err
	}
	o, err := load(ctx, x, operators(), true)
	if err != nil {
		return Result[[]operator.User]{}, err
	}
	return Result[[]operator.User]{Value: o.State.List(), Revision: o.Revision, Position: o.Position}, nil
}
