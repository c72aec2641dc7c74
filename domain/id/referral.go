package id

// Referrer is the id of a person as a referrer. It follows from the id of the
// person, who can be only one.
type Referrer string

// Prefix implements Name.
func (Referrer) Prefix() string { return "rfr" }

// ReferrerOf returns the id of a person as a referrer; empty if the person's id is
// not well formed.
func ReferrerOf(person User) Referrer { return renamed[Referrer](person) }

// Person returns the id of the person; empty if the referrer's id is not well
// formed.
func (r Referrer) Person() User { return renamed[User](r) }

// Referral is the id of a person as somebody who was referred. It follows from the
// id of the person.
type Referral string

// Prefix implements Name.
func (Referral) Prefix() string { return "rfl" }

// ReferralOf returns the id of a person as somebody who was referred; empty if the
// person's id is not well formed.
func ReferralOf(person User) Referral { return renamed[Referral](person) }

// Campaign is the id of a referrer's campaign.
type Campaign string

// Prefix implements Name.
func (Campaign) Prefix() string { return "cmp" }

// renamed is an id of another kind with the same UUID; empty if there is none.
func renamed[To, From Name](name From) To {
	u, ok := UUID(name)
	if !ok {
		return ""
	}
	return FromUUID[To](u)
}
