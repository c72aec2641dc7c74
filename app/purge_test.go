package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/projections/organizations"
)

// Each due organization is tried once in a run, whatever becomes of the others,
// by a principal that can do nothing else.
func TestAllDueOrganizationsArePurged(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var due []organizations.DuePurge
	for i := range 2*duePage + 7 {
		due = append(due, organizations.DuePurge{ID: id.Organization(fmt.Sprintf("org_%03d", i)), PurgeAt: now})
	}
	queries := organizations.Queries{DueForPurge: func(_ context.Context, _ time.Time, after organizations.DuePurge, limit int) ([]organizations.DuePurge, error) {
		from := 0
		for from < len(due) && after.ID != "" && due[from].ID <= after.ID {
			from++
		}
		return due[from:min(from+limit, len(due))], nil
	}}
	broken := errors.New("this one does not work")
	tried := map[id.Organization]int{}
	do := &commands.Commands{}
	do.PurgeDueOrganization = func(_ context.Context, req commands.Request, c commands.PurgeDueOrganization) (commands.Result[commands.PurgedOrganization], error) {
		tried[c.OrganizationID]++
		if p := req.Principal; p.OrganizationID != c.OrganizationID || p.Require(access.DisposeOrganization) != nil || p.Require(access.UpdateOrganization) == nil {
			t.Errorf("%s is purged by %+v", c.OrganizationID, p)
		}
		if c.OrganizationID == due[3].ID {
			return commands.Result[commands.PurgedOrganization]{}, broken
		}
		return commands.Result[commands.PurgedOrganization]{}, nil
	}
	err := purgeOrganizations(t.Context(), queries, do, now, slog.New(slog.DiscardHandler))
	if !errors.Is(err, broken) {
		t.Errorf("the run says %v", err)
	}
	for _, o := range due {
		if tried[o.ID] != 1 {
			t.Errorf("%s was tried %d times", o.ID, tried[o.ID])
		}
	}
}
