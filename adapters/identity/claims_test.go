package identity_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"pgregory.net/rapid"

	"github.com/perfectworks/backend/adapters/identity"
)

// A claim in another letter case, or given twice, must not change whom a token
// speaks for.
func TestVerifyReadsClaimsByTheirExactNames(t *testing.T) {
	t.Parallel()
	issuer := newTestIssuer(t)
	key := newKey(t, "k1", jose.ES256)
	issuer.publish(key)
	tokens := ready(t, issuer.config())
	good := strings.TrimSuffix(encodeClaims(t, issuer.claims()), "}")
	for _, more := range []string{
		`"SUB":"victim"`, `"Sub":"victim"`, `"ſub":"victim"`, `"sub":"victim"`, `"ISS":"https://example.com"`,
		`"Aud":"other"`, `"EXP":99999999999`, `"Iat":1`, `"Nbf":1`, `"EMAIL":"victim@example.org"`,
		`"Email_Verified":true`, `"email":"victim@example.org"`, `"email_verified":false`, `"exp":99999999999`,
		`"other":{"a":1,"a":2}`, `"other":[{"sub":1,"sub":2}]`, "\"other\":\"\xff\"",
	} {
		for _, payload := range []string{good + "," + more + "}", "{" + more + "," + good[1:] + "}"} {
			if got, err := tokens.Verify(t.Context(), signText(t, key, payload)); !errors.Is(err, identity.ErrTokenMalformed) {
				t.Errorf("with %s: %+v, %v", more, got, err)
			}
		}
	}
	for _, more := range []string{`"subject":"x"`, `"https://example.org/SUB":"x"`, `"other":{"SUB":1,"sub":2}`, `"name":"Ada"`} {
		if _, err := tokens.Verify(t.Context(), signText(t, key, good+","+more+"}")); err != nil {
			t.Errorf("with %s: %v", more, err)
		}
	}
}

// Whatever is added to a token, it is refused or speaks for the same person.
func TestAddedClaimsNeverChangeThePerson(t *testing.T) {
	t.Parallel()
	issuer := newTestIssuer(t)
	key := newKey(t, "k1", jose.ES256)
	issuer.publish(key)
	tokens := ready(t, issuer.config())
	good := encodeClaims(t, issuer.claims())
	want, err := tokens.Verify(t.Context(), signText(t, key, good))
	if err != nil {
		t.Fatal(err)
	}
	letters := map[rune]string{'s': "sSſ", 'k': "kK\u212a"}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"iss", "sub", "aud", "email", "email_verified", "tasks"}).Draw(t, "name")
		spelt := ""
		for _, r := range name {
			choice := letters[r]
			if choice == "" {
				choice = string(r) + strings.ToUpper(string(r))
			}
			spelt += string(rapid.SampledFrom([]rune(choice)).Draw(t, "letter"))
		}
		got, err := tokens.Verify(t.Context(), signText(t, key, fmt.Sprintf(`%s,%q:"victim"}`, strings.TrimSuffix(good, "}"), spelt)))
		if err == nil && got != want {
			t.Errorf("%q makes it %+v", spelt, got)
		}
		if (err == nil) != strings.EqualFold(name, "tasks") {
			t.Errorf("%q: %v", spelt, err)
		}
	})
}

func TestEmailClaimsAreValidated(t *testing.T) {
	t.Parallel()
	issuer := newTestIssuer(t)
	key := newKey(t, "k1", jose.ES256)
	issuer.publish(key)
	tokens := ready(t, issuer.config())
	for claim, want := range map[string]string{
		"ada@example.org":                            "ada@example.org",
		" ada@example.org ":                          "ada@example.org",
		"ada@example.org\x00":                        "",
		"a\x00da@example.org":                        "",
		"ada@example.org\r\nBcc: b@c.example":        "",
		"ada@example.org\u202e":                      "",
		"ad\u200ba@example.org":                      "",
		"ada":                                        "",
		"Ada <ada@example.org>":                      "",
		`"a b"@example.org`:                          "",
		"ada@[127.0.0.1]":                            "",
		"ada@exa_mple.org":                           "",
		strings.Repeat("a", 65) + "@b.example":       "",
		"a@" + strings.Repeat("b", 64) + ".example":  "",
		strings.Repeat("a", 1<<12) + "@b.example":    "",
		"ada@" + strings.Repeat("b.", 130) + "c.com": "",
	} {
		claims := issuer.claims()
		claims["email"] = claim
		got, err := tokens.Verify(t.Context(), sign(t, key, claims))
		if err != nil { // Nobody is locked out for it.
			t.Fatalf("%q: %v", claim, err)
		}
		if got.Email.Reveal() != want || (got.EmailHash == "") != (want == "") || got.EmailVerified != (want != "") || got.EmailInvalid != (want == "") {
			t.Errorf("%q gives %q, %+v", claim, got.Email.Reveal(), got)
		}
	}
}

func TestSpellingsOfOneAddressHaveOneHash(t *testing.T) {
	t.Parallel()
	issuer := newTestIssuer(t)
	key := newKey(t, "k1", jose.ES256)
	issuer.publish(key)
	tokens := ready(t, issuer.config())
	hash := func(email string) string {
		claims := issuer.claims()
		claims["email"] = email
		got, err := tokens.Verify(t.Context(), sign(t, key, claims))
		if err != nil || got.EmailHash == "" {
			t.Fatalf("%q: %+v %v", email, got, err)
		}
		return got.EmailHash
	}
	for _, same := range [][]string{
		{"ada@example.org", "ADA@Example.Org", "ａｄａ@example.org", "ada＠example.org", "ada@example。org"},
		{"ada@bücher.example", "Ada@BÜCHER.example", "ada@xn--bcher-kva.example", "ada@bu\u0308cher.example"},
	} {
		for _, spelling := range same[1:] {
			if hash(spelling) != hash(same[0]) {
				t.Errorf("%q is another than %q", spelling, same[0])
			}
		}
	}
	if hash("ada@example.org") == hash("аda@example.org") { // a Cyrillic a
		t.Error("a look-alike is taken for the address")
	}
}

func TestDiscoveryAndKeysAreReadByExactNames(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		discovery string
		want      string
	}{
		"keys of another name":   {discovery: `{"issuer":%[1]q,"JWKS_URI":"%[1]s/keys","id_token_signing_alg_values_supported":["ES256"]}`, want: "address of its keys"},
		"keys given twice":       {discovery: `{"issuer":%[1]q,"jwks_uri":"%[1]s/keys","jwks_uri":"%[1]s/other","id_token_signing_alg_values_supported":["ES256"]}`, want: "read the announcements"},
		"issuer in capitals":     {discovery: `{"Issuer":%[1]q,"jwks_uri":"%[1]s/keys","id_token_signing_alg_values_supported":["ES256"]}`, want: "issuer"},
		"issuer in both":         {discovery: `{"issuer":"https://example.com","ISSUER":%[1]q,"jwks_uri":"%[1]s/keys","id_token_signing_alg_values_supported":["ES256"]}`, want: "issuer is another one"},
		"algorithms in capitals": {discovery: `{"issuer":%[1]q,"jwks_uri":"%[1]s/keys","ID_TOKEN_SIGNING_ALG_VALUES_SUPPORTED":["ES256"]}`, want: "asymmetric"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			issuer := newTestIssuer(t)
			issuer.publish(newKey(t, "k1", jose.ES256))
			issuer.set(func(i *testIssuer) { i.discovery = fmt.Sprintf(c.discovery, i.URL) })
			tokens := run(t, issuer.config())
			eventually(t, func() bool { return strings.Contains(tokens.Ready().Error(), c.want) })
		})
	}
}

func encodeClaims(t *testing.T, claims map[string]any) string {
	t.Helper()
	text, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
