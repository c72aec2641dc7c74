package httpapi

import (
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/perfectworks/backend/adapters/httpapi/jsonbody"
	"github.com/perfectworks/backend/projections/list"
)

// tag is a group of operations in the documentation.
type tag struct{ name, description string }

// operation declares one route: what documentation and layers need to know of
// it, in one place.
type operation struct {
	id      string
	method  string
	path    string // below basePath
	tag     tag
	summary string
	// description is Markdown without HTML.
	description string

	// authorization says who may call.
	authorization authorization
	// reads are the read models that the answer comes from.
	reads []string
	// moves says that the operation may change who the caller is or where they
	// act, as the directory knows it.
	moves bool
	// status of the answer when all goes well; 200 when zero.
	status int
	// message of that answer.
	message string
	// others are the answers of other statuses with the same data.
	others []otherAnswer
	// conditional GETs answer with an ETag, and 304 when it is known.
	conditional bool
	// hidden operations are served but not documented.
	hidden bool
	// body says how the body is taken, and consumes of which media types it may
	// be when it is not jsonBody: any when empty.
	body     bodyKind
	consumes []string
	// example is a body of JSON that is not decoded.
	example any
	// produces are the media types of answers that are not envelopes. Without
	// it an operation answers JSON only.
	produces []string
	// maxBody bounds the body in bytes; defaultMaxBody when zero.
	maxBody int64
	// timeout bounds the whole, the writing of the answer included;
	// defaultTimeout when zero.
	timeout time.Duration
	// secret says that answers hold a secret. They are not kept for repetitions:
	// the command gives the same one again.
	secret bool
	// list declares the sorts and filters of an operation that lists; else nil.
	list *list.Spec
	// fails are the refusals particular to the operation, for its documentation.
	fails []error

	// keyed says that a request needs an Idempotency-Key: repeating it by mistake would
	// cost money.
	keyed bool
	// joins says that a request with the Idempotency-Key of one that is still carried
	// out is carried out as well: what it asks for joins what is under way.
	joins bool
	// direct, when set, answers in place of the layers and of the handler: for what
	// must be answered whatever happens.
	direct func(http.ResponseWriter, *http.Request, *exchange)

	// tolerant operations pass over members of the body that they do not know.
	tolerant bool

	// template is the whole path.
	template string
	// documented is the operation as huma knows it.
	documented *huma.Operation
	// query are the parameters that are known.
	query queryParameters
	// fields are the members of the body that are known.
	fields *jsonbody.Names
	// bodyRequired is false where nothing need be sent.
	bodyRequired bool
	// members are those of the data of the answer.
	members []string
	// resource reads what a PUT changes; nil where nothing does.
	resource *operation
	// handler is the operation behind the guard.
	handler http.Handler
}

// otherAnswer is an answer that an operation declares beside its usual one.
type otherAnswer struct {
	status  int
	message string
}

// bodyKind says how an operation takes the body of a request.
type bodyKind int

const (
	// jsonBody is read whole, checked, and decoded into the input's Body.
	jsonBody bodyKind = iota
	// rawBody is read whole and handed over as it came: see exchange.raw. It is
	// for bodies that are signed.
	rawBody
	// streamedBody is read by the operation itself: see exchange.http.
	streamedBody
)

// limit bounds how long the operation may take.
func (op *operation) limit() time.Duration {
	if op.timeout == 0 {
		return defaultTimeout
	}
	return op.timeout
}

func (op *operation) bodyLimit() int64 {
	if op.maxBody == 0 {
		return defaultMaxBody
	}
	return op.maxBody
}

const (
	basePath       = "/api/v0"
	defaultMaxBody = 64 << 10
	defaultTimeout = 15 * time.Second
)

// The security schemes by name.
const (
	schemeToken  = "token"
	schemeKey    = "apiKey"
	schemeBearer = "apiKeyAsBearer"
)

// securitySchemes describe the credentials.
var securitySchemes = map[string]*huma.SecurityScheme{
	schemeToken: {
		Type: "http", Scheme: "bearer", BearerFormat: "JWT",
		Description: "A token of the identity provider: `Authorization: Bearer <token>`.",
	},
	schemeKey: {
		Type: "apiKey", In: "header", Name: "X-API-Key",
		Description: "An API key: `X-API-Key: <key>`.",
	},
	schemeBearer: {
		Type: "http", Scheme: "bearer",
		Description: "An API key as a bearer: `Authorization: Bearer <key>`.",
	},
}
