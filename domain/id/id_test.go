package id_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/id"
)

var now = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func source(at time.Time, fill byte) id.Source {
	return id.Source{Now: at, Entropy: bytes.NewReader(bytes.Repeat([]byte{fill}, 64))}
}

func TestIDsAreMadeFromTimeAndRandomnessAlone(t *testing.T) {
	t.Parallel()
	a, _ := id.New[id.User](source(now, 1))
	b, _ := id.New[id.User](source(now, 1))
	c, _ := id.New[id.User](source(now, 2))
	if a != b {
		t.Errorf("the same time and bytes gave %s and %s", a, b)
	}
	if a == c {
		t.Error("other bytes gave the same id")
	}
}

func TestIDsSortByTime(t *testing.T) {
	t.Parallel()
	early, _ := id.New[id.Organization](source(now, 0xff))
	late, _ := id.New[id.Organization](source(now.Add(time.Millisecond), 0))
	if early >= late {
		t.Errorf("%s does not sort before %s", early, late)
	}
}

func TestIDsBearTheirPrefix(t *testing.T) {
	t.Parallel()
	s := source(now, 7)
	user, _ := id.New[id.User](s)
	organization, _ := id.New[id.Organization](s)
	key, _ := id.New[id.APIKey](s)
	for prefix, v := range map[string]string{"user": string(user), "org": string(organization), "key": string(key)} {
		if !strings.HasPrefix(v, prefix+"_") {
			t.Errorf("%s does not have the prefix %s", v, prefix)
		}
	}
	if !id.Valid(user) || !id.Valid(organization) || !id.Valid(key) {
		t.Errorf("one of %s, %s and %s is not valid", user, organization, key)
	}
	if id.Valid(id.User(organization)) || id.Valid(id.APIKey(user)) {
		t.Error("an id with another prefix is valid")
	}
}

func TestTooLittleRandomnessIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := id.New[id.User](id.Source{Now: now, Entropy: bytes.NewReader(nil)}); err == nil {
		t.Error("an id was made from nothing")
	}
}

func FuzzValid(f *testing.F) {
	v, _ := id.New[id.User](source(now, 3))
	f.Add(string(v))
	f.Add("user_")
	f.Add("user_8zzzzzzzzzzzzzzzzzzzzzzzzz")
	f.Fuzz(func(t *testing.T, s string) {
		if id.Valid(id.User(s)) && len(s) != len("user_")+26 {
			t.Fatalf("%q is valid with %d bytes", s, len(s))
		}
	})
}
