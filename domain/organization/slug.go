package organization

import (
	"encoding/base32"
	"io"
	"iter"
	"regexp"
	"strconv"
	"strings"

	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
)

const (
	minSlug = 3
	maxSlug = 48
)

// SlugPattern is a regular expression for the characters of a slug. Its length is
// bounded beside it.
const SlugPattern = "^[a-z0-9]+(-[a-z0-9]+)*$"

var slugShape = regexp.MustCompile(SlugPattern)

// reservedSlugs would be mistaken for a part of the product or of its address
// space, or for its makers.
var reservedSlugs = setOf(`about
abuse
account
accounts
admin
administrator
api
app
apps
assets
auth
billing
blog
cdn
checkout
console
contact
current
dashboard
dev
developer
docs
download
email
files
ftp
healthz
help
home
host
imap
info
internal
invitations
join
legal
localhost
login
logout
mail
me
members
metrics
new
news
noreply
null
oauth
official
openapi
organization
organizations
owner
payments
perfectworks
pop
postmaster
pricing
privacy
readyz
referral
register
root
sales
search
security
settings
shop
signin
signup
slug
smtp
staff
staging
static
statistics
status
store
support
system
team
terms
test
token
tokens
undefined
upload
user
users
webhook
webhooks
webmaster
www
`)

// checkSlug notes what is wrong with a slug, and returns it without the space
// around it. A slug is not folded: one that is not in lower case is refused.
func checkSlug(wrong *failure.Fields, value string) string {
	slug := strings.TrimSpace(value)
	switch {
	case slug == "":
		wrong.Add("slug", input.CodeRequired, "must not be empty")
	case len(slug) < minSlug:
		wrong.Add("slug", input.CodeTooShort, "must have at least "+strconv.Itoa(minSlug)+" characters")
	case len(slug) > maxSlug:
		wrong.Add("slug", input.CodeTooLong, "must have at most "+strconv.Itoa(maxSlug)+" characters")
	case !slugShape.MatchString(slug):
		wrong.Add("slug", input.CodeFormat,
			"must be made of a-z, 0-9 and single dashes, with no dash at either end")
	case reservedSlugs[slug]:
		wrong.Add("slug", "RESERVED", "is a reserved word")
	}
	return slug
}

func validSlug(s string) bool {
	var wrong failure.Fields
	checkSlug(&wrong, s)
	return wrong.Err() == nil
}

// The numbered and the random candidates for a slug.
const (
	lastNumber      = 9
	randomAttempts  = 4
	randomBytes     = 5 // 40 bits: eight characters of base 32
	longestSuffix   = 9 // a dash and those eight
	slugWithoutName = "org"
)

// SlugCandidates are slugs for an organization of the given name, the nicest
// first: the name in Latin letters, then with a number, then with something
// random, which makes at least the last ones free. It stops early when entropy
// fails.
func SlugCandidates(name string, entropy io.Reader) iter.Seq[string] {
	return func(yield func(string) bool) {
		base := latin(name)
		short := strings.TrimRight(base[:min(len(base), maxSlug-longestSuffix)], "-")
		if base != "" {
			if base = strings.TrimRight(base[:min(len(base), maxSlug)], "-"); validSlug(base) && !yield(base) {
				return
			}
			for n := 2; n <= lastNumber; n++ {
				if !yield(short + "-" + strconv.Itoa(n)) {
					return
				}
			}
		} else {
			short = slugWithoutName
		}
		var random [randomBytes]byte
		for range randomAttempts {
			if _, err := io.ReadFull(entropy, random[:]); err != nil {
				return
			}
			suffix := strings.ToLower(base32.StdEncoding.EncodeToString(random[:]))
			if !yield(short + "-" + suffix) {
				return
			}
		}
	}
}
