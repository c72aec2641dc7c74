package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/keyring"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/projections/erasures"
)

type destroyedList []string

func (d destroyedList) AllDestroyed(_ context.Context, found func(keyring.Destroyed)) error {
	for _, subject := range d {
		found(keyring.Destroyed{Subject: subject})
	}
	return nil
}

// Of the destroyed keys, those of people and organizations count of which the log
// knows no erasure; one that fails does not keep the others.
func TestErasuresThatTheLogLostAreRepeated(t *testing.T) {
	t.Parallel()
	const (
		lost    = "user_01h455vb4pex5vsknk084sn02q"
		broken  = "user_01h455vb4pex5vsknk084sn02r"
		erased  = "user_01h455vb4pex5vsknk084sn02s"
		home    = "org_01h455vb4pex5vsknk084sn02q"
		invited = "inv_01h455vb4pex5vsknk084sn02q"
	)
	var repeated []string
	failing := errors.New("not now")
	do := &commands.Commands{}
	do.RepeatUserErasure = func(_ context.Context, req commands.Request, c commands.RepeatUserErasure) (r commands.Result[erasure.State], err error) {
		repeated = append(repeated, string(c.UserID))
		if req.Principal.Require(access.EraseUsers) != nil || req.Principal.Require(access.ManageSystemUsers) == nil {
			t.Errorf("it is repeated by %+v", req.Principal)
		}
		if c.UserID == broken {
			return r, failing
		}
		r.Value.ID = erasure.UserID(c.UserID)
		return r, nil
	}
	do.RepeatOrganizationErasure = func(_ context.Context, req commands.Request, c commands.RepeatOrganizationErasure) (r commands.Result[commands.PurgedOrganization], err error) {
		repeated = append(repeated, string(c.OrganizationID))
		return r, req.Principal.In(c.OrganizationID).Require(access.DisposeOrganization)
	}
	index := erasures.Queries{List: func(context.Context) ([]erasures.Erasure, error) {
		return []erasures.Erasure{{ID: erased, Kind: erasure.KindUser}}, nil
	}}
	var log strings.Builder
	keys := destroyedList{erased, broken, lost, home, invited, "addresses:2026-03-01"}
	err := repeatErasures(t.Context(), keys, index, do, time.Now(), slog.New(slog.NewTextHandler(&log, nil)))
	if !errors.Is(err, failing) || !slices.Equal(repeated, []string{broken, lost, home}) {
		t.Errorf("repeated %v: %v", repeated, err)
	}
	// What was lost is said, and what was nothing is not.
	if said := log.String(); !strings.Contains(said, lost) || strings.Contains(said, home) {
		t.Errorf("it says %s", said)
	}
}
