package evidence

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/perfectworks/backend/domain/event"
)

// Checkpoint is a signed statement of what the log held. Its form is that of C2SP
// tlog-checkpoint, with extension lines of ours:
//
//	perfectworks/LOG/N
//	SIZE
//	ROOT
//	position C:COMMIT/P:PREPARE
//	time 2026-03-01T12:00:00Z
//	streams 0 apiKey-,campaign-
//
//	— NAME SIGNATURE
type Checkpoint struct {
	// Origin names the log and the tree.
	Origin string
	// Size is how many events it covers, and Root the root of their tree.
	Size uint64
	Root Hash
	// Position is that of the last of them.
	Position event.Position
	Time     time.Time
	// Streams says which streams were this system's, by the first leaf for which that
	// was so.
	Streams []Streams
	// Note is the signed text.
	Note string
}

// Streams are the beginnings of the names of streams whose events are in a tree.
type Streams struct {
	From     uint64
	Prefixes []string
}

// MarshalText writes the hash in Base64.
func (h Hash) MarshalText() ([]byte, error) {
	return base64.StdEncoding.AppendEncode(nil, h[:]), nil
}

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(text []byte) error {
	raw, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil || len(raw) != hashSize {
		return errors.New("a hash must be the Base64 of 32 bytes")
	}
	*h = Hash(raw)
	return nil
}

const (
	checkpointKey     = "checkpoint"
	checkpointsFolder = "checkpoints/"
	originPrefix      = "perfectworks/"
)

// OriginOf is the origin of the n-th tree of a log.
func OriginOf(log string, n int) string { return originPrefix + log + "/" + strconv.Itoa(n) }

// treeOf is the beginning of the keys of a tree's objects.
func treeOf(log string, n int) string { return log + "/" + strconv.Itoa(n) + "/" }

// historyKey is the key of the checkpoint of a size. Keys are in the order of sizes.
func historyKey(size uint64) string { return fmt.Sprintf("%s%020d", checkpointsFolder, size) }

// text is what is signed.
func (c Checkpoint) text() string {
	var b strings.Builder
	root, _ := c.Root.MarshalText() // It never fails.
	fmt.Fprintf(&b, "%s\n%d\n%s\nposition %s\ntime %s\n", c.Origin, c.Size, root, c.Position, c.Time.UTC().Format(time.RFC3339))
	for _, s := range c.Streams {
		fmt.Fprintf(&b, "streams %d %s\n", s.From, strings.Join(s.Prefixes, ","))
	}
	return b.String()
}

// sign sets the note.
func (c Checkpoint) sign(keys *Keys) (Checkpoint, error) {
	signed, err := note.Sign(&note.Note{Text: c.text()}, keys.signer)
	if err != nil {
		return c, fmt.Errorf("sign a checkpoint: %w", err)
	}
	c.Note = string(signed)
	return c, nil
}

var (
	// ErrCheckpoint says that a text is not a checkpoint of ours.
	ErrCheckpoint = errors.New("this is not a checkpoint of an event log")
	// ErrSignature says that no known key has signed a checkpoint.
	ErrSignature = errors.New("no known key has signed the checkpoint as it is")
)

// OpenCheckpoint reads a checkpoint that one of the keys has signed. Its error wraps
// ErrSignature or ErrCheckpoint.
func OpenCheckpoint(signed []byte, keys *Keys) (Checkpoint, error) {
	opened, err := note.Open(signed, keys.verifiers)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrSignature, err)
	}
	c, err := parseCheckpoint(opened.Text)
	if err != nil {
		return Checkpoint{}, fmt.Errorf("%w: %w", ErrCheckpoint, err)
	}
	c.Note = string(signed)
	return c, nil
}

func parseCheckpoint(text string) (c Checkpoint, err error) {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 6 || !strings.HasPrefix(lines[0], originPrefix) {
		return c, errors.New("it has other lines")
	}
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseUint(lines[1], 10, 63); err != nil {
		return c, errors.New("its size is not a number")
	}
	if err := c.Root.UnmarshalText([]byte(lines[2])); err != nil {
		return c, err
	}
	position, isPosition := strings.CutPrefix(lines[3], "position ")
	at, isTime := strings.CutPrefix(lines[4], "time ")
	if !isPosition || !isTime {
		return c, errors.New("it has other lines")
	}
	if c.Position, err = event.ParsePosition(position); err != nil {
		return c, err
	}
	if c.Time, err = time.Parse(time.RFC3339, at); err != nil {
		return c, errors.New("its time is not one")
	}
	for _, line := range lines[5:] {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[0] != "streams" {
			return c, errors.New("it has other lines")
		}
		from, err := strconv.ParseUint(fields[1], 10, 63)
		if err != nil {
			return c, errors.New("its streams begin at no number")
		}
		c.Streams = append(c.Streams, Streams{from, strings.Split(fields[2], ",")})
	}
	if c.text() != text {
		return c, errors.New("it is written in another way")
	}
	return c, nil
}

// prefixesAt are the streams whose events are in the tree from a leaf on.
func (c Checkpoint) prefixesAt(leaf uint64) []string {
	for _, s := range slices.Backward(c.Streams) {
		if leaf >= s.From {
			return s.Prefixes
		}
	}
	return nil
}

// following adds streams that are new from now on. None is ever left out again: an
// older release that takes a checkpoint meanwhile goes on with those that a newer one
// has added.
func (c Checkpoint) following(prefixes []string) Checkpoint {
	known := c.prefixesAt(c.Size)
	all := slices.Clone(known)
	for _, p := range prefixes {
		if !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	if len(all) == len(known) {
		return c
	}
	slices.Sort(all)
	c.Streams = slices.DeleteFunc(slices.Clone(c.Streams), func(s Streams) bool { return s.From == c.Size })
	c.Streams = append(c.Streams, Streams{c.Size, all})
	return c
}

// isOurs reports whether an event is in the tree when these are the streams.
func isOurs(e Event, prefixes []string) bool {
	return !strings.HasPrefix(e.Type, "$") && slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(e.Stream, p) })
}
