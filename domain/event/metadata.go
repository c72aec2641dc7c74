package event

import "github.com/perfectworks/backend/domain/personal"

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

	RequestID     string        `json:"requestId,omitempty"`
	ClientAddress personal.Text `json:"clientAddress,omitzero" subject:"actorUserId"`
	UserAgent     personal.Text `json:"userAgent,omitzero" subject:"actorUserId"`
	TraceParent   string        `json:"traceParent,omitempty"`

	// SchemaVersion is the version of the event's stored shape, from 1. The
	// codec sets it.
	SchemaVersion int `json:"schemaVersion"`
}
