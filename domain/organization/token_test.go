package organization_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
)

func TestToken(t *testing.T) {
	t.Parallel()
	const name id.Invitation = "inv_01jd9z3q5we8x9v6m2k4t7r1b9"
	token := organization.NewToken(name, [32]byte{1, 2, 3, 255})
	got, ok := organization.ParseToken(token.Reveal())
	if !ok || got != token || got.InvitationID() != name || got.HexHash() != token.HexHash() {
		t.Errorf("read as %v, %v", got.InvitationID(), ok)
	}
	if other := organization.NewToken(name, [32]byte{1}); other.HexHash() == token.HexHash() || len(other.HexHash()) != 64 {
		t.Error("two tokens have one hash")
	}
	encoded, err := json.Marshal(map[string]any{"token": token})
	for _, shown := range []string{fmt.Sprint(token), fmt.Sprintf("%+v %#v %q", token, token, token), string(encoded)} {
		if err != nil || strings.Contains(shown, token.Reveal()[30:]) {
			t.Errorf("it shows in %s, %v", shown, err)
		}
	}
	text := token.Reveal()
	for name, bad := range map[string]string{
		"empty": "", "short": text[1:], "long": text + "A", "padded": text[:len(text)-1] + "=", "another alphabet": text[:len(text)-1] + "+",
		"loose bits": text[:len(text)-1] + "B", "no id": strings.Repeat("z", 26) + text[26:], "upper case": strings.ToUpper(text[:26]) + text[26:],
		"space": " " + text[1:],
	} {
		if got, ok := organization.ParseToken(bad); ok || !got.IsZero() {
			t.Errorf("%s is a token", name)
		}
	}
}
