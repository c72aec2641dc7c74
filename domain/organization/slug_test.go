package organization_test

import (
	"archive/zip"
	"errors"
	"math/rand/v2"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/perfectworks/backend/domain/domaintest"
	"github.com/perfectworks/backend/domain/organization"
)

// refusal is the failure's field and code when an organization asks for a
// slug or another value; empty when there is none.
func refusal(t *testing.T, slug string, p organization.ProfileChange) string {
	t.Helper()
	p.Name = text("Acme")
	_, err := organization.State{}.Register(organization.Registration{Slug: slug, Profile: p}, start)
	return domaintest.Broken(err)
}

func TestSlugRules(t *testing.T) {
	t.Parallel()
	for slug, want := range map[string]string{
		"acme": "", "a-1": "", "123": "", " acme ": "", strings.Repeat("a", 48): "", "a-b-c-d": "",
		"": "slug REQUIRED", "ab": "slug TOO_SHORT", strings.Repeat("a", 49): "slug TOO_LONG",
		"-acme": "slug FORMAT_INVALID", "acme-": "slug FORMAT_INVALID", "ac--me": "slug FORMAT_INVALID",
		"Acme": "slug FORMAT_INVALID", "ac_me": "slug FORMAT_INVALID", "ac me": "slug FORMAT_INVALID",
		"acmé": "slug FORMAT_INVALID", "acme\n-": "slug FORMAT_INVALID", "ａｃｍｅ": "slug FORMAT_INVALID",
		"ac.me": "slug FORMAT_INVALID", "../..": "slug FORMAT_INVALID", "---": "slug FORMAT_INVALID",
		"admin": "slug RESERVED", "api": "slug RESERVED", "current": "slug RESERVED", "perfectworks": "slug RESERVED",
		"slug": "slug RESERVED", "admin-2": "",
		// Look-alikes and what cannot be seen.
		"аcme": "slug FORMAT_INVALID", "аdmin": "slug FORMAT_INVALID", "acme\u200b": "slug FORMAT_INVALID", "acme\u202e": "slug FORMAT_INVALID",
		"ad\u00admin": "slug FORMAT_INVALID", "ADMIN": "slug FORMAT_INVALID", "ａdmin": "slug FORMAT_INVALID", "acme\x00": "slug FORMAT_INVALID",
		"a‑b": "slug FORMAT_INVALID", "a\xffcme": "slug FORMAT_INVALID",
	} {
		if got := refusal(t, slug, organization.ProfileChange{}); got != want {
			t.Errorf("slug %q: got %q, want %q", slug, got, want)
		}
	}
}

func TestSlugCandidates(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]string{
		"Acme":                      "acme",
		"  Acme & Söhne GmbH  ":     "acme-sohne-gmbh",
		"Ångström's Øl":             "angstroms-ol",
		"Straße":                    "strasse",
		"İstanbul Kıyı":             "istanbul-kiyi",
		"Łódź":                      "lodz",
		"Обзор":                     "obzor",
		"Объект":                    "obekt",
		"Αθήνα":                     "athina",
		"Tiếng Việt":                "tieng-viet",
		"--- a ---- b ---":          "a-b",
		"ＡＣＭＥ":                      "acme",
		"100% Pure":                 "100-pure",
		"Admin":                     "admin-2",
		"X":                         "x-2",
		strings.Repeat("word ", 20): "word-word-word-word-word-word-word-word-word-wor",
	} {
		for got := range organization.SlugCandidates(name, rand.NewChaCha8([32]byte{1})) {
			if got != first {
				t.Errorf("%q begins with %q, want %q", name, got, first)
			}
			break
		}
	}
}

func TestSlugCandidatesGoOnToRandomOnes(t *testing.T) {
	t.Parallel()
	random := regexp.MustCompile(`^acme-[a-z2-7]{8}$`)
	got := slices.Collect(organization.SlugCandidates("Acme", rand.NewChaCha8([32]byte{1})))
	want := []string{"acme", "acme-2", "acme-3", "acme-4", "acme-5", "acme-6", "acme-7", "acme-8", "acme-9"}
	if len(got) != len(want)+4 || !slices.Equal(got[:len(want)], want) {
		t.Fatalf("got %q", got)
	}
	for _, slug := range got[len(want):] {
		if !random.MatchString(slug) {
			t.Errorf("got %q", slug)
		}
	}
	again := slices.Collect(organization.SlugCandidates("Acme", rand.NewChaCha8([32]byte{1})))
	if !slices.Equal(got, again) {
		t.Error("the same entropy gives other candidates")
	}
	for slug := range organization.SlugCandidates("東京", rand.NewChaCha8([32]byte{1})) {
		if !strings.HasPrefix(slug, "org-") {
			t.Errorf("got %q for a name that is not transliterated", slug)
		}
	}
	if n := len(slices.Collect(organization.SlugCandidates("Acme", iotest.ErrReader(errors.New("empty"))))); n != len(want) {
		t.Errorf("%d candidates without entropy, want %d", n, len(want))
	}
}

func FuzzSlugCandidates(f *testing.F) {
	for _, s := range []string{"Acme", "", "-", "Объект", "\xff", strings.Repeat("a-", 40), strings.Repeat("ab ", 17)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		n := 0
		for slug := range organization.SlugCandidates(name, rand.NewChaCha8([32]byte{1})) {
			if broken := refusal(t, slug, organization.ProfileChange{}); broken != "" {
				t.Errorf("%q gives %q: %s", name, slug, broken)
			}
			n++
		}
		if n == 0 {
			t.Errorf("%q gives no slug", name)
		}
	})
}

func TestPlaces(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"": "", "NL": "", "de": "", " us ": "", "GB": "", "TW": "", "SS": "",
		"UK": "country VALUE_UNKNOWN", "EU": "country VALUE_UNKNOWN", "XX": "country VALUE_UNKNOWN",
		"NLD": "country VALUE_UNKNOWN", "N": "country VALUE_UNKNOWN", "528": "country VALUE_UNKNOWN",
		"\n": "",
	} {
		if got := refusal(t, "acme", organization.ProfileChange{Country: text(code)}); got != want {
			t.Errorf("country %q: got %q, want %q", code, got, want)
		}
	}
	for name, want := range map[string]string{
		"": "", "Europe/Amsterdam": "", "America/Argentina/Buenos_Aires": "", "UTC": "", "Etc/GMT+5": "", "Asia/Calcutta": "",
		"CEST": "timezone VALUE_UNKNOWN", "europe/amsterdam": "timezone VALUE_UNKNOWN", "Local": "timezone VALUE_UNKNOWN",
		"../../etc/passwd": "timezone VALUE_UNKNOWN", "+02:00": "timezone VALUE_UNKNOWN", "Europe/": "timezone VALUE_UNKNOWN",
	} {
		if got := refusal(t, "acme", organization.ProfileChange{Timezone: text(name)}); got != want {
			t.Errorf("timezone %q: got %q, want %q", name, got, want)
		}
	}
}

// The list must be renewed when a newer toolchain knows more zones.
func TestTimezonesAreThoseOfTheToolchain(t *testing.T) {
	t.Parallel()
	zones, err := zip.OpenReader(filepath.Join(runtime.GOROOT(), "lib", "time", "zoneinfo.zip")) //nolint:staticcheck // Tests run from the toolchain.
	if err != nil {
		t.Skip("this toolchain brings no time zones:", err)
	}
	defer zones.Close()
	for _, f := range zones.File {
		if strings.HasSuffix(f.Name, "/") || f.Name == "Factory" {
			continue
		}
		if got := refusal(t, "acme", organization.ProfileChange{Timezone: text(f.Name)}); got != "" {
			t.Errorf("%s: %s", f.Name, got)
		}
		if _, err := time.LoadLocation(f.Name); err != nil {
			t.Error(err)
		}
	}
}
