package sandbox

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed pages
var pageFiles embed.FS

var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"money": money,
	"time":  func(at int64) string { return time.Unix(at, 0).UTC().Format("2006-01-02 15:04:05 UTC") },
}).ParseFS(pageFiles, "pages/*.html"))

// money is an amount of minor units for people. It is right for currencies of
// two decimals, and for those without any.
func money(amount int64, currency string) string {
	code := strings.ToUpper(currency)
	if slices.Contains([]string{"jpy", "krw", "vnd", "clp", "xof"}, currency) {
		return fmt.Sprintf("%d %s", amount, code)
	}
	return fmt.Sprintf("%d.%02d %s", amount/100, amount%100, code)
}

// pages are what a browser sees.
func (s *Sandbox) pages(mux *http.ServeMux) {
	protection := http.NewCrossOriginProtection()
	page := func(pattern string, h func(http.ResponseWriter, *http.Request) error) {
		mux.Handle(pattern, protection.Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			if err := h(w, r); err != nil {
				s.problem(w, err)
			}
		})))
	}
	page("GET /{$}", s.overview)
	page("GET /pay/{id}", s.checkoutPage)
	page("POST /pay/{id}", s.checkoutAct)
	page("GET /payments/{id}", s.paymentPage)
	page("POST /payments/{id}", s.paymentAct)
	page("GET /invoices/{id}", s.invoicePage)
}

// maxForm bounds a form, in bytes.
const maxForm = 16 << 10

func (s *Sandbox) show(w http.ResponseWriter, status int, name string, data any) error {
	var out bytes.Buffer
	if err := templates.ExecuteTemplate(&out, name, data); err != nil {
		return fmt.Errorf("make the page: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // An error means that the browser is gone.
	return nil
}

func (s *Sandbox) problem(w http.ResponseWriter, err error) {
	status, message := http.StatusInternalServerError, err.Error()
	var e *Error
	if errors.As(err, &e) {
		status, message = e.Status, e.Message
	}
	if err := s.show(w, status, "problem.html", message); err != nil {
		http.Error(w, message, status)
	}
}

// looking reads objects without changing any.
func looking[T any, P interface {
	*T
	object
}](s *Sandbox, id string) (P, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return find[T, P](&change{s: s}, id)
}

type checkoutView struct {
	Session *session
	Open    bool
	Problem string
	// Money says that it is on its way.
	Money   bool
	Success string
	Cancel  string
}

func (s *Sandbox) checkoutPage(w http.ResponseWriter, r *http.Request) error {
	cs, err := looking[session](s, r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.showCheckout(w, http.StatusOK, cs, "")
}

func (s *Sandbox) showCheckout(w http.ResponseWriter, status int, cs *session, problem string) error {
	v := checkoutView{
		Session: cs, Problem: problem, Success: s.successOf(cs), Money: cs.Status == "complete" && cs.PaymentStatus == "unpaid",
		Open: cs.Status == "open" && s.options.Now().Unix() < cs.ExpiresAt,
	}
	if cs.CancelURL != nil {
		v.Cancel = *cs.CancelURL
	}
	return s.show(w, status, "checkout.html", v)
}

// successOf is the success URL with the session's id in place of Stripe's
// template.
func (s *Sandbox) successOf(cs *session) string {
	return strings.ReplaceAll(cs.SuccessURL, "{CHECKOUT_SESSION_ID}", url.QueryEscape(cs.ID))
}

func (s *Sandbox) checkoutAct(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	var err error
	decline := false
	switch r.FormValue("act") {
	case "pay":
		err = s.Pay(id)
	case "later":
		err = s.PayLater(id)
	case "decline":
		decline = true
		err = s.Decline(id)
	default:
		return invalid("act", "Choose how to pay.")
	}
	cs, missing := looking[session](s, id)
	switch {
	case missing != nil:
		return missing
	case err != nil:
		return s.showCheckout(w, http.StatusConflict, cs, message(err))
	case decline:
		return s.showCheckout(w, http.StatusPaymentRequired, cs, "The card was declined. Try another way to pay.")
	}
	http.Redirect(w, r, s.successOf(cs), http.StatusSeeOther) //nolint:gosec // The program that created the session chose it.
	return nil
}

func message(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

type paymentView struct {
	Session  *session
	Intent   *intent
	Charge   *charge
	Refunds  []*refund
	Disputes []*dispute
	Events   []*event
	Left     int64
	Problem  string
}

func (s *Sandbox) paymentPage(w http.ResponseWriter, r *http.Request) error {
	return s.showPayment(w, http.StatusOK, r.PathValue("id"), "")
}

// showPayment shows the payment of a session with all that became of it.
func (s *Sandbox) showPayment(w http.ResponseWriter, status int, sessionID, problem string) error {
	cs, err := looking[session](s, sessionID)
	if err != nil {
		return err
	}
	v := paymentView{Session: cs, Problem: problem}
	if cs.PaymentIntent != nil {
		if v.Intent, err = looking[intent](s, *cs.PaymentIntent); err != nil {
			return err
		}
		if v.Intent.LatestCharge != nil {
			if v.Charge, err = looking[charge](s, *v.Intent.LatestCharge); err != nil {
				return err
			}
			v.Left = v.Charge.Amount - v.Charge.AmountRefunded
			s.mu.Lock()
			v.Refunds = of[refund](s, "refund", func(r *refund) bool { return r.Charge == v.Charge.ID })
			v.Disputes = of[dispute](s, "dispute", func(d *dispute) bool { return d.Charge == v.Charge.ID })
			s.mu.Unlock()
		}
	}
	return s.show(w, status, "payment.html", v)
}

// of are the objects of a kind that fit.
func of[T any, P interface {
	*T
	object
}](s *Sandbox, kind string, fits func(P) bool) []P {
	var all []P
	for _, id := range s.store.kinds[kind] {
		if o, ok := s.store.objects[id].(P); ok && fits(o) {
			all = append(all, o)
		}
	}
	return all
}

func (s *Sandbox) paymentAct(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if err := s.act(r, id); err != nil {
		return s.showPayment(w, http.StatusConflict, id, message(err))
	}
	http.Redirect(w, r, "/payments/"+url.PathEscape(id), http.StatusSeeOther)
	return nil
}

func (s *Sandbox) act(r *http.Request, sessionID string) error {
	target := r.FormValue("target")
	amount, err := amountOf(r.FormValue("amount"))
	if err != nil {
		return err
	}
	switch r.FormValue("act") {
	case "settle":
		return s.Settle(sessionID, true)
	case "settle-failed":
		return s.Settle(sessionID, false)
	case "expire":
		return s.Expire(sessionID)
	case "refund":
		_, err = s.Refund(target, amount, false)
	case "refund-pending":
		_, err = s.Refund(target, amount, true)
	case "refund-arrived":
		return s.SettleRefund(target, true)
	case "refund-failed":
		return s.SettleRefund(target, false)
	case "dispute":
		_, err = s.OpenDispute(target, amount, false)
	case "inquiry":
		_, err = s.OpenDispute(target, amount, true)
	case "escalate":
		return s.EscalateDispute(target)
	case "won", "lost", "warning_closed":
		return s.CloseDispute(target, DisputeEnd(r.FormValue("act")))
	case "reinstate":
		return s.ReinstateFunds(target)
	default:
		return invalid("act", "There is no such act.")
	}
	return err
}

func amountOf(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 1 {
		return 0, invalid("amount", "An amount is a positive whole number of minor units, such as cents.")
	}
	return n, nil
}

type overviewView struct {
	Sessions   []*session
	Deliveries int
	Webhook    string
}

// shownSessions bounds the overview.
const shownSessions = 100

func (s *Sandbox) overview(w http.ResponseWriter, _ *http.Request) error {
	s.mu.Lock()
	all := of[session](s, "checkout.session", func(*session) bool { return true })
	v := overviewView{Deliveries: len(s.store.open()), Webhook: s.options.WebhookURL}
	s.mu.Unlock()
	slices.Reverse(all)
	v.Sessions = all[:min(len(all), shownSessions)]
	return s.show(w, http.StatusOK, "overview.html", v)
}

func (s *Sandbox) invoicePage(w http.ResponseWriter, r *http.Request) error {
	in, err := looking[invoice](s, r.PathValue("id"))
	if err != nil {
		return err
	}
	return s.show(w, http.StatusOK, "invoice.html", in)
}
