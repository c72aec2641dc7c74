package failure_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/perfectworks/backend/domain/failure"
)

func TestOnlyARefusalSurelyChangedNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err     error
		refused bool
	}{
		"nothing":           {nil, false},
		"an error":          {errors.New("the connection was lost"), false},
		"an ended context":  {context.Canceled, false},
		"an outage":         {failure.New(failure.Unavailable, "OUTCOME_UNKNOWN", "try again"), false},
		"a wrapped outage":  {fmt.Errorf("append: %w", failure.New(failure.Unavailable, "OUTCOME_UNKNOWN", "try again")), false},
		"a refusal":         {failure.New(failure.Conflict, "FILE_DELETED", "the file was deleted"), true},
		"a wrapped refusal": {fmt.Errorf("register: %w", failure.New(failure.NotFound, "FILE_NOT_FOUND", "there is no such file")), true},
	} {
		if got := failure.Refused(c.err); got != c.refused {
			t.Errorf("%s: %v, want %v", name, got, c.refused)
		}
	}
}
