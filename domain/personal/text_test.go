package personal_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/perfectworks/backend/domain/personal"
)

const secret = "ada@example.org"

func TestTextNeverPrintsItself(t *testing.T) {
	t.Parallel()
	text := personal.New(secret)
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "text", text, "inside", struct{ T personal.Text }{text})
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "text", text, "inside", struct{ T personal.Text }{text})
	for what, printed := range map[string]string{
		"%v":   fmt.Sprintf("%v", text),
		"%+v":  fmt.Sprintf("%+v", struct{ T personal.Text }{text}),
		"%#v":  fmt.Sprintf("%#v", struct{ T personal.Text }{text}),
		"%s":   fmt.Sprintf("<%s>", text),
		"%q":   fmt.Sprintf("%q", text),
		"%x":   fmt.Sprintf("%x", text),
		"%d":   fmt.Sprintf("%d %t %o", text, text, struct{ T personal.Text }{text}),
		"slog": log.String(),
	} {
		if strings.Contains(printed, secret) || strings.Contains(printed, fmt.Sprintf("%x", secret)) {
			t.Errorf("%s printed the text: %s", what, printed)
		}
	}
}

func TestTextHasNoPlainJSONForm(t *testing.T) {
	t.Parallel()
	if _, err := json.Marshal(personal.New(secret)); !errors.Is(err, personal.ErrClear) {
		t.Errorf("marshalling gave %v, want ErrClear", err)
	}
	var text personal.Text
	if err := json.Unmarshal([]byte(`"x"`), &text); !errors.Is(err, personal.ErrClear) {
		t.Errorf("unmarshalling gave %v, want ErrClear", err)
	}
}

func TestAbsentErasedAndPresentDiffer(t *testing.T) {
	t.Parallel()
	present, absent, erased := personal.New(secret), personal.New(""), personal.Erased()
	if present.Reveal() != secret || absent.Reveal() != "" || erased.Reveal() != "" {
		t.Error("only a present text reveals something")
	}
	if present.IsErased() || absent.IsErased() || !erased.IsErased() {
		t.Error("only an erased text is erased")
	}
	if present.IsZero() || !absent.IsZero() || erased.IsZero() {
		t.Error("only an absent text is zero")
	}
	if present.Equal(erased) || absent.Equal(erased) || !present.Equal(personal.New(secret)) {
		t.Error("texts are equal when they are the same text")
	}
}
