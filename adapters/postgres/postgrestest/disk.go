package postgrestest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// Disk is a small disk of its own, to be filled up.
type Disk struct {
	tb  testing.TB
	dir string
	// URL is a new database whose tables are on the disk, if a Cluster gave it.
	URL string
}

// NewDisk mounts a disk of a size in bytes until the test ends. The disk is a tmpfs;
// the test is skipped where none can be mounted, which takes root on Linux.
func NewDisk(tb testing.TB, size int64) *Disk {
	tb.Helper()
	d := &Disk{tb: tb, dir: Dir(tb)}
	if err := mountTmpfs(d.dir, size); err != nil {
		tb.Skipf("postgrestest: no disk can be mounted to be filled up: %v", err)
	}
	tb.Cleanup(func() {
		if err := unmount(d.dir); err != nil {
			tb.Errorf("postgrestest: %v", err)
		}
	})
	return d
}

// Dir is the folder that the disk is mounted on. Every user can enter it.
func (d *Disk) Dir() string { return d.dir }

// SmallDisk gives a cluster a database on a disk of a size in bytes. The test is
// skipped where NewDisk says so.
func (c *Cluster) SmallDisk(size int64) *Disk {
	c.tb.Helper()
	d := NewDisk(c.tb, size)
	ctx, cancel := context.WithTimeout(context.Background(), setupTimeout)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.URL())
	if err != nil {
		c.tb.Fatalf("postgrestest: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }() // The test does not depend on it.
	tables, err := d.folderFor(ctx, conn)
	if err != nil {
		c.tb.Fatalf("postgrestest: %v", err)
	}
	for _, statement := range []string{
		fmt.Sprintf("CREATE TABLESPACE small LOCATION '%s'", tables),
		"CREATE DATABASE small TEMPLATE template0 TABLESPACE small",
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			c.tb.Fatalf("postgrestest: %v", err)
		}
	}
	if d.URL, err = withDatabase(c.URL(), "small"); err != nil {
		c.tb.Fatalf("postgrestest: %v", err)
	}
	return d
}

// folderFor makes a folder that belongs to the user who runs the server.
func (d *Disk) folderFor(ctx context.Context, conn *pgx.Conn) (string, error) {
	var data string
	if err := conn.QueryRow(ctx, "SHOW data_directory").Scan(&data); err != nil {
		return "", err
	}
	info, err := os.Stat(data)
	if err != nil {
		return "", err
	}
	tables := filepath.Join(d.dir, "tables")
	if err := os.Mkdir(tables, 0o700); err != nil {
		return "", err
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); ok {
		return tables, os.Chown(tables, int(owner.Uid), int(owner.Gid))
	}
	return tables, nil
}

// Fill takes all space that is left.
func (d *Disk) Fill() {
	d.tb.Helper()
	f, err := os.Create(d.filler())
	if err != nil {
		d.tb.Fatalf("postgrestest: %v", err)
	}
	for block := make([]byte, 64<<10); len(block) > 0; {
		if _, err := f.Write(block); err != nil {
			block = block[:len(block)/2]
		}
	}
	_ = f.Close() // What counts is that the disk is full.
}

// Free gives the space back.
func (d *Disk) Free() {
	d.tb.Helper()
	if err := os.Remove(d.filler()); err != nil {
		d.tb.Fatalf("postgrestest: %v", err)
	}
}

func (d *Disk) filler() string { return filepath.Join(d.dir, "filler") }
