package act

import "github.com/perfectworks/backend/domain/access"

// Kind says what an operator does.
type Kind string

// The kinds of acts.
const (
	RebuildProjection  Kind = "rebuild-projection"
	ConfirmRebuild     Kind = "confirm-rebuild"
	CancelRebuild      Kind = "cancel-rebuild"
	RollBackProjection Kind = "roll-back-projection"
	VerifyProjection   Kind = "verify-projection"
	RepairProjection   Kind = "repair-projection"
	PruneGenerations   Kind = "prune-generations"
	DropGeneration     Kind = "drop-generation"
	RevealParked       Kind = "reveal-parked-event"
	RetryParked        Kind = "retry-parked-events"
	SkipParked         Kind = "skip-parked-event"
	ReplayIntoScratch  Kind = "replay-into-scratch"
	RetryJob           Kind = "retry-job"
	DiscardJob         Kind = "discard-job"
	StartPolicy        Kind = "start-policy"
	RevealPersonal     Kind = "reveal-personal-data"
	ExportAudit        Kind = "export-audit-log"
	TakeCheckpoint     Kind = "take-checkpoint"
	BeginTree          Kind = "begin-checkpoint-tree"
	RotateKeys         Kind = "rotate-keys"
)

// rules are what an act of a kind needs.
type rules struct {
	permission access.Permission
	// reason says that it must be told why.
	reason bool
}

var kinds = map[Kind]rules{
	RebuildProjection:  {access.ManageOperations, false},
	ConfirmRebuild:     {access.ManageOperations, false},
	CancelRebuild:      {access.ManageOperations, false},
	RollBackProjection: {access.ManageOperations, false},
	VerifyProjection:   {access.ManageOperations, false},
	RepairProjection:   {access.ManageOperations, false},
	PruneGenerations:   {access.ManageOperations, false},
	DropGeneration:     {access.ManageOperations, false},
	RevealParked:       {access.ManageOperations, true},
	RetryParked:        {access.ManageOperations, false},
	SkipParked:         {access.ManageOperations, true},
	ReplayIntoScratch:  {access.ManageOperations, false},
	RetryJob:           {access.ManageOperations, false},
	DiscardJob:         {access.ManageOperations, true},
	StartPolicy:        {access.ManageOperations, false},
	RevealPersonal:     {access.ManageOperations, true},
	ExportAudit:        {access.ManageOperations, false},
	TakeCheckpoint:     {access.ManageOperations, false},
	BeginTree:          {access.ManageOperations, true},
	RotateKeys:         {access.ManageOperations, true},
}

// Valid reports whether there are acts of this kind.
func (k Kind) Valid() bool {
	_, ok := kinds[k]
	return ok
}

// Permission returns what an operator needs for acts of this kind.
func (k Kind) Permission() access.Permission { return kinds[k].permission }

// NeedsReason reports whether acts of this kind must say why.
func (k Kind) NeedsReason() bool { return kinds[k].reason }

// Outcome says how an act ended, or that it has not.
type Outcome string

// The outcomes.
const (
	Underway    Outcome = "underway"
	Done        Outcome = "done"
	Failed      Outcome = "failed"
	Interrupted Outcome = "interrupted"
)

// Valid reports whether an act can end like this.
func (o Outcome) Valid() bool { return o == Done || o == Failed || o == Interrupted }
