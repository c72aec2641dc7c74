package directory

import (
	"bytes"
	"context"
	"io"

	"github.com/perfectworks/backend/domain/event"
)

// ErrNoSnapshot is errNoSnapshot.
var ErrNoSnapshot = errNoSnapshot

// Save is save.
func (s *Snapshots) Save(ctx context.Context, at event.Position, data []byte) error {
	return s.save(ctx, event.Mark{Position: at}, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// Load tells the position of the snapshot that load finds.
func (s *Snapshots) Load(ctx context.Context) (event.Position, error) {
	_, at, err := s.load(ctx)
	return at.Position, err
}

// Snapshot is what a snapshot of the directory holds.
func (d *Directory) Snapshot() ([]byte, error) {
	var data bytes.Buffer
	err := d.state.encode(&data, event.Mark{Position: d.applied})
	return data.Bytes(), err
}

// Framed is what a snapshot with such contents looks like.
func Framed(contents []byte) []byte {
	var data bytes.Buffer
	blocks := newBlockWriter(&data)
	_, _ = blocks.Write(contents) // A buffer takes everything.
	_ = blocks.close()
	return data.Bytes()
}

// Contents are what is in the blocks of a snapshot.
func Contents(data []byte) ([]byte, error) { return io.ReadAll(&blockReader{r: bytes.NewReader(data)}) }

// Restored is a directory that begins with a snapshot.
func Restored(data []byte) (*Directory, error) {
	d := New(Config{})
	var err error
	var at event.Mark
	d.state, at, err = decode(bytes.NewReader(data))
	d.applied = at.Position
	return d, err
}
