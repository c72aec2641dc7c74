// Package operator is the aggregate of those who work for the operator: the
// system users. There are few of them and they share one stream, so that an email
// address has one system user, the last admin stays, and the bootstrap secret is
// used once, all by the order of that stream.
package operator

import (
	"time"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// ID is the id of the aggregate. There is one: Operators.
type ID string

// Operators is the one aggregate of this kind.
const Operators ID = "all"

// Prefix implements id.Name: this id is no TypeID.
func (ID) Prefix() string { return "" }

// Aggregate describes the aggregate of system users.
var Aggregate = event.Aggregate[ID, State]{
	Category: "operator",
	Schemas: []event.Schema{
		event.Define[BootstrapSecretIssued](),
		event.Define[SystemUserRegistered](),
		event.Define[SystemUserRecognised](),
		event.Define[SystemUserRemoved](),
	},
	Apply: Apply,
}

// BootstrapSecretIssued replaces the secret by which the first system user can be
// registered.
type BootstrapSecretIssued struct {
	// SecretHash is the SHA-256 of the secret, in lower-case hexadecimal.
	SecretHash string `json:"secretHash"`
	// ExpireAt is the first instant at which the secret is over.
	ExpireAt   time.Time `json:"expireAt"`
	OccurredAt time.Time `json:"occurredAt"`
}

// SystemUserRegistered lets a person act for the operator, once they come with a
// token that vouches for the address.
type SystemUserRegistered struct {
	SystemUserID id.SystemUser `json:"systemUserId"`
	Email        personal.Text `json:"email,omitzero" subject:"systemUserId"`
	// EmailHash is the keyed hash of the folded address.
	EmailHash string              `json:"emailHash"`
	Roles     []access.SystemRole `json:"roles"`
	// Bootstrap says that the bootstrap secret was used up for this.
	Bootstrap  bool      `json:"bootstrap,omitempty"`
	OccurredAt time.Time `json:"occurredAt"`
}

// SystemUserRecognised binds a system user to the first subject that came with
// the verified address. From then on the subject counts, and not the address.
type SystemUserRecognised struct {
	SystemUserID id.SystemUser `json:"systemUserId"`
	SubjectHash  string        `json:"subjectHash"`
	OccurredAt   time.Time     `json:"occurredAt"`
}

// SystemUserRemoved ends what a person may do for the operator.
type SystemUserRemoved struct {
	SystemUserID id.SystemUser `json:"systemUserId"`
	OccurredAt   time.Time     `json:"occurredAt"`
}

// EventType is the stored name.
func (BootstrapSecretIssued) EventType() string { return "BootstrapSecretIssued" }

// EventType is the stored name.
func (SystemUserRegistered) EventType() string { return "SystemUserRegistered" }

// EventType is the stored name.
func (SystemUserRecognised) EventType() string { return "SystemUserRecognised" }

// EventType is the stored name.
func (SystemUserRemoved) EventType() string { return "SystemUserRemoved" }
