package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/blob"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/file"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/projections/files"
	"github.com/perfectworks/backend/projections/organizations"
)

// Every old file of every organization that keeps files for a time is tried once in a
// run. What was decided otherwise is no error, and what fails keeps no other.
func TestAllFilesExpire(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	homes := organizations.Queries{Retaining: func(_ context.Context, after organizations.Retention, limit int) ([]organizations.Retention, error) {
		var page []organizations.Retention
		for _, home := range []organizations.Retention{{ID: "org_a", Days: 30}, {ID: "org_b", Days: 1}} {
			if home.ID > after.ID && len(page) < limit {
				page = append(page, home)
			}
		}
		return page, nil
	}}
	const each = duePage + 3
	old := files.Queries{Before: func(_ context.Context, home id.Organization, at time.Time, after files.Old, limit int) ([]files.Old, error) {
		if want := map[id.Organization]time.Time{"org_a": now.AddDate(0, 0, -30), "org_b": now.AddDate(0, 0, -1)}[home]; !at.Equal(want) {
			t.Errorf("files of %s from before %v are asked for", home, at)
		}
		var page []files.Old
		for i := range each {
			name := id.File(fmt.Sprintf("%s_%03d", home, i))
			if name > after.ID && len(page) < limit {
				page = append(page, files.Old{ID: name, CreatedAt: at})
			}
		}
		return page, nil
	}}
	broken := errors.New("this one does not work")
	fails := map[id.File]error{"org_a_000": broken, "org_a_001": organization.ErrRetained, "org_b_002": file.ErrNotFound}
	tried := map[id.File]int{}
	do := &commands.Commands{}
	do.ExpireFile = func(_ context.Context, req commands.Request, c commands.ExpireFile) (commands.Result[file.State], error) {
		tried[c.FileID]++
		if p := req.Principal; p.Require(access.WriteFilesOfOthers) != nil || p.Require(access.DisposeOrganization) == nil {
			t.Errorf("%s is deleted by %+v", c.FileID, p)
		}
		return commands.Result[file.State]{}, fails[c.FileID]
	}
	err := expireFiles(t.Context(), homes, old, do, now, slog.New(slog.DiscardHandler))
	if !errors.Is(err, broken) || errors.Is(err, organization.ErrRetained) || errors.Is(err, file.ErrNotFound) {
		t.Errorf("the run says %v", err)
	}
	if len(tried) != 2*each {
		t.Errorf("%d files were tried", len(tried))
	}
	for name, n := range tried {
		if n != 1 {
			t.Errorf("%s was tried %d times", name, n)
		}
	}
}

// An object is deleted when its file says that it has no use for it, whatever the read
// model knows, and stays when the file cannot be asked.
func TestObjectsAreCollectedWhenTheirFileSaysSo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	objects, err := blob.Open(t.Context(), blob.Config{Folder: dir, Keep: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer objects.Close()
	now := time.Now()
	put := func(key string, age time.Duration) {
		t.Helper()
		path := filepath.Join(dir, key)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, now, now.Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	home := id.Organization("org_1")
	for _, name := range []id.File{"known", "forgotten", "orphan", "unreadable"} {
		put(commands.FileKey(home, name, "a.pdf"), 2*orphanLife)
	}
	put(commands.FileKey(home, "orphan", "young.pdf"), orphanLife/2)
	put("files/other", 2*orphanLife)
	known := files.Queries{Stored: func(_ context.Context, name id.File, _ string) (bool, error) { return name == "known", nil }}
	do := &commands.Commands{}
	unreadable := errors.New("the stream cannot be read")
	do.HoldsObject = func(_ context.Context, req commands.Request, c commands.HoldsObject) (commands.Result[bool], error) {
		if req.Principal.OrganizationID != home || req.Principal.Require(access.WorkOnFiles) != nil {
			t.Errorf("%+v asks", req.Principal)
		}
		if c.FileID == "unreadable" {
			return commands.Result[bool]{}, unreadable
		}
		return commands.Result[bool]{Value: c.FileID == "forgotten" && c.Object == commands.FileKey(home, "forgotten", "a.pdf")}, nil
	}
	err = collectObjects(t.Context(), objects, known, do, now.Add(-orphanLife), now, slog.New(slog.DiscardHandler))
	if !errors.Is(err, unreadable) {
		t.Errorf("got %v", err)
	}
	left := map[string]bool{}
	for o, err := range objects.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		left[o.Key] = true
	}
	want := map[string]bool{
		commands.FileKey(home, "known", "a.pdf"): true, commands.FileKey(home, "forgotten", "a.pdf"): true,
		commands.FileKey(home, "unreadable", "a.pdf"): true, commands.FileKey(home, "orphan", "young.pdf"): true, "files/other": true,
	}
	if !maps.Equal(left, want) {
		t.Errorf("there are %v, want %v", left, want)
	}
}
