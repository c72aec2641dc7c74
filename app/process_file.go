package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgxpool"
)

// processFile is a file in the data folder that this process has locked for as
// long as it lives. What holds none is dead: a server that starts again in the
// same folder need not wait until the one before has missed its heartbeats.
type processFile struct{ file *os.File }

const processFolder = "processes"

// markProcess locks the file of this process, and ends the heartbeats of those
// that died in this data folder.
func markProcess(ctx context.Context, pool *pgxpool.Pool, dataFolder string, process uuid.UUID) (*processFile, error) {
	folder := filepath.Join(dataFolder, processFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of processes: %w", err)
	}
	// It gets its name once it is locked: others never see it without its lock.
	file, err := os.CreateTemp(folder, ".new-*")
	if err != nil {
		return nil, fmt.Errorf("mark this process: %w", err)
	}
	p := &processFile{file: file}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if err == nil {
		name := filepath.Join(folder, process.String())
		err = os.Rename(file.Name(), name)
	}
	if err == nil {
		err = buryOthers(ctx, pool, folder, process)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("mark this process: %w", err), os.Remove(file.Name()), file.Close())
	}
	return p, nil
}

// buryOthers deletes what is left of processes that have ended: their files are not locked.
func buryOthers(ctx context.Context, pool *pgxpool.Pool, folder string, self uuid.UUID) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return fmt.Errorf("list the processes: %w", err)
	}
	for _, entry := range entries {
		id, err := uuid.Parse(entry.Name())
		if err != nil || id == self {
			continue
		}
		if err := bury(ctx, pool, filepath.Join(folder, entry.Name()), id); err != nil {
			return err
		}
	}
	return nil
}

func bury(ctx context.Context, pool *pgxpool.Pool, path string, id uuid.UUID) error {
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // Somebody else was faster.
	}
	if err != nil {
		return fmt.Errorf("look at another process: %w", err)
	}
	defer func() { _ = file.Close() }() // It was only looked at.
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil // It lives.
	}
	if _, err := pool.Exec(ctx, `DELETE FROM processes WHERE id = $1`, id); err != nil {
		return fmt.Errorf("end the heartbeat of a dead process: %w", err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forget a dead process: %w", err)
	}
	return nil
}

// close forgets this process, which has ended its heartbeat.
func (p *processFile) close(process uuid.UUID) error {
	path := filepath.Join(filepath.Dir(p.file.Name()), process.String())
	err := os.Remove(path)
	if errors.Is(err, os.ErrNotExist) {
		err = nil
	}
	return errors.Join(err, p.file.Close())
}
