package eraser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/perfectworks/backend/adapters/durable"
)

// Journal is the file that names all subjects whose keys were destroyed. Several
// processes may append to it at once. It only grows, and holds nothing but ids
// and times.
//
// Each line is the CRC-32C of the rest of the line, a space, and a JSON object.
// The first one identifies the journal.
type Journal struct {
	path string
	id   uuid.UUID
}

// Entry is a subject whose key was about to be destroyed at a time.
type Entry struct {
	Subject string    `json:"subject"`
	At      time.Time `json:"at"`
}

type heading struct {
	Journal uuid.UUID `json:"journal"`
	Version int       `json:"version"`
}

const journalVersion = 1

// ErrNoJournal says that there is no journal at the path.
var ErrNoJournal = errors.New("there is no journal of erasures")

// ErrDamaged says that the journal was changed, or cut off in the middle.
var ErrDamaged = errors.New("the journal of erasures is damaged")

// CreateJournal begins a journal with entries. It fails if there is a file
// already. When it returns, the file is on disk as a whole.
func CreateJournal(path string, entries []Entry) (*Journal, error) {
	j := &Journal{path: path, id: uuid.New()}
	var content bytes.Buffer
	if err := writeLine(&content, heading{j.id, journalVersion}); err != nil {
		return nil, err
	}
	for _, e := range entries {
		if err := writeLine(&content, e); err != nil {
			return nil, err
		}
	}
	if err := durable.Create(path, content.Bytes()); err != nil {
		return nil, fmt.Errorf("create the journal of erasures: %w", err)
	}
	return j, nil
}

// OpenJournal opens a journal, and reads all of it. It fails with ErrNoJournal or
// ErrDamaged.
func OpenJournal(path string) (*Journal, []Entry, error) {
	j := &Journal{path: path}
	var entries []Entry
	err := j.locked(os.O_RDWR, func(f *os.File) error {
		whole, err := wholeLines(f)
		if err != nil {
			return err
		}
		lines := bufio.NewReader(io.NewSectionReader(f, 0, whole))
		var h heading
		if err := readLine(lines, &h); err != nil {
			return err
		}
		if h.Version != journalVersion || h.Journal == (uuid.UUID{}) {
			return fmt.Errorf("%w: it is of an unknown version", ErrDamaged)
		}
		j.id = h.Journal
		for {
			var e Entry
			err := readLine(lines, &e)
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err == nil && e.Subject == "" {
				err = fmt.Errorf("%w: an entry names nobody", ErrDamaged)
			}
			if err != nil {
				return fmt.Errorf("entry %d: %w", len(entries)+1, err)
			}
			entries = append(entries, e)
		}
	})
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w at %s", ErrNoJournal, path)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the journal of erasures %s: %w", path, err)
	}
	return j, entries, nil
}

// ID identifies the journal.
func (j *Journal) ID() uuid.UUID { return j.id }

// Append adds subjects. When it returns, they are on disk.
func (j *Journal) Append(subjects []string, at time.Time) error {
	var content bytes.Buffer
	for _, subject := range subjects {
		if err := writeLine(&content, Entry{subject, at.UTC()}); err != nil {
			return err
		}
	}
	err := j.locked(os.O_RDWR, func(f *os.File) error {
		if err := j.same(f); err != nil {
			return err
		}
		// What an earlier append left unfinished was never acknowledged.
		end, err := wholeLines(f)
		if err == nil {
			err = f.Truncate(end)
		}
		if err == nil {
			_, err = f.WriteAt(content.Bytes(), end)
		}
		if err != nil {
			return err
		}
		return f.Sync()
	})
	if err != nil {
		return fmt.Errorf("append to the journal of erasures %s: %w", j.path, err)
	}
	return nil
}

// same makes sure that the file is still this journal.
func (j *Journal) same(f *os.File) error {
	var h heading
	if err := readLine(bufio.NewReader(io.NewSectionReader(f, 0, 1<<10)), &h); err != nil {
		return err
	}
	if h.Journal != j.id {
		return fmt.Errorf("%w: it was replaced by another one", ErrDamaged)
	}
	return nil
}

// locked opens the file, and locks it against other processes.
func (j *Journal) locked(flags int, use func(*os.File) error) (err error) {
	f, err := os.OpenFile(j.path, flags, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }() // It unlocks, too.
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX)
		if err == nil {
			return use(f)
		}
		if !errors.Is(err, syscall.EINTR) {
			return fmt.Errorf("lock: %w", err)
		}
	}
}

// wholeLines is the length of the file up to the end of its last whole line: of
// one that a crash cut off nothing was acknowledged.
func wholeLines(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	const step = 4 << 10
	for end := info.Size(); end > 0; {
		begin := max(0, end-step)
		part := make([]byte, end-begin)
		if _, err := f.ReadAt(part, begin); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return begin + int64(i) + 1, nil
		}
		end = begin
	}
	return 0, nil
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func writeLine(w *bytes.Buffer, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("encode an entry of the journal of erasures: %w", err)
	}
	fmt.Fprintf(w, "%08x %s\n", crc32.Checksum(text, castagnoli), text)
	return nil
}

// readLine reads a line, or returns io.EOF after the last one.
func readLine(r *bufio.Reader, into any) error {
	line, err := r.ReadBytes('\n')
	if errors.Is(err, io.EOF) && len(line) == 0 {
		return io.EOF
	}
	if err != nil {
		return fmt.Errorf("%w: a line does not end", ErrDamaged)
	}
	sum, text, ok := bytes.Cut(bytes.TrimSuffix(line, []byte("\n")), []byte(" "))
	want, err := strconv.ParseUint(string(sum), 16, 32)
	if !ok || err != nil || uint32(want) != crc32.Checksum(text, castagnoli) {
		return fmt.Errorf("%w: the checksum of a line is wrong", ErrDamaged)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return nil
}
