package sandbox

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// maxCall bounds the body of a call, in bytes.
const maxCall = 1 << 20

// call is one call of the API.
type call struct {
	*change
	*params
	r *http.Request
}

func (s *Sandbox) routes() http.Handler {
	mux := http.NewServeMux()
	api := func(pattern string, act func(call) (any, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(w, r, act) })
	}
	api("POST /v1/checkout/sessions", createSession)
	api("POST /v1/checkout/sessions/{id}/expire", expireSession)
	api("GET /v1/checkout/sessions/{id}/line_items", lineItems)
	api("POST /v1/products", createProduct)
	api("POST /v1/prices", createPrice)
	api("POST /v1/refunds", createRefund)
	for path, kind := range map[string]string{
		"products": "product", "prices": "price", "checkout/sessions": "checkout.session",
		"payment_intents": "payment_intent", "charges": "charge", "refunds": "refund",
		"disputes": "dispute", "invoices": "invoice", "events": "event",
	} {
		api("GET /v1/"+path, func(c call) (any, error) { return c.listed(kind) })
		api("GET /v1/"+path+"/{id}", func(c call) (any, error) { return c.retrieved(kind) })
	}
	mux.HandleFunc("/v1/", func(w http.ResponseWriter, r *http.Request) {
		refuse(w, &Error{http.StatusNotFound, invalidRequest, "", "", "Unrecognized request URL (" + r.Method + ": " + r.URL.Path + ")."})
	})
	s.pages(mux)
	return mux
}

// serve carries out one call, once for each idempotency key.
func (s *Sandbox) serve(w http.ResponseWriter, r *http.Request, act func(call) (any, error)) {
	key, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if subtle.ConstantTimeCompare([]byte(key), []byte(s.options.SecretKey)) != 1 {
		refuse(w, &Error{http.StatusUnauthorized, invalidRequest, "", "", "Invalid API Key provided."})
		return
	}
	values, err := parameters(w, r)
	if err != nil {
		refuse(w, err)
		return
	}
	var status int
	var body []byte
	replayed := false
	err = s.do(func(c *change) error {
		p := &params{values: values, known: map[string]bool{}}
		again := r.Header.Get("Idempotency-Key")
		if r.Method != http.MethodPost {
			again = ""
		}
		fingerprint := sha256.Sum256([]byte(r.URL.Path + "?" + values.Encode()))
		digest := hex.EncodeToString(fingerprint[:])
		if again != "" {
			if earlier, err := find[answer](c, "idem_"+again); err == nil {
				if earlier.Fingerprint != digest {
					return &Error{http.StatusBadRequest, "idempotency_error", "", "", "Keys for idempotent requests can only be used with the same parameters they were first used with."}
				}
				status, body, replayed = earlier.Status, earlier.Body, true
				return nil
			}
		}
		expand := p.list("expand")
		result, err := act(call{c, p, r})
		if err == nil {
			err = p.err()
		}
		if err != nil {
			return err
		}
		status = http.StatusOK
		if body, err = json.Marshal(c.expanded(result, expand)); err != nil {
			return err
		}
		if again != "" {
			c.put("answer", &answer{
				base: base{ID: "idem_" + again, Object: "answer", Created: c.at.Unix()}, Fingerprint: digest, Status: status, Body: body,
			})
		}
		return nil
	})
	if err != nil {
		refuse(w, err)
		return
	}
	if replayed {
		w.Header().Set("Idempotent-Replayed", "true")
	}
	write(w, status, body)
}

func parameters(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxCall))
	if err != nil {
		return nil, &Error{http.StatusRequestEntityTooLarge, invalidRequest, "", "", "The request is too large."}
	}
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, invalid("", "The body is not form-encoded.")
	}
	for name, all := range r.URL.Query() {
		values[name] = append(values[name], all...)
	}
	return values, nil
}

func refuse(w http.ResponseWriter, err error) {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{http.StatusInternalServerError, "api_error", "", "", err.Error()}
	}
	body, err := json.Marshal(map[string]*Error{"error": e})
	if err != nil {
		panic(err) // It holds only texts.
	}
	write(w, e.Status, body)
}

func write(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Request-Id", newID("req"))
	w.Header().Set("Stripe-Version", APIVersion)
	w.WriteHeader(status)
	_, _ = w.Write(body) // An error means that the client is gone.
}

// shown is an object as the API shows it.
func shown(o any) map[string]any {
	text, err := json.Marshal(o)
	if err != nil {
		panic(err) // Objects are plain structs.
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	var m map[string]any
	if err := decoder.Decode(&m); err != nil {
		panic(err) // It was encoded above.
	}
	for name := range m {
		if strings.HasPrefix(name, "_") {
			delete(m, name)
		}
	}
	return m
}

// expanded is a result with the objects in place of the ids that expand names.
func (c *change) expanded(result any, expand []string) any {
	if l, ok := result.(list); ok {
		result = l.shown()
	} else {
		o, _ := result.(object)
		m := shown(result)
		if cs, ok := o.(*session); ok && slices.Contains(expand, "line_items") {
			m["line_items"] = linesOf(cs).shown()
		}
		result = m
	}
	for _, path := range expand {
		c.expandPath(result, strings.Split(path, "."))
	}
	return result
}

func (c *change) expandPath(at any, path []string) {
	if len(path) == 0 {
		return
	}
	switch at := at.(type) {
	case []any:
		for _, each := range at {
			c.expandPath(each, path)
		}
	case map[string]any:
		if id, ok := at[path[0]].(string); ok {
			if o, found := c.lookUp(id); found {
				at[path[0]] = shown(o)
			}
		}
		c.expandPath(at[path[0]], path[1:])
	}
}

// list is a page of objects.
type list struct {
	url  string
	data []any
	more bool
}

func (l list) shown() map[string]any {
	if l.data == nil {
		l.data = []any{}
	}
	return map[string]any{"object": "list", "url": l.url, "has_more": l.more, "data": l.data}
}

func (c call) retrieved(kind string) (any, error) {
	id := c.r.PathValue("id")
	o, known := c.lookUp(id)
	if !known || shown(o)["object"] != kind {
		return nil, missing(id)
	}
	return o, nil
}

// filters are the members by which the lists can be filtered.
var filters = map[string][]string{
	"product": {"active"}, "price": {"product", "active"}, "checkout.session": {"payment_intent", "status"},
	"charge": {"payment_intent"}, "refund": {"charge", "payment_intent"},
	"dispute": {"charge", "payment_intent"}, "event": {"type"},
}

// listed is a page of a kind, the newest first.
func (c call) listed(kind string) (any, error) {
	limit := c.integer("limit", 10)
	if limit < 1 || limit > 100 {
		return nil, invalid("limit", "This value must be between 1 and 100 (inclusive).")
	}
	wanted := map[string]string{}
	for _, name := range filters[kind] {
		if c.has(name) {
			wanted[name] = c.text(name)
		}
	}
	types := c.list("types")
	within := c.within()
	after, before := c.text("starting_after"), c.text("ending_before")
	ids := c.s.store.kinds[kind]
	if err := inList(ids, after, before); err != nil {
		return nil, err
	}
	newest := slices.Clone(ids)
	slices.Reverse(newest)
	if after != "" {
		newest = newest[slices.Index(newest, after)+1:]
	}
	if before != "" {
		// From the one before the cursor towards the newest, shown newest first.
		newest = newest[:slices.Index(newest, before)]
		slices.Reverse(newest)
	}
	page := list{url: c.r.URL.Path}
	for _, id := range newest {
		o := c.s.store.objects[id]
		if !within(o.createdAt()) || !matches(o, wanted, types) {
			continue
		}
		if int64(len(page.data)) == limit {
			page.more = true
			break
		}
		page.data = append(page.data, shown(o))
	}
	if before != "" {
		slices.Reverse(page.data)
	}
	return page, nil
}

func inList(ids []string, cursors ...string) error {
	for _, cursor := range cursors {
		if cursor != "" && !slices.Contains(ids, cursor) {
			return missing(cursor)
		}
	}
	return nil
}

// within reads the bounds of the creation time.
func (c call) within() func(int64) bool {
	var tests []func(int64) bool
	for name, test := range map[string]func(at, bound int64) bool{
		"created":      func(at, bound int64) bool { return at == bound },
		"created[gt]":  func(at, bound int64) bool { return at > bound },
		"created[gte]": func(at, bound int64) bool { return at >= bound },
		"created[lt]":  func(at, bound int64) bool { return at < bound },
		"created[lte]": func(at, bound int64) bool { return at <= bound },
	} {
		if c.has(name) {
			bound := c.integer(name, 0)
			tests = append(tests, func(at int64) bool { return test(at, bound) })
		}
	}
	return func(at int64) bool {
		return !slices.ContainsFunc(tests, func(test func(int64) bool) bool { return !test(at) })
	}
}

func matches(o object, wanted map[string]string, types []string) bool {
	if e, ok := o.(*event); ok && len(types) > 0 && !slices.ContainsFunc(types, func(t string) bool {
		prefix, open := strings.CutSuffix(t, "*")
		return t == e.Type || open && strings.HasPrefix(e.Type, prefix)
	}) {
		return false
	}
	if len(wanted) == 0 {
		return true
	}
	m := shown(o)
	for name, value := range wanted {
		switch member := m[name].(type) {
		case string:
			if member != value {
				return false
			}
		case bool:
			if member != (value == "true") {
				return false
			}
		default:
			return false
		}
	}
	return true
}
