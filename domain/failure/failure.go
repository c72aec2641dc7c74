// Package failure is how the domain says no: a stable code that programs
// branch on, a sentence for people, and the kind that decides how a transport
// answers.
package failure

import "errors"

// Kind groups failures by what the caller can do about them.
type Kind int

// The kinds, each with the HTTP status it becomes.
const (
	Invalid          Kind = iota + 1 // 400: the input breaks a rule
	Unauthenticated                  // 401: the caller is unknown
	Forbidden                        // 403: known, but not allowed
	NotFound                         // 404: absent, or not for the caller to know
	Conflict                         // 409: clashes with the present state
	Gone                             // 410: was there, is over
	Stale                            // 412: another change came first
	Unprocessable                    // 422: understood, but cannot be done
	PaymentRequired                  // 402: understood, but there are not enough tokens
	Unavailable                      // 503: try again later
	TooLarge                         // 413: more than is accepted
	UnsupportedMedia                 // 415: of a type that is not accepted
)

// Failure is a refusal. It changes nothing and is safe to show: its texts
// never hold a secret or personal data.
type Failure struct {
	Kind    Kind
	Code    string // stable, UPPER_SNAKE_CASE
	Message string
	Details []Detail
}

// Detail points at one field of the input.
type Detail struct {
	Field   string // as it is named on the wire
	Code    string
	Message string
}

// Error is the code and the sentence.
func (f *Failure) Error() string { return f.Code + ": " + f.Message }

// Is reports two failures with the same code as the same failure, so that
// errors.Is works with the exported values of the domain packages.
func (f *Failure) Is(target error) bool {
	var t *Failure
	return errors.As(target, &t) && t.Code == f.Code
}

// New makes a failure without details.
func New(kind Kind, code, message string) *Failure {
	return &Failure{Kind: kind, Code: code, Message: message}
}

// Of finds the failure in an error's chain, or nil.
func Of(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// Refused tells whether an error is a refusal, which surely changed nothing. After any
// other error, such as that of an outage, what was asked for may have been done, or
// may still be: what it needs must be kept.
func Refused(err error) bool {
	f := Of(err)
	return f != nil && f.Kind != Unavailable
}

// CodeValidation is the code of every failure that Fields makes.
const CodeValidation = "VALIDATION_FAILED"

// Fields collects what is wrong with an input, so that a caller learns all of
// it at once. The zero value is ready to use.
type Fields struct{ details []Detail }

// Add notes that a field breaks a rule.
func (f *Fields) Add(field, code, message string) {
	f.details = append(f.details, Detail{Field: field, Code: code, Message: message})
}

// Err is nil when nothing was added, else one Invalid failure with all details.
func (f *Fields) Err() error {
	if len(f.details) == 0 {
		return nil
	}
	return &Failure{
		Kind: Invalid, Code: CodeValidation,
		Message: "the input breaks " + plural(len(f.details)), Details: f.details,
	}
}

func plural(n int) string {
	if n == 1 {
		return "a rule"
	}
	return "several rules"
}
