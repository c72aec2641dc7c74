package httpapi_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/httpapi"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

// permissionTable says who may call what: an x for those who are let in, a dot
// for all others. Whether a thing exists, and whether an act is allowed on this
// one thing, is another question. It is written by the contract, not by the code.
// Each operation has a row. What is done to a member is done to somebody else:
// everybody may leave.
//
//	o a b m v   token of an owner, admin, billing, member, viewer
//	s           token of a person without an organization
//	u           token of somebody without an account
//	K k         key of an owner with all scopes, with profile:read only
//	O o         key of the organization with all scopes, with files:read only
//	A F S       token of a system admin, of finance, of support, in the organization
//	d           token of a person whose account is deactivated
//	r           token of a person who was removed from the organization
//	l           token of the owner of a deleted organization, and
//	L           its key
const permissionTable = `
                                                       o a b m v  s u  K k O o  A F S  d r l L
GET    /organizations                                  x x x x x  x .  x . . .  . . .  . x x .
POST   /organizations                                  x x x x x  x .  . . . .  . . .  . x x .
GET    /organizations/current                          x x x x x  . .  x . x .  x x x  . . . .
PUT    /organizations/current                          x x . . .  . .  . . . .  x . .  . . . .
DELETE /organizations/current                          x . . . .  . .  . . . .  x . .  . . . .
GET    /organizations/current/statistics               x x x x x  . .  x . x .  x x x  . . . .
GET    /organizations/current/export                   x . . . .  . .  . . . .  . . .  . . . .
GET    /organizations/slug/{slug}                      x x x x x  x x  x x x x  x x x  x x x x
POST   /organizations/{organizationId}/restore         x . . . .  . .  . . . .  x . .  . . x .
DELETE /organizations/{organizationId}/permanent       x . . . .  . .  . . . .  x . .  . . x .

GET    /organization-members                           x x x x x  . .  x . x .  x x x  . . . .
POST   /organization-members                           x x . . .  . .  . . . .  x . .  . . . .
GET    /organization-members/invitations               x x x x x  x .  . . . .  . . .  . x x .
GET    /organization-members/{memberId}                x x x x x  . .  x . x .  x x x  . . . .
PUT    /organization-members/{memberId}                x x . . .  . .  . . . .  x . .  . . . .
DELETE /organization-members/{memberId}                x x . . .  . .  . . . .  x . .  . . . .
POST   /organization-members/join                      x x x x x  x .  . . . .  . . .  . x x .

POST   /api-keys                                       x x . x .  . .  . . . .  . . .  . . . .
GET    /api-keys                                       x x . x .  . .  . . . .  . . .  . . . .
GET    /api-keys/{id}                                  x x . x .  . .  . . . .  . . .  . . . .
PUT    /api-keys/{id}                                  x x . x .  . .  . . . .  . . .  . . . .
DELETE /api-keys/{id}                                  x x . x .  . .  . . . .  . . .  . . . .
POST   /api-keys/{id}/rotate                           x x . x .  . .  . . . .  . . .  . . . .

POST   /users/client                                   x x x x x  x x  . . . .  . . .  . x x .
POST   /users/system                                   . . . . .  . .  . . . .  x . .  . . . .
GET    /users/profile                                  x x x x x  x .  x x . .  . . .  . x x .
GET    /users/profile/export                           x x x x x  x .  . . . .  . . .  x x x .
PUT    /users/profile                                  x x x x x  x .  . . . .  . . .  . x x .
DELETE /users/profile                                  x x x x x  x .  . . . .  . . .  x x x .
POST   /users/restore                                  x x x x x  x .  . . . .  . . .  x x x .
DELETE /users/{userId}/permanent                       x x x x x  x .  . . . .  x . .  x x x .
GET    /users/active-organization                      x x x x x  x .  x x . .  . . .  . x x .
PUT    /users/active-organization                      x x x x x  x .  . . . .  . . .  . x x .

GET    /token-transactions                             x x x x x  . .  x . x .  . x x  . . . .
GET    /token-transactions/{id}                        x x x x x  . .  x . x .  . x x  . . . .
GET    /token-transactions/balance                     x x x x x  . .  x . x .  . x x  . . . .
GET    /token-transactions/statement                   x x x . x  . .  x . x .  . x x  . . . .
GET    /token-transactions/statement-keys              x x x x x  x x  x x x x  x x x  x x x x

POST   /payments/checkout-session                      x x x . .  . .  . . x .  . . .  . . . .
GET    /payments/checkout-session/{sessionId}          x x x x x  . .  x . x .  x x x  . . . .
GET    /payments/products                              x x x x x  x x  x x x x  x x x  x x x x
POST   /payments/webhooks/stripe                       x x x x x  x x  x x x x  x x x  x x x x

POST   /referrers                                      x x x x x  x .  . . . .  . . .  . x x .
GET    /referrers/profile                              x x x x x  x .  . . . .  . . .  . x x .
GET    /referrer-transactions                          x x x x x  x .  . . . .  . . .  . x x .
GET    /referrer-transactions/{id}                     x x x x x  x .  . . . .  . . .  . x x .
POST   /referrer-transactions/withdrawal               x x x x x  x .  . . . .  . . .  . x x .
POST   /referrer-campaigns                             x x x x x  x .  . . . .  . . .  . x x .
GET    /referrer-campaigns                             x x x x x  x .  . . . .  . . .  . x x .
GET    /referrers/dashboard                            x x x x x  x .  . . . .  . . .  . x x .
GET    /referrer-campaigns/{id}/analytics              x x x x x  x .  . . . .  . . .  . x x .
GET    /referrer-transactions/{id}/explain             x x x x x  x .  . . . .  . . .  . x x .
GET    /referrer-campaigns/{id}                        x x x x x  x .  . . . .  . . .  . x x .
PUT    /referrer-campaigns/{id}                        x x x x x  x .  . . . .  . . .  . x x .
POST   /referrer-campaigns/{id}/end                    x x x x x  x .  . . . .  . . .  . x x .
POST   /files/upload-url                               x x . x .  . .  x . x .  . . .  . . . .
POST   /files                                          x x . x .  . .  x . x .  . . .  . . . .
GET    /files                                          x x . x x  . .  x . x x  x x x  . . . .
GET    /files/{fileId}                                 x x . x x  . .  x . x x  x x x  . . . .
PUT    /files/{fileId}                                 x x . x .  . .  x . x .  . . .  . . . .
DELETE /files/{fileId}                                 x x . x .  . .  x . x .  . . .  . . . .
POST   /files/{fileId}/download-url                    x x . x x  . .  x . x x  . . .  . . . .
POST   /files/{fileId}/analysis                        x x . x .  . .  x . x .  . . .  . . . .
POST   /files/{fileId}/accessibility                   x x . x .  . .  x . x .  . . .  . . . .
POST   /files/{fileId}/conversion                      x x . x .  . .  x . x .  . . .  . . . .
GET    /files/{fileId}/receipt                         x x . x x  . .  x . x x  x x x  . . . .
GET    /jobs/{id}                                      x x . x x  . .  x . x x  x x x  . . . .
GET    /jobs/{id}/events                               x x . x x  . .  x . x x  x x x  . . . .
DELETE /jobs/{id}                                      x x . x .  . .  x . x .  . . .  . . . .

GET    /audit-logs                                     x x . . .  . .  . . x .  x x x  . . . .
POST   /admin/tokens/adjust                            . . . . .  . .  . . . .  . x .  . . . .
GET    /admin/payments                                 . . . . .  . .  . . . .  . x .  . . . .
GET    /admin/payments/{id}                            . . . . .  . .  . . . .  . x .  . . . .
POST   /admin/payments/{id}/refund                     . . . . .  . .  . . . .  . x .  . . . .
POST   /admin/payments/{id}/release                    . . . . .  . .  . . . .  . x .  . . . .
POST   /admin/payments/{id}/reject                     . . . . .  . .  . . . .  . x .  . . . .
GET    /admin/system-users                             . . . . .  . .  . . . .  x . .  . . . .
DELETE /admin/system-users/{id}                        . . . . .  . .  . . . .  x . .  . . . .
GET    /referral-links/{code}                          x x x x x  x x  x x x x  x x x  x x x x
GET    /admin/payouts                                  . . . . .  . .  . . . .  . x .  . . . .
POST   /admin/payouts/{id}/approve                     . . . . .  . .  . . . .  . x .  . . . .
POST   /admin/payouts/{id}/reject                      . . . . .  . .  . . . .  . x .  . . . .
POST   /admin/payouts/{id}/send                        . . . . .  . .  . . . .  . x .  . . . .
POST   /admin/payouts/{id}/result                      . . . . .  . .  . . . .  . x .  . . . .
POST   /admin/referrers/{id}/suspend                   . . . . .  . .  . . . .  . x .  . . . .
POST   /admin/referrers/{id}/reinstate                 . . . . .  . .  . . . .  . x .  . . . .
GET    /admin/projections                              . . . . .  . .  . . . .  x . x  . . . .
GET    /admin/projections/{name}                       . . . . .  . .  . . . .  x . x  . . . .
POST   /admin/projections/rebuild                      . . . . .  . .  . . . .  x . .  . . . .
GET    /admin/projections/{name}/rebuild               . . . . .  . .  . . . .  x . x  . . . .
GET    /admin/projections/{name}/rebuild/changes       . . . . .  . .  . . . .  x . x  . . . .
POST   /admin/projections/{name}/rebuild/confirm       . . . . .  . .  . . . .  x . .  . . . .
POST   /admin/projections/{name}/rebuild/cancel        . . . . .  . .  . . . .  x . .  . . . .
POST   /admin/projections/{name}/rollback              . . . . .  . .  . . . .  x . .  . . . .
POST   /admin/projections/prune                        . . . . .  . .  . . . .  x . .  . . . .
POST   /admin/projections/{name}/verify                . . . . .  . .  . . . .  x . .  . . . .
GET    /admin/projections/{name}/verification          . . . . .  . .  . . . .  x . x  . . . .
GET    /admin/projections/{name}/parked                . . . . .  . .  . . . .  x . x  . . . .
GET    /admin/projections/{name}/parked/{stream}       . . . . .  . .  . . . .  x . x  . . . .
POST   /admin/projections/{name}/parked/{stream}/reveal  . . . . .  . .  . . . .  x . .  . . . .
POST   /admin/projections/{name}/parked/{stream}/retry . . . . .  . .  . . . .  x . .  . . . .
POST   /admin/projections/{name}/parked/{stream}/skip  . . . . .  . .  . . . .  x . .  . . . .
`

// shutOut are the codes of those who are not let in.
var shutOut = map[string]bool{
	"FORBIDDEN": true, "CREDENTIAL_NOT_ALLOWED": true, "USER_NOT_REGISTERED": true, "NO_ACTIVE_ORGANIZATION": true,
	"USER_DEACTIVATED": true, "API_KEY_ORPHANED": true, "ORGANIZATION_NOT_FOUND": true,
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	callers := permissionCallers(t, s)
	rows := map[string]string{}
	for _, line := range strings.Split(permissionTable, "\n") {
		if fields := strings.Fields(line); len(fields) > 2 && strings.HasPrefix(fields[1], "/") {
			rows[fields[0]+" "+fields[1]] = strings.Join(fields[2:], "")
		}
	}
	operations, err := httpapi.Declarations()
	if err != nil {
		t.Fatal(err)
	}
	if len(operations) < 20 {
		t.Fatalf("only %d operations are registered", len(operations))
	}
	for _, op := range operations {
		row, ok := rows[op.Method+" "+op.Path]
		if !ok || len(row) != len(callers.all) {
			t.Errorf("%s %s has no whole row", op.Method, op.Path)
			continue
		}
		for i, c := range callers.all {
			a := callers.call(s, c, op)
			code := ""
			if a.status >= 400 {
				failed, _ := a.envelope(t)["error"].(object)
				code = str(failed, "code")
			}
			if let := !shutOut[code]; let != (row[i] == 'x') {
				t.Errorf("%s %s by %s: %d %s", op.Method, op.Path, c.name, a.status, code)
			}
		}
	}
}

// permissionCaller is somebody of each kind.
type permissionCaller struct {
	name   string
	header []string
	// place is the organization that paths name for them.
	place string
}

type permissionWorld struct {
	all []permissionCaller
}

// call calls an operation with nothing that it could do harm with: nothing that
// it needs is there.
func (w permissionWorld) call(s *server, c permissionCaller, op httpapi.Declared) answer {
	s.t.Helper()
	path := strings.NewReplacer(
		"{organizationId}", c.place, "{slug}", "owner-inc", "{id}", "key_01h455vb4pex5vsknk084sn02q",
		"{memberId}", "user_01h455vb4pex5vsknk084sn02q", "{userId}", "user_01h455vb4pex5vsknk084sn02q",
	).Replace(op.Path)
	body, header := "", c.header
	switch {
	case strings.HasSuffix(op.Path, "/restore"): // It needs no body.
		header = append(slices.Clone(header), "Idempotency-Key", strings.Repeat("k", 300))
	case op.Method != http.MethodGet:
		body = `{"unknown":true}`
	}
	return s.do(call{method: op.Method, path: "/api/v0" + path, body: body, header: header})
}

func permissionCallers(t *testing.T, s *server) permissionWorld {
	t.Helper()
	owner := s.owner("owner")
	acme := str(owner.get("/organizations/current").data(t, 200), "id")
	token := func(p *person, more ...string) permissionCaller {
		return permissionCaller{p.name, append([]string{"Authorization", "Bearer " + p.bearer}, more...), acme}
	}
	key := func(by *person, name, body, place string) permissionCaller {
		return permissionCaller{name, []string{"X-API-Key", str(by.post("/api-keys", body).data(t, 201), "key")}, place}
	}
	all := []permissionCaller{token(owner)}
	for _, role := range []string{"admin", "billing", "member", "viewer"} {
		all = append(all, token(owner.hired(role+"-person", role)))
	}
	all = append(all, token(s.register("nowhere")), token(&person{server: s, name: "unregistered", bearer: s.token("unregistered")}))
	all = append(all,
		key(owner, "user key", `{}`, acme), key(owner, "user key with profile:read", `{"scopes":["profile:read"]}`, acme),
		key(owner, "organization key", `{"ownerType":"organization"}`, acme),
		key(owner, "organization key with files:read", `{"ownerType":"organization","scopes":["files:read"]}`, acme))
	admin := s.bootstrapped("sysadmin")
	for _, p := range []*person{admin, admin.systemUser("sysfinance", "finance"), admin.systemUser("syssupport", "support")} {
		all = append(all, token(p, "X-Organization-Id", acme))
	}
	gone := owner.hired("deactivated", "member")
	gone.call(http.MethodDelete, "/users/profile", `{"confirmEmail":"deactivated@example.com"}`).data(t, 200)
	removed := owner.hired("removed", "member")
	s.append(organization.Aggregate.Stream(id.Organization(acme)), organization.MemberRemoved{OrganizationID: id.Organization(acme), UserID: id.User(removed.id), OccurredAt: time.Now().UTC()})
	eventually(t, func() bool { return removed.get("/organizations/current").status == http.StatusConflict },
		func() string { return "a removed member reads the organization" })
	lost := s.owner("lost")
	current := lost.get("/organizations/current").data(t, 200)
	sleeping := key(lost, "key of a deleted organization", `{"ownerType":"organization"}`, str(current, "id"))
	confirm, _ := json.Marshal(object{"confirmSlug": current["slug"]})
	lost.call(http.MethodDelete, "/organizations/current", string(confirm)).data(t, 200)
	last := token(lost)
	last.place = str(current, "id")
	eventually(t, func() bool {
		return s.do(call{method: http.MethodGet, path: "/api/v0/organizations/current", header: sleeping.header}).status == http.StatusUnauthorized
	}, func() string { return "the key of a deleted organization works" })
	return permissionWorld{append(all, token(gone), token(removed), last, sleeping)}
}
