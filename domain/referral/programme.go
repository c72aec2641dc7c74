package referral

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"regexp"
	"time"
)

// Rule is one version of the terms on which commissions are earned. It is frozen
// into the referral that it applies to.
type Rule struct {
	// Version numbers the rules of a programme, from 1.
	Version int `json:"version"`
	// WindowDays is for how long a click counts before a registration.
	WindowDays int `json:"windowDays"`
	// RateBasisPoints is the commission in hundredths of a percent.
	RateBasisPoints int64 `json:"rateBasisPoints"`
	// Months is for how long after the registration payments earn a commission.
	Months int `json:"months"`
	// HoldDays is how long after the payment a commission matures.
	HoldDays int `json:"holdDays"`
	// Currency is the only one in which payments earn a commission: an ISO 4217
	// code in lower case.
	Currency string `json:"currency"`
}

// Programme is the referral programme of the product. Amounts are in the minor unit
// of the currency of the latest rule.
type Programme struct {
	// TermsVersion names the terms that a referrer accepts.
	TermsVersion string `json:"termsVersion"`
	// MinimumPayout is the smallest withdrawal.
	MinimumPayout int64 `json:"minimumPayout"`
	// SecondApprovalAbove is the amount above which two persons must approve a
	// withdrawal.
	SecondApprovalAbove int64 `json:"secondApprovalAbove"`
	// Rules are all versions there ever were, in their order: clicks made under an
	// older one are judged by it.
	Rules []Rule `json:"rules"`
}

// Bounds of a rule.
const (
	maxWindowDays = 365
	maxMonths     = 120
	maxHoldDays   = 365
	maxBasis      = 10_000
)

var (
	currencyPattern = regexp.MustCompile(`^[a-z]{3}$`)
	termsPattern    = regexp.MustCompile(`^[A-Za-z0-9._-]{1,32}$`)
)

// ReadProgramme reads a programme from JSON, and says all that is wrong with it.
func ReadProgramme(text []byte) (Programme, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	var p Programme
	if err := decoder.Decode(&p); err != nil {
		return Programme{}, fmt.Errorf("the referral programme cannot be read: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return Programme{}, errors.New("the referral programme cannot be read: something follows it")
	}
	if err := p.check(); err != nil {
		return Programme{}, fmt.Errorf("the referral programme is not usable: %w", err)
	}
	return p, nil
}

func (p Programme) check() error {
	var wrong []error
	refuse := func(broken bool, format string, args ...any) {
		if broken {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	refuse(!termsPattern.MatchString(p.TermsVersion), "termsVersion must have 1 to 32 letters, digits, dots, underscores and hyphens")
	refuse(p.MinimumPayout < 1, "minimumPayout must be positive")
	refuse(p.SecondApprovalAbove < 0, "secondApprovalAbove must not be negative")
	refuse(len(p.Rules) == 0, "it has no rules")
	for i, r := range p.Rules {
		refuse(r.Version != i+1, "rule %d: versions count from 1 without gaps", i+1)
		refuse(r.WindowDays < 1 || r.WindowDays > maxWindowDays, "rule %d: windowDays lies outside 1 to %d", i+1, maxWindowDays)
		refuse(r.RateBasisPoints < 0 || r.RateBasisPoints > maxBasis, "rule %d: rateBasisPoints lies outside 0 to %d", i+1, maxBasis)
		refuse(r.Months < 1 || r.Months > maxMonths, "rule %d: months lies outside 1 to %d", i+1, maxMonths)
		refuse(r.HoldDays < 0 || r.HoldDays > maxHoldDays, "rule %d: holdDays lies outside 0 to %d", i+1, maxHoldDays)
		refuse(!currencyPattern.MatchString(r.Currency), "rule %d: the currency must be three lower case letters", i+1)
		refuse(r.Currency != p.Rules[0].Currency, "rule %d: all rules have one currency", i+1)
	}
	return errors.Join(wrong...)
}

// Current is the latest rule. The zero programme has a zero rule, by which nothing
// is earned.
func (p Programme) Current() Rule {
	if len(p.Rules) == 0 {
		return Rule{}
	}
	return p.Rules[len(p.Rules)-1]
}

// Rule finds a rule by its version.
func (p Programme) Rule(version int) (Rule, bool) {
	if version < 1 || version > len(p.Rules) {
		return Rule{}, false
	}
	return p.Rules[version-1], true
}

// Window is for how long a click counts.
func (r Rule) Window() time.Duration { return time.Duration(r.WindowDays) * 24 * time.Hour }

// EarnsUntil is the first instant at which a payment of somebody who registered at
// a time earns no commission any more.
func (r Rule) EarnsUntil(registered time.Time) time.Time { return registered.AddDate(0, r.Months, 0) }

// MaturesAt is the first instant at which the commission on a payment can be
// withdrawn, disputes aside.
func (r Rule) MaturesAt(paid time.Time) time.Time { return paid.AddDate(0, 0, r.HoldDays) }

// Commission is what a payment earns: the rate of its amount before tax, of which
// the part is left that was not returned of the total; rounded down once. It is
// zero when all was returned.
func (r Rule) Commission(subtotal, total, returned int64) int64 {
	if subtotal <= 0 || total <= 0 || returned >= total {
		return 0
	}
	n := new(big.Int).Mul(big.NewInt(subtotal), big.NewInt(r.RateBasisPoints))
	n.Mul(n, big.NewInt(total-max(returned, 0)))
	return n.Div(n, new(big.Int).Mul(big.NewInt(total), big.NewInt(maxBasis))).Int64()
}
