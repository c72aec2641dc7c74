package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/perfectworks/backend/adapters/durable"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/projections/erasures"
)

// forgetInvitations makes the addresses of invitations unreadable that ended long
// ago.
func forgetInvitations(ctx context.Context, index erasures.Queries, do *commands.Commands, now time.Time, logger *slog.Logger) error {
	before := now.Add(-organization.InvitationKept)
	forgotten, err := forEachDue(
		func(after erasures.OverInvitation) ([]erasures.OverInvitation, error) {
			return index.Over(ctx, before, after, duePage)
		},
		func(i erasures.OverInvitation) error {
			req := policies.ByClock("forget-invitations", string(i.ID), i.OverAt, now, i.OrganizationID, access.ManageMembers)
			_, err := do.ForgetInvitation(ctx, req, commands.ForgetInvitation{OrganizationID: i.OrganizationID, InvitationID: i.ID})
			if err != nil {
				return fmt.Errorf("forget %s: %w", i.ID, err)
			}
			return nil
		})
	if forgotten > 0 {
		logger.InfoContext(ctx, "the addresses of invitations that ended long ago were destroyed", slog.Int("invitations", forgotten))
	}
	return err
}

// mailPatterns match the files of mails, and what a process left that was killed
// while it wrote one.
var mailPatterns = []string{"*.eml", durable.DraftPattern}

// deleteMails deletes the mails that were written into files before a time because
// no mail server is set. They name senders and receivers in a form that is not
// searched, and are for development: an erasure takes all of them.
func deleteMails(folder string, before time.Time) error {
	var failed error
	for _, pattern := range mailPatterns {
		mails, err := filepath.Glob(filepath.Join(folder, pattern))
		failed = errors.Join(failed, err)
		for _, mail := range mails {
			info, err := os.Lstat(mail)
			if err == nil && info.ModTime().Before(before) {
				err = os.Remove(mail)
			}
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				failed = errors.Join(failed, err)
			}
		}
	}
	if failed != nil {
		return fmt.Errorf("delete mails in files: %w", failed)
	}
	return nil
}
