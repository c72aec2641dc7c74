// Package reservation keeps values unique across aggregates: each value has a
// stream of its own, and who writes it first holds the value.
package reservation

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// Kind is the sort of value that is unique.
type Kind string

// The kinds. Subjects and emails are personal: they are reserved under the
// keyed hashes of access.Identity, and so are welcomes.
const (
	Slug    Kind = "slug"
	Email   Kind = "email"
	Subject Kind = "subject"
	// Welcome is that a person, known by identity or address, has had the tokens
	// that welcome a new organization. It is never given up.
	Welcome Kind = "welcome"

	// ReferralCode is a code that a link ends in, of a referrer or a campaign. It is
	// never given up.
	ReferralCode Kind = "referralCode"
	// Mailbox is the person who came first with an address of a mailbox, under a
	// keyed hash: see referral.Mailbox.
	Mailbox Kind = "mailbox"

	// Numbered slots, of which each owner has a limited number: see Slots.
	APIKeySlot       Kind = "apiKeySlot"
	OrganizationSlot Kind = "organizationSlot"
	CampaignSlot     Kind = "campaignSlot"
)

// Hash is the hash under which a value that is not personal is reserved: the
// SHA-256 of its folded form, in hexadecimal.
func Hash(value string) string {
	sum := sha256.Sum256([]byte(Fold(value)))
	return hex.EncodeToString(sum[:])
}

// Fold makes two spellings of one value equal: Unicode NFKC, lower case,
// without the space around it.
func Fold(value string) string {
	return norm.NFKC.String(strings.ToLower(norm.NFKC.String(strings.TrimSpace(value))))
}

// FoldEmail is Fold for email addresses: an international domain name and its
// ASCII form are one too (RFC 5891).
func FoldEmail(address string) string {
	address = Fold(address)
	at := strings.LastIndexByte(address, '@')
	domain, err := idna.Lookup.ToASCII(address[at+1:])
	if err != nil {
		return address
	}
	return address[:at+1] + domain
}

// ID is the id of a reservation. It follows from the value.
type ID string

// IDOf returns the id of the reservation of a value.
func IDOf(kind Kind, valueHash string) ID { return ID(string(kind) + ":" + valueHash) }

// Prefix implements id.Name: these ids are no TypeIDs.
func (ID) Prefix() string { return "" }
