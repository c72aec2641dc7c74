package httpapi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// accepting is an API whose commands all succeed, and hands over what it was
// told to do.
func accepting(t *testing.T, change func(*Deps)) (*harness, *recorded) {
	t.Helper()
	rec := &recorded{}
	return newHarness(t, func(d *Deps) {
		d.Commands.RegisterUser = record[commands.RegisterUser, commands.RegisteredUser](rec)
		d.Commands.UpdateUserProfile = record[commands.UpdateUserProfile, user.State](rec)
		d.Commands.SwitchActiveOrganization = record[commands.SwitchActiveOrganization, commands.SwitchedOrganization](rec)
		d.Commands.CreateOrganization = record[commands.CreateOrganization, commands.CreatedOrganization](rec)
		d.Commands.UpdateOrganization = record[commands.UpdateOrganization, organization.State](rec)
		d.Commands.IssueAPIKey = record[commands.IssueAPIKey, commands.IssuedAPIKey](rec)
		d.Commands.UpdateAPIKey = record[commands.UpdateAPIKey, apikey.State](rec)
		d.Commands.RevokeAPIKey = record[commands.RevokeAPIKey, apikey.State](rec)
		d.Commands.RotateAPIKey = record[commands.RotateAPIKey, commands.RotatedAPIKey](rec)
		if change != nil {
			change(d)
		}
	}), rec
}

// recorded is what commands were asked for. Each call answers with the next
// result, the last one again and again.
type recorded struct {
	requests []commands.Request
	commands []any
	results  []error
}

func record[C, R any](rec *recorded) commands.Handler[C, R] {
	return func(_ context.Context, req commands.Request, c C) (commands.Result[R], error) {
		rec.requests = append(rec.requests, req)
		rec.commands = append(rec.commands, c)
		var err error
		if n := len(rec.results); n > 0 {
			err = rec.results[min(len(rec.requests), n)-1]
		}
		return commands.Result[R]{Revision: 7, Position: position(len(rec.requests))}, err
	}
}

func TestBodiesThatAreRefused(t *testing.T) {
	t.Parallel()
	h, rec := accepting(t, nil)
	keys := post("/api/v0/api-keys")
	for name, test := range map[string]struct {
		call   call
		status int
		code   string
		field  string
		rule   string
	}{
		"none":                   {call: post("/api/v0/users/client"), status: 400, code: "BODY_MISSING"},
		"broken":                 {call: keys.json(`{"description":`), status: 400, code: "JSON_MALFORMED"},
		"two":                    {call: keys.json(`{}{}`), status: 400, code: "JSON_MALFORMED"},
		"not UTF-8":              {call: keys.json("{\"description\":\"\xff\"}"), status: 400, code: "JSON_MALFORMED"},
		"a list":                 {call: keys.json(`[]`), field: "body", rule: "TYPE_INVALID"},
		"a member twice":         {call: keys.json(`{"description":"a","description":"b"}`), field: "description", rule: "FIELD_DUPLICATED"},
		"too deep":               {call: keys.json(strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat(`}`, 100)), field: "body", rule: "TOO_DEEP"},
		"a wrong type":           {call: keys.json(`{"description":7}`), field: "description", rule: "TYPE_INVALID"},
		"a wrong type in a list": {call: keys.json(`{"scopes":["files:read",7]}`), field: "scopes[1]", rule: "TYPE_INVALID"},
		"a text for a list":      {call: keys.json(`{"scopes":"files:read"}`), field: "scopes", rule: "TYPE_INVALID"},
		"no time":                {call: keys.json(`{"expireAt":"tomorrow"}`), field: "expireAt", rule: "FORMAT_INVALID"},
		"a time without zone":    {call: keys.json(`{"expireAt":"2030-01-01T00:00:00"}`), field: "expireAt", rule: "FORMAT_INVALID"},
		"a time with a comma":    {call: keys.json(`{"expireAt":"2030-01-01T00:00:00,5Z"}`), field: "expireAt", rule: "FORMAT_INVALID"},
		"a number for a time":    {call: keys.json(`{"expireAt":1893456000}`), field: "expireAt", rule: "TYPE_INVALID"},
		"a control character":    {call: keys.json(`{"description":"a\u0000b"}`), field: "description", rule: "CHARACTER_FORBIDDEN"},
		"too long":               {call: keys.json(`{"description":"` + strings.Repeat("é", 256) + `"}`), field: "description", rule: "TOO_LONG"},
		"misspelt":               {call: keys.json(`{"expiresAt":"2030-01-01T00:00:00Z"}`), field: "expiresAt", rule: "FIELD_UNKNOWN"},
		"a required one missing": {call: post("/api/v0/users/client").json(`{"lastName":"x"}`), field: "firstName", rule: "REQUIRED"},
		"a required one null":    {call: post("/api/v0/users/client").json(`{"firstName":null,"lastName":"x"}`), field: "firstName", rule: "TYPE_INVALID"},
		"a number out of bounds": {call: post("/api/v0/api-keys/key_1/rotate").json(`{"overlap":-1}`), field: "overlap", rule: "OUT_OF_RANGE"},
		"a number too great":     {call: post("/api/v0/api-keys/key_1/rotate").json(`{"overlap":1e30}`), field: "overlap", rule: "OUT_OF_RANGE"},
		"a number beyond floats": {call: post("/api/v0/api-keys/key_1/rotate").json(`{"overlap":1e999}`), field: "overlap", rule: "FORMAT_INVALID"},
		"a fraction":             {call: post("/api/v0/api-keys/key_1/rotate").json(`{"overlap":1.5}`), field: "overlap", rule: "TYPE_INVALID"},
		"a form":                 {call: keys.json(`a=b`).with("Content-Type", "application/x-www-form-urlencoded"), status: 415, code: "MEDIA_TYPE_UNSUPPORTED"},
		"another charset":        {call: keys.json(`{}`).with("Content-Type", "application/json; charset=latin1"), status: 415, code: "MEDIA_TYPE_UNSUPPORTED"},
		"an unreadable media":    {call: keys.json(`{}`).with("Content-Type", ";;"), status: 415, code: "MEDIA_TYPE_UNSUPPORTED"},
		"compressed":             {call: keys.json(`{}`).with("Content-Encoding", "gzip"), status: 415, code: "CONTENT_ENCODING_UNSUPPORTED"},
		"too large":              {call: keys.json(`{"description":"` + strings.Repeat("a", defaultMaxBody) + `"}`), status: 413, code: "BODY_TOO_LARGE"},
		"too large and of no length": {
			call:   keys.from(io.MultiReader(strings.NewReader(`{"description":"`), io.LimitReader(letters{}, 4*defaultMaxBody))),
			status: 413, code: "BODY_TOO_LARGE",
		},
	} {
		a := h.do(test.call)
		t.Log(name)
		if test.field != "" {
			a.wantField(t, test.field, test.rule)
		} else {
			a.wantError(t, test.status, test.code)
		}
	}
	if len(rec.commands) > 0 {
		t.Errorf("commands ran: %+v", rec.commands)
	}
}

// letters is endless.
type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

func TestAllMistakesOfTypeAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	h, _ := accepting(t, nil)
	e := h.do(post("/api/v0/api-keys").json(`{"description":1,"scopes":2,"expireAt":3,"ownerType":4}`)).
		wantError(t, 400, "VALIDATION_FAILED")
	var fields []string
	for _, d := range e.Error.Details {
		fields = append(fields, d.Field+" "+d.Message)
	}
	want := "description must be a string; expireAt must be a string; ownerType must be a string; scopes must be a list"
	if got := strings.Join(fields, "; "); got != want {
		t.Errorf("got %s", got)
	}
}

func TestBodiesThatAreTaken(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]call{
		"with a charset":       post("/api/v0/api-keys").json(`{}`).with("Content-Type", `application/json; charset="UTF-8"`),
		"without a type":       post("/api/v0/api-keys").json(`{}`).with("Content-Type"),
		"with nulls":           post("/api/v0/api-keys").json(`{"description":null,"expireAt":null,"scopes":null,"ownerType":null}`),
		"chunked":              post("/api/v0/api-keys").from(io.MultiReader(strings.NewReader(`{}`))),
		"as large as may be":   post("/api/v0/api-keys").json(`{` + strings.Repeat(" ", defaultMaxBody-2) + `}`),
		"none, all optional":   post("/api/v0/api-keys"),
		"none, no change":      put("/api/v0/users/profile"),
		"none where none need": post("/api/v0/api-keys/key_1/rotate"),
		"none in a DELETE":     {method: "DELETE", path: "/api/v0/api-keys/key_1", token: "alice"},
		"any time zone":        post("/api/v0/api-keys").json(`{"expireAt":"2999-01-01T01:00:00.5+01:00"}`),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, rec := accepting(t, nil)
			if a := h.do(c); a.status >= 300 || len(rec.commands) != 1 {
				t.Errorf("status %d: %s", a.status, a.body)
			}
		})
	}
}

// A client that promises more than it sends is told so, and does not hold a
// handler.
func TestABodyThatEndsEarly(t *testing.T) {
	t.Parallel()
	h, rec := accepting(t, nil)
	conn, err := net.Dial("tcp", h.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /api/v0/api-keys HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
	status, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(status, "HTTP/1.1 400") {
		t.Errorf("answered %q, %v", status, err)
	}
	if len(rec.commands) > 0 {
		t.Error("the command ran")
	}
}

// A body that does not come ends with the deadline for bodies, whether anybody
// waits for it or the request has been refused before.
func TestABodyThatDoesNotCome(t *testing.T) {
	t.Parallel()
	h, rec := accepting(t, nil)
	h.api.bodyTimeout = 50 * time.Millisecond
	for line, want := range map[string]string{
		"POST /api/v0/api-keys HTTP/1.1\r\nAuthorization: Bearer alice":  "408",
		"POST /api/v0/api-keys HTTP/1.1\r\nAuthorization: Bearer nobody": "401",
		"POST /nothing HTTP/1.1":               "404",
		"PATCH /api/v0/users/profile HTTP/1.1": "405",
	} {
		conn, err := net.Dial("tcp", h.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(conn, line+"\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{")
		answered := bufio.NewReader(conn)
		status, err := answered.ReadString('\n')
		if err != nil || !strings.HasPrefix(status, "HTTP/1.1 "+want) {
			t.Errorf("%s: answered %q, %v", line, status, err)
		}
		if _, err := io.ReadAll(answered); err != nil {
			t.Errorf("%s: the connection stays open: %v", line, err)
		}
	}
	if len(rec.commands) > 0 {
		t.Error("the command ran")
	}
}

// The deadline is for the body alone: an operation may take longer.
func TestTheBodysDeadlineEndsWithTheBody(t *testing.T) {
	t.Parallel()
	h := newHarness(t, func(d *Deps) {
		d.Commands.RevokeAPIKey = func(ctx context.Context, _ commands.Request, _ commands.RevokeAPIKey) (commands.Result[apikey.State], error) {
			select {
			case <-ctx.Done():
				return commands.Result[apikey.State]{}, ctx.Err()
			case <-time.After(300 * time.Millisecond): // Six times the deadline.
				return commands.Result[apikey.State]{}, nil
			}
		}
	})
	h.api.bodyTimeout = 50 * time.Millisecond
	h.do(call{method: "DELETE", path: "/api/v0/api-keys/key_1", token: "alice"}.json(`{}`)).wantData(t, 200)
}
