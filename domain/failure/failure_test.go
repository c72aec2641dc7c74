package failure_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/domain/failure"
)

func TestFailuresAreTheSameByCode(t *testing.T) {
	t.Parallel()
	taken := failure.New(failure.Conflict, "SLUG_TAKEN", "taken")
	wrapped := fmt.Errorf("create: %w", &failure.Failure{Kind: failure.Conflict, Code: "SLUG_TAKEN", Message: "acme is taken"})
	if !errors.Is(wrapped, taken) {
		t.Error("a failure with the same code is not recognised")
	}
	if errors.Is(wrapped, failure.New(failure.Conflict, "EMAIL_TAKEN", "taken")) {
		t.Error("a failure with another code is taken for it")
	}
	if failure.Of(wrapped) == nil || failure.Of(errors.New("x")) != nil {
		t.Error("Of finds failures, and only them")
	}
}

func TestFieldsCollectsAllThatIsWrong(t *testing.T) {
	t.Parallel()
	var fields failure.Fields
	if err := fields.Err(); err != nil {
		t.Fatalf("nothing is wrong, but got %v", err)
	}
	fields.Add("name", "REQUIRED", "name is required")
	fields.Add("slug", "TOO_SHORT", "slug has at least 3 characters")
	want := []failure.Detail{
		{Field: "name", Code: "REQUIRED", Message: "name is required"},
		{Field: "slug", Code: "TOO_SHORT", Message: "slug has at least 3 characters"},
	}
	got := failure.Of(fields.Err())
	if got == nil || got.Kind != failure.Invalid || got.Code != failure.CodeValidation {
		t.Fatalf("got %+v", got)
	}
	if diff := cmp.Diff(want, got.Details); diff != "" {
		t.Error(diff)
	}
}
