package organization

import (
	_ "embed" // The lists of countries and time zones.
	"strings"
)

// Both lists come from the IANA time zone database: the codes of its iso3166.tab
// (release 2025b), and the names that it compiles to (2025c). They are kept here
// so that a decision depends on no file of the machine.
var (
	//go:embed countries.txt
	countryList string
	//go:embed timezones.txt
	timezoneList string

	countries = setOf(countryList)
	timezones = setOf(timezoneList)
)

func setOf(lines string) map[string]bool {
	set := map[string]bool{}
	for line := range strings.Lines(lines) {
		set[strings.TrimSpace(line)] = true
	}
	return set
}

func isCountry(code string) bool  { return countries[code] }
func isTimezone(name string) bool { return timezones[name] }
