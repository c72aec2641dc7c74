// Package act is the aggregate of what operators do to the running system: who did
// what to what, why, and how it ended. Each act has a stream of its own, which the
// audit log shows like all others. An act that began and has no end was interrupted
// by the death of its process.
package act

import (
	"time"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// Aggregate describes the aggregate of operators' acts.
var Aggregate = event.Aggregate[id.Act, State]{
	Category: "act",
	Schemas: []event.Schema{
		event.Define[OperatorActBegan](),
		event.Define[OperatorActEnded](),
	},
	Apply: Apply,
}

// OperatorActBegan says that an operator begins something. It is written before
// anything is changed or shown. Who it is, the metadata tells: a system user, or the
// command line.
type OperatorActBegan struct {
	ActID id.Act `json:"actId"`
	Kind  Kind   `json:"kind"`
	// Target is what it is done to, such as the name of a projection.
	Target string `json:"target,omitempty"`
	// Details are more that tells what is done. They hold no data about people.
	Details map[string]string `json:"details,omitempty"`
	// Account is the account of the machine on which the command line ran.
	Account personal.Text `json:"account,omitzero" subject:"actId"`
	// Reason is free text, and so may be about a person.
	Reason     personal.Text `json:"reason,omitzero" subject:"actId"`
	OccurredAt time.Time     `json:"occurredAt"`
}

// OperatorActEnded says how an act ended.
type OperatorActEnded struct {
	ActID   id.Act  `json:"actId"`
	Outcome Outcome `json:"outcome"`
	// Note is a sentence about what was done, or why it failed.
	Note       string    `json:"note,omitempty"`
	OccurredAt time.Time `json:"occurredAt"`
}

// EventType is the stored name.
func (OperatorActBegan) EventType() string { return "OperatorActBegan" }

// EventType is the stored name.
func (OperatorActEnded) EventType() string { return "OperatorActEnded" }
