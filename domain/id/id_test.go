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
	a, _ := source(now, 1).User()
	b, _ := source(now, 1).User()
	c, _ := source(now, 2).User()
	if a != b {
		t.Errorf("the same time and bytes gave %s and %s", a, b)
	}
	if a == c {
		t.Error("other bytes gave the same id")
	}
}

func TestIDsSortByTime(t *testing.T) {
	t.Parallel()
	early, _ := source(now, 0xff).Organization()
	late, _ := source(now.Add(time.Millisecond), 0).Organization()
	if early >= late {
		t.Errorf("%s does not sort before %s", early, late)
	}
}

func TestIDsBearTheirPrefix(t *testing.T) {
	t.Parallel()
	s := source(now, 7)
	user, _ := s.User()
	organization, _ := s.Organization()
	key, _ := s.APIKey()
	for prefix, v := range map[string]string{"user": string(user), "org": string(organization), "key": string(key)} {
		if !id.Valid(prefix, v) || !strings.HasPrefix(v, prefix+"_") {
			t.Errorf("%s is not a valid id with prefix %s", v, prefix)
		}
		if id.Valid("other", v) {
			t.Errorf("%s is taken for an id with another prefix", v)
		}
	}
}

func TestTooLittleRandomnessIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := (id.Source{Now: now, Entropy: bytes.NewReader(nil)}).User(); err == nil {
		t.Error("an id was made from nothing")
	}
}

func FuzzValid(f *testing.F) {
	v, _ := source(now, 3).User()
	f.Add(string(v))
	f.Add("user_")
	f.Add("user_8zzzzzzzzzzzzzzzzzzzzzzzzz")
	f.Fuzz(func(t *testing.T, s string) {
		if id.Valid(id.UserPrefix, s) && len(s) != len("user_")+26 {
			t.Fatalf("%q is valid with %d bytes", s, len(s))
		}
	})
}
