package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// fileLock is a lock of the kernel on an open file: it goes with the process,
// however that ends, and is not inherited by the server.
type fileLock struct{ file *os.File }

// openLock opens without following links: the folder may belong to a user with
// fewer rights than ours.
func openLock(path string) (*fileLock, error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the lock of the folder: %w", err)
	}
	return &fileLock{file: file}, nil
}

// lockFile waits for the exclusive lock on path.
func lockFile(ctx context.Context, path string) (*fileLock, error) {
	lock, err := openLock(path)
	if err != nil {
		return nil, err
	}
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for {
		locked, err := lock.alone()
		if err != nil {
			return nil, errors.Join(err, lock.release())
		}
		if locked {
			return lock, nil
		}
		select {
		case <-ctx.Done():
			err := fmt.Errorf("another process is starting or stopping the cluster: %w", context.Cause(ctx))
			return nil, errors.Join(err, lock.release())
		case <-retry.C:
		}
	}
}

// joinUsers opens the lock that every process with a use for the server holds
// shared. While alone is true it is held exclusively. Callers hold the start
// lock, for a change between the two modes is not atomic.
func joinUsers(path string) (users *fileLock, alone bool, err error) {
	users, err = openLock(path)
	if err != nil {
		return nil, false, err
	}
	alone, err = users.alone()
	if err == nil && !alone {
		err = users.share()
	}
	if err != nil {
		return nil, false, errors.Join(err, users.release())
	}
	return users, alone, nil
}

// alone takes the lock exclusively if no other process holds it.
func (l *fileLock) alone() (bool, error) {
	err := flock(l.file, syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// share turns the lock into a shared one, which never waits under the start lock.
func (l *fileLock) share() error {
	return flock(l.file, syscall.LOCK_SH|syscall.LOCK_NB)
}

func (l *fileLock) release() error { return l.file.Close() }

func flock(file *os.File, how int) error {
	for {
		err := syscall.Flock(int(file.Fd()), how)
		if errors.Is(err, syscall.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("lock %s: %w", file.Name(), err)
		}
		return nil
	}
}
