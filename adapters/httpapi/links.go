package httpapi

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/gorilla/mux"

	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/user"
)

// Links answers requests for referral links.
type Links interface {
	// Follow returns where a code leads, and the cookie to set, if the click was kept.
	// It waits for nothing. Direct says that no trusted proxy stands between, head
	// that it is a HEAD request.
	Follow(r *http.Request, code string, client netip.Addr, direct, head bool) (to string, cookie *http.Cookie)
	// Click returns the click of a signed id, and whether the id was signed here.
	Click(signed string) (*user.Click, bool)
	// AsOf is the time up to which clicks are in the numbers that are read, as far as
	// this process knows.
	AsOf(ctx context.Context, now time.Time) (time.Time, error)
	// Cookie is the name of the cookie that keeps the signed id.
	Cookie() string
}

func (a *API) registerLinks() {
	register(a, operation{
		id: "followReferralLink", method: http.MethodGet, path: "/referral-links/{code}", tag: tagCampaigns,
		summary: "Follow referral link",
		description: "For browsers: redirects to the destination of the campaign, or to the landing page. Parameters of the query are passed on, " +
			"but for those that the destination has itself. The cookie `pw_click` keeps the signed id of the click, for POST /users/client. " +
			"A link that does not count, because there is none, it has ended or not begun, leads to the landing page without a cookie. " +
			"A HEAD request is redirected and counts nothing; who sends `Sec-GPC: 1` or `DNT: 1` is redirected and not tracked.",
		authorization: public(), status: http.StatusFound, message: "the destination", direct: a.followLink,
	}, func(context.Context, *exchange, *linkInput) (reply[noEnvelope], error) {
		return reply[noEnvelope]{}, errInternal
	})
}

type linkInput struct {
	Code string `path:"code" example:"spring-26"`
}

// direct puts nothing around an operation that answers itself.
func direct(op *operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		decodeVariables(r)
		x := exchangeOf(r.Context())
		x.op, x.http = op, r
		op.direct(w, r, x)
	})
}

func (a *API) followLink(w http.ResponseWriter, r *http.Request, x *exchange) {
	to, cookie := a.links.Follow(r, mux.Vars(r)["code"], x.client, x.direct, x.head)
	if cookie != nil {
		http.SetCookie(w, cookie)
	}
	h := w.Header()
	h["Cache-Control"] = noStore
	h["Location"] = []string{to}
	w.WriteHeader(http.StatusFound)
}

// clickOf is the click by which a person came: the one of a signed id, which must
// be one, or that of the cookie, if there is one that is.
func (a *API) clickOf(x *exchange, signed string) (*user.Click, error) {
	if signed != "" {
		clicked, ok := a.links.Click(signed)
		if !ok {
			var wrong failure.Fields
			wrong.Add("referralClickId", input.CodeFormat, "must be the value of the cookie that a referral link has set")
			return nil, wrong.Err()
		}
		return clicked, nil
	}
	if a.links == nil {
		return nil, nil
	}
	if cookie, err := x.http.Cookie(a.links.Cookie()); err == nil {
		if clicked, ok := a.links.Click(cookie.Value); ok {
			return clicked, nil
		}
	}
	return nil, nil
}
