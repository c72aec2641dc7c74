package tokenaccount

import "github.com/perfectworks/backend/domain/failure"

// Refusals of this package.
var (
	ErrInsufficient = failure.New(failure.PaymentRequired, "TOKENS_INSUFFICIENT",
		"the organization does not have enough tokens for this: buy more, or choose less")
	ErrSuspended = failure.New(failure.Conflict, "TOKEN_ACCOUNT_SUSPENDED",
		"the organization was deleted: its tokens cannot be spent")
	ErrReferenceReused = failure.New(failure.Conflict, "REFERENCE_REUSED",
		"this reference was used before with other content: use a new reference")
	ErrReferenceTooOld = failure.New(failure.Conflict, "REFERENCE_TOO_OLD",
		"this reference is too old to be used: use a new reference")
	ErrReservationNotFound = failure.New(failure.NotFound, "RESERVATION_NOT_FOUND",
		"there is no such reservation, or it ended too long ago")
	ErrReservationTimedOut = failure.New(failure.Conflict, "RESERVATION_TIMED_OUT",
		"the reservation has timed out")
	ErrReservationReleased = failure.New(failure.Conflict, "RESERVATION_RELEASED",
		"the reservation has been released")
	ErrReservationCaptured = failure.New(failure.Conflict, "RESERVATION_CAPTURED",
		"the reservation has been captured")
	ErrReservationNotCaptured = failure.New(failure.Conflict, "RESERVATION_NOT_CAPTURED",
		"only a captured reservation can be refunded")
	ErrRefundExceeded = failure.New(failure.Conflict, "REFUND_EXCEEDED",
		"this would refund more than was captured")
	// ErrOverdue says that Settle has to come first. Callers outside never see it.
	ErrOverdue = failure.New(failure.Unavailable, "TOKEN_ACCOUNT_BEHIND",
		"much of the account has come due and is being recorded: try again")
	ErrGrantNotFound = failure.New(failure.NotFound, "GRANT_NOT_FOUND",
		"there is no such grant, or it is too old to be changed")
)
