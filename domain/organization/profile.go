package organization

import (
	"strings"

	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/input"
	"github.com/perfectworks/backend/domain/personal"
)

// Longest values, in characters.
const (
	maxName        = 100
	maxDescription = 1000
)

// Profile is what an organization says about itself. All but Name may be empty.
type Profile struct {
	Name        string
	Email       personal.Text
	Website     string
	Description string
	LogoURL     string
	// Country is an ISO 3166-1 alpha-2 code, Timezone a name of the IANA time
	// zone database.
	Country  string
	Timezone string
}

// ProfileChange is a partial profile: nil leaves a field as it is, and an empty
// text clears it, unless it is the name.
type ProfileChange struct {
	Name        *string
	Email       *personal.Text
	Website     *string
	Description *string
	LogoURL     *string
	Country     *string
	Timezone    *string
}

// with is the profile after a change, and the fields that it makes different.
// What breaks a rule is noted.
func (p Profile) with(c ProfileChange, wrong *failure.Fields) (Profile, []string) {
	after := p
	set(&after.Name, c.Name, func(s string) string { return input.Line(wrong, "name", s, 1, maxName) })
	if c.Email != nil {
		after.Email = personal.New(input.Email(wrong, "email", c.Email.Reveal()))
	}
	set(&after.Website, c.Website, func(s string) string { return input.URL(wrong, "website", s) })
	set(&after.Description, c.Description, func(s string) string {
		return input.Paragraphs(wrong, "description", s, maxDescription)
	})
	set(&after.LogoURL, c.LogoURL, func(s string) string { return input.URL(wrong, "logoUrl", s) })
	set(&after.Country, c.Country, func(s string) string { return country(wrong, s) })
	set(&after.Timezone, c.Timezone, func(s string) string { return timezone(wrong, s) })

	var changed input.Changed
	changed.If(after.Name != p.Name, "name")
	changed.If(after.Email != p.Email, "email")
	changed.If(after.Website != p.Website, "website")
	changed.If(after.Description != p.Description, "description")
	changed.If(after.LogoURL != p.LogoURL, "logoUrl")
	changed.If(after.Country != p.Country, "country")
	changed.If(after.Timezone != p.Timezone, "timezone")
	return after, changed
}

func set(field, value *string, rule func(string) string) {
	if value != nil {
		*field = rule(*value)
	}
}

func country(wrong *failure.Fields, value string) string {
	code := strings.ToUpper(strings.TrimSpace(value))
	if code != "" && !isCountry(code) {
		wrong.Add("country", input.CodeUnknown, "must be an ISO 3166-1 alpha-2 country code, such as NL")
		return ""
	}
	return code
}

func timezone(wrong *failure.Fields, value string) string {
	name := strings.TrimSpace(value)
	if name != "" && !isTimezone(name) {
		wrong.Add("timezone", input.CodeUnknown, "must be a name of the IANA time zone database, such as Europe/Amsterdam")
		return ""
	}
	return name
}
