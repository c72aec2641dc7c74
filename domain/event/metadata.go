package event

import (
	"time"

	"github.com/perfectworks/backend/domain/personal"
)

// ActorKind says what sort of principal caused an event.
type ActorKind string

// The kinds of actor.
const (
	ActorUser   ActorKind = "user"
	ActorKey    ActorKind = "key"
	ActorSystem ActorKind = "system"
	ActorPolicy ActorKind = "policy"
)

// Metadata is recorded beside each event. The names with a dollar are
// EventStoreDB's own convention.
type Metadata struct {
	// CorrelationID is shared by everything that one request set in motion.
	CorrelationID string `json:"$correlationId,omitempty"`
	// CausationID is the command that caused the event.
	CausationID string `json:"$causationId,omitempty"`
	// CauseEventID is the event that the command follows from, where a policy
	// issued it.
	CauseEventID string `json:"causeEventId,omitempty"`

	ActorKind ActorKind `json:"actorKind,omitempty"`
	ActorID   string    `json:"actorId,omitempty"`
	// ActorUserID is the person behind the actor, if there is one: the user, the
	// owner of a user key, or the system user.
	ActorUserID    string `json:"actorUserId,omitempty"`
	OrganizationID string `json:"organizationId,omitempty"`

	RequestID string `json:"requestId,omitempty"`
	// ClientAddress and UserAgent are kept for a limited time only. They are
	// encrypted twice, for the person and for the day, and cannot be read once either
	// key is destroyed.
	ClientAddress personal.Text `json:"clientAddress,omitzero" subject:"actorUserId" within:"addressKey"`
	UserAgent     personal.Text `json:"userAgent,omitzero" subject:"actorUserId" within:"addressKey"`
	// AddressKey names the key of the day: see AddressKey. The codec sets it. It is
	// empty where there is neither address nor agent, and in events of releases
	// that did not have it.
	AddressKey  string `json:"addressKey,omitempty"`
	TraceParent string `json:"traceParent,omitempty"`

	// SchemaVersion is the version of the event's stored shape, from 1. The
	// codec sets it.
	SchemaVersion int `json:"schemaVersion"`
}

// AddressKey returns the name of the key of a day in UTC, with which the client
// addresses and user agents of that day are encrypted beside the keys of the
// people. Destroying it erases all of them.
func AddressKey(day time.Time) string { return AddressKeys + day.UTC().Format(time.DateOnly) }

// AddressKeys is what the names of the keys of days begin with.
const AddressKeys = "addresses:"
