package httpapi

import (
	"reflect"
	"regexp"

	"github.com/danielgtaylor/huma/v2"
)

// headerOrganization names another organization than the active one to act in.
const headerOrganization = "X-Organization-Id"

func typeOf[T any]() reflect.Type { return reflect.TypeFor[T]() }

func text(example string) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Examples: []any{example}}
}

func header(name, description, example string) *huma.Param {
	return &huma.Param{Name: name, In: "header", Description: description, Schema: text(example)}
}

// The forms of headers that are checked. An empty organization or position counts
// as absent.
const (
	idempotencyKeyPattern = "^[!-~]{1,255}$"
	positionPattern       = "^(C:[0-9]{1,19}/P:[0-9]{1,19})?$"
	conditionPattern      = `^(\*|(W/)?"[!#-~]*"( *, *(W/)?"[!#-~]*"){0,31})$`
)

func patterned(p *huma.Param, pattern string) *huma.Param {
	p.Schema.Pattern = pattern
	if shortest := 1; !regexp.MustCompile(pattern).MatchString("") {
		p.Schema.MinLength = &shortest // Some generators look at this alone.
	}
	return p
}

// parameters are the headers of requests that many operations read.
var parameters = map[string]*huma.Param{
	headerRequestID: header(headerRequestID,
		"Your name for the request, of at most 128 letters, digits and `-_.:`. Without it the server makes one.", "import-42-7"),
	headerOrganization: patterned(header(headerOrganization,
		"The organization to act in, for people who are members of several. Without it, it is the active one. API keys are bound to one.", "org_01jd9z3q5we8x9v6m2k4t7r1b9"), "^(org_[0-7][0-9a-hjkmnp-tv-z]{25})?$"),
	headerKey: patterned(header(headerKey,
		"Makes it safe to repeat the request: the same key with the same body gives the same answer, for at least 24 hours. 1 to 255 visible ASCII characters.", "5f0c6c0e-8a51-4d0b-9d0e-5b8f0b3f8f11"), idempotencyKeyPattern),
	headerMinPosition: patterned(header(headerMinPosition,
		"Answer only with data at least as new as this `X-Position`. What you wrote yourself through this server, you read without it.", "C:4711/P:4711"), positionPattern),
	"If-Match": patterned(header("If-Match",
		"Change only this version: the `ETag` that you read. Otherwise 412.", `"3"`), conditionPattern),
	"If-None-Match": patterned(header("If-None-Match",
		"Answer only when the version is another one than this `ETag`. Otherwise 304.", `"3"`), conditionPattern),
}

// headers are those of answers.
var headers = map[string]*huma.Header{
	headerRequestID:    answerHeader("Names this request in the server's logs.", "import-42-7"),
	"ETag":             answerHeader("The version of what is answered.", `"3"`),
	headerPosition:     answerHeader("Where the log stood after the change: see `X-Min-Position`.", "C:4711/P:4711"),
	headerAsOf:         answerHeader("Only while a read model does not follow the changes, as when it is rebuilt for a new version or is stopped: up to when it shows them. Later changes may be missing.", "2026-11-30T10:00:00Z"),
	headerReplayed:     answerHeader("`true` when the answer is that of an earlier request with the same key.", "true"),
	"Location":         answerHeader("Where to find what was made.", "/api/v0/api-keys/key_01jd9z3q5we8x9v6m2k4t7r1b9"),
	"Retry-After":      answerHeader("After how many seconds to try again.", "1"),
	"WWW-Authenticate": answerHeader("Which kind of credential is needed.", `Bearer realm="perfectworks"`),
	"RateLimit":        answerHeader("How many requests are left (r), and seconds until there is one more (t).", `"caller";r=99;t=0`),
	"RateLimit-Policy": answerHeader("How many requests (q) are served in how many seconds (w).", `"caller";q=100;w=60`),
}

func answerHeader(description, example string) *huma.Header {
	return &huma.Header{Description: description, Schema: text(example)}
}
