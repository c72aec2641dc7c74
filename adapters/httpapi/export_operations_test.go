package httpapi

import (
	"context"
	"log/slog"
	"slices"
	"strings"

	"github.com/perfectworks/backend/commands"
)

// Declared is an operation as it was registered, hidden ones included.
type Declared struct{ Method, Path string }

// Declarations returns all operations of the program, in order.
func Declarations() ([]Declared, error) {
	tests := more
	more = nil
	defer func() { more = tests }()
	a, err := New(Deps{
		Logger: slog.New(slog.DiscardHandler), Authenticator: known, Commands: &commands.Commands{}, Directory: noDirectory{},
		Queries: queries(), Idempotency: noKeys{}, Ready: func(context.Context) []Check { return nil }, ReadModels: noWaiting,
	})
	if err != nil {
		return nil, err
	}
	var all []Declared
	for _, op := range a.operations {
		all = append(all, Declared{op.method, op.path})
	}
	slices.SortFunc(all, func(a, b Declared) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
	return all, nil
}

var noWaiting = waiter(nil)
