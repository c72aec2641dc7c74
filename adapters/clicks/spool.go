package clicks

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/perfectworks/backend/adapters/durable"
	"github.com/perfectworks/backend/domain/click"
)

// SpoolOptions bound a spool. Zero values are for the defaults.
type SpoolOptions struct {
	// SyncEvery is how long a click can be in memory alone: 100 ms by default. It is
	// synced earlier once SyncCount are.
	SyncEvery time.Duration
	SyncCount int
	// SegmentClicks and SegmentAge end a segment, and so does segmentBytes.
	SegmentClicks int
	SegmentAge    time.Duration
	// MaxBytes bounds the files of one process, with those that ended processes have
	// left: 1 GiB by default, which is about two million clicks.
	MaxBytes int64
}

// segmentBytes bounds a segment, so that its event is small enough for the store
// whatever the agents are.
const segmentBytes = 384 << 10

func (o SpoolOptions) withDefaults() SpoolOptions {
	if o.SyncEvery <= 0 {
		o.SyncEvery = 100 * time.Millisecond
	}
	if o.SyncCount <= 0 {
		o.SyncCount = 2000
	}
	if o.SegmentClicks <= 0 {
		o.SegmentClicks = 500
	}
	if o.SegmentAge <= 0 {
		o.SegmentAge = 5 * time.Second
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 1 << 30
	}
	return o
}

// record is a request for a link, as the spool keeps it.
type record struct {
	Head    bool       `json:"h,omitempty"`
	At      int64      `json:"t"` // Unix milliseconds
	Link    click.Link `json:"l"`
	Agent   string     `json:"a,omitempty"`
	Source  string     `json:"s,omitempty"`
	Visitor string     `json:"v"`
	// Address is the visitor without the agent: HEAD requests of a program often name
	// another than its GET.
	Address  string `json:"n"`
	Country  string `json:"c,omitempty"`
	Prefetch bool   `json:"p,omitempty"`
	Rule     int    `json:"r"`
	// index is the place of a click in its segment, which stands before the record.
	index int
}

// Spool keeps clicks in files until they are recorded. It is safe for concurrent
// use.
type Spool struct {
	options SpoolOptions
	folder  string // of all writers
	own     string // of this one
	writer  [8]byte
	lock    *os.File
	logger  *slog.Logger

	wake chan struct{}

	mu       sync.Mutex
	segment  *segment   // being filled; nil for none
	full     []*segment // on their way into files
	next     int64
	unsynced int
	bytes    int64 // of files and memory
	adopted  int64 // of files that ended processes have left
	lost     int64
	lostAll  int64
	failing  error

	writing sync.Mutex // held while files are written
}

// segment is the requests of some seconds.
type segment struct {
	number int64
	begun  time.Time
	clicks int
	// heads are HEAD requests: they are no clicks, but bounded as well.
	heads   int
	bytes   int
	pending []byte
	file    *os.File
	// synced is how much of the file is known to be on disk. After a failure, what
	// follows is not known.
	synced int64
	failed bool
}

// OpenSpool begins a spool of its own in a folder, which the processes of a machine
// share.
func OpenSpool(folder string, o SpoolOptions, logger *slog.Logger) (*Spool, error) {
	s := &Spool{options: o.withDefaults(), folder: folder, logger: logger, next: 1, wake: make(chan struct{}, 1)}
	_, _ = rand.Read(s.writer[:]) // It never fails.
	if err := s.create(); err != nil {
		return nil, fmt.Errorf("create the spool of clicks: %w", err)
	}
	if _, err := s.waiting(); err != nil { // It learns how much is there already.
		return nil, errors.Join(fmt.Errorf("read the spool of clicks: %w", err), s.lock.Close())
	}
	return s, nil
}

// create creates the folder of the spool and locks it. It gets its name once it is
// locked: another process would take it for one of a process that has ended.
func (s *Spool) create() error {
	name := hex.EncodeToString(s.writer[:])
	s.own = filepath.Join(s.folder, name)
	unnamed := filepath.Join(s.folder, "new-"+name)
	if err := os.MkdirAll(unnamed, 0o700); err != nil {
		return err
	}
	var err error
	if s.lock, err = lockFolder(unnamed); err != nil {
		return err
	}
	if err := os.Rename(unnamed, s.own); err != nil {
		return errors.Join(err, s.lock.Close())
	}
	return durable.SyncFolder(s.folder)
}

const lockFile = "lock"

func lockFolder(folder string) (*os.File, error) {
	file, err := os.OpenFile(filepath.Join(folder, lockFile), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// errFull says that the spool has reached its bound.
var errFull = errors.New("the spool of clicks is full")

// add keeps a request, and returns the place of a click. It waits for no disk.
func (s *Spool) add(r record, now time.Time) (Place, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return Place{}, err
	}
	const numbers = 16 // the checksum, the index and what separates them
	size := int64(len(line) + numbers)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes+s.adopted+size > s.options.MaxBytes {
		if !r.Head {
			s.lost++
			s.lostAll++
		}
		return Place{}, errFull
	}
	if s.segment == nil {
		s.segment = &segment{number: s.next, begun: now}
		s.next++
	}
	at := s.segment
	before := len(at.pending)
	at.pending = appendLine(at.pending, at.clicks, line)
	place := Place{Writer: s.writer, Segment: at.number, Index: at.clicks}
	s.bytes += int64(len(at.pending) - before)
	at.bytes += len(at.pending) - before
	if r.Head {
		at.heads++
	} else {
		at.clicks++
	}
	if at.clicks >= s.options.SegmentClicks || at.heads >= s.options.SegmentClicks || at.bytes >= segmentBytes {
		s.full, s.segment = append(s.full, at), nil
	}
	if s.unsynced++; s.unsynced >= s.options.SyncCount {
		select {
		case s.wake <- struct{}{}:
		default:
		}
	}
	return place, nil
}

// appendLine adds a request to a segment: a checksum, the index of the click, or of
// the next one for a HEAD request, and the request.
func appendLine(b []byte, index int, line []byte) []byte {
	const sumSize = 8
	begin := len(b)
	b = append(b, "00000000 "...)
	body := len(b)
	b = append(strconv.AppendInt(b, int64(index), 10), ' ')
	b = append(b, line...)
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE(b[body:]))
	hex.Encode(b[begin:begin+sumSize], sum[:])
	return append(b, '\n')
}

// readLine reads what appendLine wrote, without the line break, and reports whether
// it is whole. Lines of earlier versions have no index.
func readLine(line []byte, index int) (r record, ok bool) {
	sum, body, found := bytes.Cut(line, []byte(" "))
	if !found || fmt.Sprintf("%08x", crc32.ChecksumIEEE(body)) != string(sum) {
		return record{}, false
	}
	if number, text, found := bytes.Cut(body, []byte(" ")); found && body[0] != '{' {
		n, err := strconv.Atoi(string(number))
		if err != nil {
			return record{}, false
		}
		index, body = n, text
	}
	if json.Unmarshal(body, &r) != nil {
		return record{}, false
	}
	r.index = index
	return r, true
}

// takeLost returns how many clicks were lost since it was asked last.
func (s *Spool) takeLost() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.lost
	s.lost = 0
	return n
}

// giveBackLost undoes takeLost.
func (s *Spool) giveBackLost(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost += n
}

// Lost is how many clicks were lost since the start, and Err why clicks are not
// kept at present; nil when they are.
func (s *Spool) Lost() (clicks int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.failing
	if err == nil && s.bytes+s.adopted >= s.options.MaxBytes-1<<10 {
		err = errFull
	}
	return s.lostAll, err
}

// Bytes are those of clicks that are not recorded yet, in files and in memory.
func (s *Spool) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes + s.adopted
}

// MaxBytes bounds Bytes.
func (s *Spool) MaxBytes() int64 { return s.options.MaxBytes }

// Run writes and syncs files until ctx ends, and then once more. It does so twice in
// the interval, because it takes a while itself.
func (s *Spool) Run(ctx context.Context) {
	tick := time.NewTicker(max(s.options.SyncEvery/2, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.Sync()
			return
		case <-tick.C:
		case <-s.wake:
		}
		s.Sync()
	}
}

// Sync writes what is in memory into files. What fails is kept, and tried again.
func (s *Spool) Sync() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	if at := s.segment; at != nil && time.Since(at.begun) >= s.options.SegmentAge {
		s.full, s.segment = append(s.full, at), nil
	}
	full, filling := s.full, s.segment
	s.full, s.unsynced = nil, 0
	var open []byte
	if filling != nil {
		open, filling.pending = filling.pending, nil
	}
	s.mu.Unlock()

	var failed error
	var kept []*segment
	for _, at := range full {
		if err := s.seal(at); err != nil {
			failed = err
			kept = append(kept, at)
		}
	}
	if len(open) > 0 {
		if err := s.write(filling, open); err != nil {
			failed = err
			s.mu.Lock()
			filling.pending = append(open, filling.pending...)
			s.mu.Unlock()
		}
	}
	s.mu.Lock()
	s.full = append(kept, s.full...)
	if failed != nil && s.failing == nil {
		s.logger.Error("clicks cannot be written to the spool: they are in memory alone", slog.Any("error", failed))
	}
	s.failing = failed
	s.mu.Unlock()
}

// write adds to the file of a segment. After a failure the file is cut to what is
// known to be on disk, and the caller repeats all that follows.
func (s *Spool) write(at *segment, text []byte) (err error) {
	if at.file == nil {
		if at.file, err = os.OpenFile(s.path(at.number, openSuffix), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
			return err
		}
		at.failed = true // The folder does not hold its name for certain.
	}
	if at.failed {
		if err := errors.Join(at.file.Truncate(at.synced), durable.SyncFolder(s.own)); err != nil {
			return err
		}
	}
	at.failed = true
	if _, err = at.file.Write(text); err == nil {
		err = at.file.Sync()
	}
	if err != nil {
		_ = at.file.Close() // It is opened again.
		at.file = nil
		return err
	}
	at.synced, at.failed = at.synced+int64(len(text)), false
	return nil
}

// seal writes the rest of a segment, and gives its file the name of a whole one.
func (s *Spool) seal(at *segment) error {
	if len(at.pending) > 0 {
		if err := s.write(at, at.pending); err != nil {
			return err
		}
		at.pending = nil
	}
	if at.file != nil {
		_ = at.file.Close() // It has been synced.
		at.file = nil
	}
	return os.Rename(s.path(at.number, openSuffix), s.path(at.number, sealedSuffix))
}

const (
	openSuffix   = ".open"
	sealedSuffix = ".sealed"
)

func (s *Spool) path(number int64, suffix string) string {
	return filepath.Join(s.own, strconv.FormatInt(number, 10)+suffix)
}

// sealed is a segment that waits to be recorded.
type sealed struct {
	writer string
	number int64
	file   string
	at     time.Time
	size   int64
}

// waiting returns the segments that wait to be recorded, in their order: those of
// this process, and those of processes that have ended, whose files become this
// one's.
func (s *Spool) waiting() ([]sealed, error) {
	folders, err := os.ReadDir(s.folder)
	if err != nil {
		return nil, err
	}
	var all []sealed
	var adopted int64
	for _, f := range folders {
		folder := filepath.Join(s.folder, f.Name())
		if folder != s.own {
			if !isWriter(f.Name()) || !s.adopt(folder) {
				continue
			}
		}
		of, err := segmentsIn(folder, f.Name(), sealedSuffix)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
		for _, at := range of {
			if folder != s.own {
				adopted += at.size
			}
		}
	}
	s.mu.Lock()
	s.adopted = adopted
	s.mu.Unlock()
	return all, nil
}

// isWriter tells whether a folder has the name of a writer.
func isWriter(name string) bool {
	_, err := hex.DecodeString(name)
	return err == nil && len(name) == hex.EncodedLen(len(Place{}.Writer))
}

// AsOf is the time up to which all clicks in the folder have been recorded.
func (s *Spool) AsOf(now time.Time) time.Time {
	s.mu.Lock()
	for _, at := range append([]*segment{s.segment}, s.full...) {
		if at != nil && at.begun.Before(now) {
			now = at.begun
		}
	}
	s.mu.Unlock()
	folders, err := os.ReadDir(s.folder)
	if err != nil {
		return now
	}
	for _, f := range folders {
		for _, suffix := range []string{openSuffix, sealedSuffix} {
			files, _ := segmentsIn(filepath.Join(s.folder, f.Name()), f.Name(), suffix)
			for _, at := range files {
				// The file was written last when its segment ended.
				if begun := at.at.Add(-s.options.SegmentAge); begun.Before(now) {
					now = begun
				}
			}
		}
	}
	return now
}

// adopt takes the files of a process that has ended, and reports whether it did.
// An empty folder is removed.
func (s *Spool) adopt(folder string) bool {
	lock, err := lockFolder(folder)
	if err != nil {
		return false // It is in use.
	}
	defer lock.Close()
	open, err := segmentsIn(folder, filepath.Base(folder), openSuffix)
	if err != nil {
		return false
	}
	for _, at := range open {
		if err := os.Rename(at.file, strings.TrimSuffix(at.file, openSuffix)+sealedSuffix); err != nil {
			return false
		}
	}
	left, err := segmentsIn(folder, filepath.Base(folder), sealedSuffix)
	if err == nil && len(left) == 0 {
		_ = os.Remove(filepath.Join(folder, lockFile))
		_ = os.Remove(folder)
		return false
	}
	return err == nil
}

func segmentsIn(folder, writer, suffix string) ([]sealed, error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var all []sealed
	for _, f := range files {
		text, found := strings.CutSuffix(f.Name(), suffix)
		number, err := strconv.ParseInt(text, 10, 64)
		if !found || err != nil {
			continue
		}
		info, err := f.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, sealed{
			writer: writer, number: number, file: filepath.Join(folder, f.Name()), at: info.ModTime(), size: info.Size(),
		})
	}
	return all, nil
}

// read returns the requests of a segment, and how many lines are damaged: the last
// one, when the process died while it wrote, or others, when the disk is damaged.
func (at sealed) read() (all []record, damaged int, err error) {
	text, err := os.ReadFile(at.file)
	if err != nil {
		return nil, 0, err
	}
	next := 0
	for line := range bytes.Lines(text) {
		r, ok := readLine(bytes.TrimSuffix(line, []byte("\n")), next)
		if !ok {
			damaged++
			continue
		}
		if !r.Head {
			next = r.index + 1
		}
		all = append(all, r)
	}
	return all, damaged, nil
}

// heads returns the HEAD requests of a segment.
func (at sealed) heads() ([]record, error) {
	text, err := os.ReadFile(at.file)
	if err != nil {
		return nil, err
	}
	var all []record
	for line := range bytes.Lines(text) {
		if !bytes.Contains(line, []byte(`{"h":true`)) { // The first member of a record.
			continue
		}
		if r, ok := readLine(bytes.TrimSuffix(line, []byte("\n")), 0); ok && r.Head {
			all = append(all, r)
		}
	}
	return all, nil
}

// done deletes a segment that was recorded.
func (s *Spool) done(at sealed) error {
	if err := os.Remove(at.file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if filepath.Dir(at.file) == s.own {
		s.bytes = max(0, s.bytes-at.size)
	} else {
		s.adopted = max(0, s.adopted-at.size)
	}
	return nil
}

// Close ends the spool after Run. Another process takes up what is left.
func (s *Spool) Close() error {
	s.Sync()
	return s.lock.Close()
}
