package operator_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/operator"
	"github.com/perfectworks/backend/domain/personal"
)

type (
	given    = []event.Event
	then     = []event.Event
	decision = func(operator.State) ([]event.Event, error)
)

var (
	start = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	now   = start.Add(time.Minute)

	issued = operator.BootstrapSecretIssued{SecretHash: "right", ExpireAt: start.Add(time.Hour), OccurredAt: start}
	grace  = operator.SystemUserRegistered{
		SystemUserID: "sysuser_grace", Email: personal.New("grace@op.test"), EmailHash: "grace@op.test",
		Roles: []access.SystemRole{access.SystemAdmin}, Bootstrap: true, OccurredAt: start,
	}
	sam = operator.SystemUserRegistered{
		SystemUserID: "sysuser_sam", Email: personal.New("sam@op.test"), EmailHash: "sam@op.test",
		Roles: []access.SystemRole{access.SystemSupport}, OccurredAt: start,
	}
)

func by(roles ...access.SystemRole) access.Principal {
	return access.Principal{Kind: access.KindSystem, UserID: "sysuser_x", SystemRoles: roles}
}

func registration(email string, roles ...access.SystemRole) operator.Registration {
	return operator.Registration{ID: "sysuser_new", Email: personal.New(email), EmailHash: email, Roles: roles}
}

func made(email string, bootstrap bool, roles ...access.SystemRole) then {
	return then{operator.SystemUserRegistered{
		SystemUserID: "sysuser_new", Email: personal.New(email), EmailHash: email, Roles: roles, Bootstrap: bootstrap, OccurredAt: now,
	}}
}

func TestBootstrap(t *testing.T) {
	t.Parallel()
	bootstrap := func(secret string, at time.Time, roles ...access.SystemRole) decision {
		return func(s operator.State) ([]event.Event, error) {
			return s.Bootstrap(secret, registration("ada@op.test", roles...), at)
		}
	}
	issue := func(s operator.State) ([]event.Event, error) { return s.IssueBootstrapSecret("new", now) }
	reissued := operator.BootstrapSecretIssued{SecretHash: "new", ExpireAt: now.Add(time.Hour), OccurredAt: now}
	domaintest.Run(t, operator.Apply, []domaintest.Case[operator.State]{
		{Name: "a secret is issued", When: issue, Then: then{reissued}},
		{Name: "a later one replaces it", Given: given{issued}, When: issue, Then: then{reissued}},
		{Name: "none once there was a system user", Given: given{issued, grace}, When: issue, Fails: operator.ErrBegun},
		{
			Name:  "none when all have gone",
			Given: given{issued, grace, operator.SystemUserRemoved{SystemUserID: "sysuser_grace"}}, When: issue, Fails: operator.ErrBegun,
		},
		{
			Name: "the secret makes an admin", Given: given{issued}, When: bootstrap("right", now, access.SystemAdmin),
			Then: made("ada@op.test", true, access.SystemAdmin),
		},
		{
			Name: "the first must be an admin", Given: given{issued}, When: bootstrap("right", now, access.SystemSupport),
			Fails: domaintest.Invalid, Fields: []string{"roles"},
		},
		{Name: "a wrong secret", Given: given{issued}, When: bootstrap("wrong", now, access.SystemAdmin), Fails: operator.ErrSecretUnknown},
		{Name: "no secret", When: bootstrap("right", now, access.SystemAdmin), Fails: operator.ErrSecretUnknown},
		{Name: "an empty secret", When: bootstrap("", now, access.SystemAdmin), Fails: operator.ErrSecretUnknown},
		{
			Name: "one that was replaced", Given: given{issued, reissued}, When: bootstrap("right", now, access.SystemAdmin),
			Fails: operator.ErrSecretUnknown,
		},
		{
			Name: "one that has expired", Given: given{issued}, When: bootstrap("right", start.Add(time.Hour), access.SystemAdmin),
			Fails: operator.ErrSecretExpired,
		},
		{
			Name: "one that was used", Given: given{issued, grace}, When: bootstrap("right", now, access.SystemAdmin),
			Fails: operator.ErrSecretUnknown,
		},
	})
}

func TestRegister(t *testing.T) {
	t.Parallel()
	register := func(p access.Principal, email string, roles ...access.SystemRole) decision {
		return func(s operator.State) ([]event.Event, error) {
			return s.Register(p, registration(email, roles...), now)
		}
	}
	admin := by(access.SystemAdmin)
	owner := access.Principal{Kind: access.KindUser, UserID: "user_o", OrganizationID: "org_1", Role: access.Owner}
	domaintest.Run(t, operator.Apply, []domaintest.Case[operator.State]{
		{
			Name: "by an admin", Given: given{grace}, When: register(admin, "ada@op.test", access.SystemSupport, access.SystemFinance, access.SystemSupport),
			Then: made("ada@op.test", false, access.SystemFinance, access.SystemSupport),
		},
		{Name: "not by support", Given: given{grace}, When: register(by(access.SystemSupport), "a@op.test", access.SystemSupport), Fails: access.ErrForbidden},
		{Name: "not by finance", Given: given{grace}, When: register(by(access.SystemFinance), "a@op.test", access.SystemSupport), Fails: access.ErrForbidden},
		{Name: "not by an owner", Given: given{grace}, When: register(owner, "a@op.test", access.SystemSupport), Fails: access.ErrForbidden},
		{Name: "not twice", Given: given{grace, sam}, When: register(admin, "sam@op.test", access.SystemFinance), Fails: operator.ErrRegistered},
		{
			Name:  "again after removal",
			Given: given{grace, sam, operator.SystemUserRemoved{SystemUserID: "sysuser_sam"}},
			When:  register(admin, "sam@op.test", access.SystemFinance), Then: made("sam@op.test", false, access.SystemFinance),
		},
		{
			Name: "needs an address and roles", Given: given{grace}, When: register(admin, ""),
			Fails: domaintest.Invalid, Fields: []string{"email", "roles"},
		},
		{
			Name: "needs good ones", Given: given{grace}, When: register(admin, "nobody", access.SystemAdmin, "king"),
			Fails: domaintest.Invalid, Fields: []string{"email", "roles[1]"},
		},
	})
}

func TestRecognise(t *testing.T) {
	t.Parallel()
	as := func(subject, email string, verified bool) access.Identity {
		return access.Identity{SubjectHash: subject, EmailHash: email, EmailVerified: verified}
	}
	recognise := func(i access.Identity) decision {
		return func(s operator.State) ([]event.Event, error) { return s.Recognise(i, now) }
	}
	bound := operator.SystemUserRecognised{SystemUserID: "sysuser_sam", SubjectHash: "sub-1", OccurredAt: now}
	domaintest.Run(t, operator.Apply, []domaintest.Case[operator.State]{
		{
			Name: "the first to come with the address is bound", Given: given{grace, sam},
			When: recognise(as("sub-1", "sam@op.test", true)), Then: then{bound},
		},
		{Name: "not without verification", Given: given{grace, sam}, When: recognise(as("sub-1", "sam@op.test", false))},
		{Name: "not without a subject", Given: given{grace, sam}, When: recognise(as("", "sam@op.test", true))},
		{Name: "not with another address", Given: given{grace, sam}, When: recognise(as("sub-1", "x@op.test", true))},
		{Name: "not without one", Given: given{grace, sam}, When: recognise(as("sub-1", "", true))},
		{Name: "once", Given: given{grace, sam, bound}, When: recognise(as("sub-1", "sam@op.test", true))},
		{Name: "not somebody else afterwards", Given: given{grace, sam, bound}, When: recognise(as("sub-2", "sam@op.test", true))},
	})
	s := domaintest.Fold(operator.Apply, grace, sam, bound)
	for name, c := range map[string]struct {
		i    access.Identity
		want id.SystemUser
	}{
		"by subject":                    {as("sub-1", "elsewhere@x.test", false), "sysuser_sam"},
		"another subject, same address": {as("sub-2", "sam@op.test", true), ""},
		"by address, before the first":  {as("sub-2", "grace@op.test", true), "sysuser_grace"},
		"the subject goes first":        {as("sub-1", "grace@op.test", true), "sysuser_sam"},
		"nobody":                        {access.Identity{}, ""},
	} {
		if got, ok := s.Known(c.i); got.ID != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q", name, got.ID)
		}
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	remove := func(p access.Principal, name id.SystemUser) decision {
		return func(s operator.State) ([]event.Event, error) { return s.Remove(p, name, now) }
	}
	admin := by(access.SystemAdmin)
	second := grace
	second.SystemUserID, second.EmailHash = "sysuser_second", "second"
	removed := func(name id.SystemUser) then {
		return then{operator.SystemUserRemoved{SystemUserID: name, OccurredAt: now}}
	}
	domaintest.Run(t, operator.Apply, []domaintest.Case[operator.State]{
		{Name: "by an admin", Given: given{grace, sam}, When: remove(admin, "sysuser_sam"), Then: removed("sysuser_sam")},
		{Name: "not by support", Given: given{grace, sam}, When: remove(by(access.SystemSupport), "sysuser_sam"), Fails: access.ErrForbidden},
		{Name: "not the last admin", Given: given{grace, sam}, When: remove(admin, "sysuser_grace"), Fails: operator.ErrAdminRequired},
		{Name: "one of two admins", Given: given{grace, second}, When: remove(admin, "sysuser_grace"), Then: removed("sysuser_grace")},
		{Name: "nobody", Given: given{grace}, When: remove(admin, "sysuser_x"), Fails: operator.ErrNotFound},
	})
	if all := domaintest.Fold(operator.Apply, grace, sam).List(); len(all) != 2 || all[0].ID != "sysuser_grace" {
		t.Errorf("the list is %v", all)
	}
}

func TestTheSecretHidesItself(t *testing.T) {
	t.Parallel()
	s, err := operator.MintSecret(bytes.NewReader(bytes.Repeat([]byte{7}, 32)))
	if err != nil {
		t.Fatal(err)
	}
	text, _ := s.MarshalText()
	for _, shown := range []string{fmt.Sprint(s), fmt.Sprintf("%+v %#v %x %q", s, s, s, s), string(text), s.LogValue().String()} {
		if strings.Contains(shown, s.Reveal()[len("bootstrap_"):]) {
			t.Errorf("it shows: %s", shown)
		}
	}
	if operator.SecretOf(s.Reveal()).HexHash() != s.HexHash() || len(s.HexHash()) != 64 || s.IsZero() || !operator.SecretOf("").IsZero() {
		t.Error("it is not recognised")
	}
	if _, err := operator.MintSecret(bytes.NewReader(nil)); err == nil {
		t.Error("a secret is made of nothing")
	}
}
