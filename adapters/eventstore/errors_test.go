package eventstore

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		err    error
		want   verdict
		broken bool
	}{
		{fmt.Errorf("could not send append request. Reason: %w", io.EOF), suspicious, false},
		{status.Error(codes.Unavailable, "gone"), transient, true},
		{fmt.Errorf("failed to construct subscription. Reason: %w", status.Error(codes.Unavailable, "gone")), transient, true},
		{status.Error(codes.DeadlineExceeded, ""), transient, false},
		{status.Error(codes.Aborted, ""), transient, false},
		{status.Error(codes.Canceled, ""), suspicious, false},
		{status.Error(codes.Internal, ""), suspicious, false},
		{status.Error(codes.InvalidArgument, ""), permanent, false},
		{status.Error(codes.Unauthenticated, ""), permanent, false},
		{ErrClosed, permanent, false},
		{errPanic, permanent, false},
	} {
		if got := judge(test.err); got != test.want {
			t.Errorf("judge(%v) = %d, want %d", test.err, got, test.want)
		}
		if got := broken(test.err); got != test.broken {
			t.Errorf("broken(%v) = %v", test.err, got)
		}
	}
}

func TestPanicsOfTheModuleAreErrors(t *testing.T) {
	t.Parallel()
	a := guarded(t.Context(), nil, func(context.Context, *esdb.Client) (int, error) { panic("unreachable code") })
	if !errors.Is(a.err, errPanic) || !strings.Contains(a.err.Error(), "unreachable code") || !a.sent {
		t.Errorf("%+v", a)
	}
	e := (&subscription{}).receive() // It has no inner subscription.
	if e.SubscriptionDropped == nil || !errors.Is(e.SubscriptionDropped.Error, errPanic) {
		t.Errorf("%+v", e)
	}
}
