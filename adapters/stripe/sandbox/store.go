package sandbox

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// store is all objects, in memory and in the file. The sandbox's mutex guards it.
type store struct {
	objects map[string]object
	// kinds are the ids of each kind, oldest first.
	kinds map[string][]string
	// undelivered are the deliveries that are not done, oldest first.
	undelivered []string
	file        *os.File
}

// line is one change in the file: all that it wrote, so that a change which was
// cut off by a crash is absent as a whole.
type line []stored

type stored struct {
	Kind   string          `json:"kind"`
	Object json.RawMessage `json:"object"`
}

// openStore reads the file and begins it anew without what is out of date. An
// empty path is for no file.
func openStore(path string, oldest int64) (*store, error) {
	st := &store{objects: map[string]object{}, kinds: map[string][]string{}}
	if path == "" {
		return st, nil
	}
	if err := st.read(path); err != nil {
		return nil, fmt.Errorf("read the sandbox's file: %w", err)
	}
	if err := st.rewrite(path, oldest); err != nil {
		return nil, fmt.Errorf("write the sandbox's file: %w", err)
	}
	return st, nil
}

func (st *store) read(path string) error {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // It was only read.
	in := bufio.NewReader(file)
	for {
		text, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return nil // What follows the last end of line was cut off.
		}
		if err != nil {
			return err
		}
		if err := st.apply(text); err != nil {
			return err
		}
	}
}

func (st *store) apply(text []byte) error {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return err
	}
	for _, s := range l {
		begin, known := blank[s.Kind]
		if !known {
			return fmt.Errorf("there is no kind %q", s.Kind)
		}
		o := begin()
		if err := json.Unmarshal(s.Object, o); err != nil {
			return err
		}
		st.remember(s.Kind, o)
	}
	return nil
}

// rewrite leaves out events and deliveries that are older, as Stripe does.
func (st *store) rewrite(path string, oldest int64) error {
	old := *st
	st.objects, st.kinds, st.undelivered = map[string]object{}, map[string][]string{}, nil
	var out bytes.Buffer
	for kind, ids := range old.kinds {
		for _, id := range ids {
			o := old.objects[id]
			if passing := kind == "event" || kind == "delivery" || kind == "answer"; passing && o.createdAt() < oldest {
				continue
			}
			st.remember(kind, o)
			if err := encodeLine(&out, map[string]object{id: o}, []string{id}, func(string) string { return kind }); err != nil {
				return err
			}
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	next := path + ".new"
	if err := os.WriteFile(next, out.Bytes(), 0o600); err != nil {
		return err
	}
	if err := os.Rename(next, path); err != nil {
		return err
	}
	var err error
	st.file, err = os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0o600)
	return err
}

func (st *store) remember(kind string, o object) {
	if _, known := st.objects[o.key()]; !known {
		st.kinds[kind] = append(st.kinds[kind], o.key())
	}
	if d, ok := o.(*delivery); ok {
		st.track(d)
	}
	st.objects[o.key()] = o
}

// track keeps the deliveries that are not done.
func (st *store) track(d *delivery) {
	i := slices.Index(st.undelivered, d.ID)
	switch {
	case i < 0 && !d.Done:
		st.undelivered = append(st.undelivered, d.ID)
	case i >= 0 && d.Done:
		st.undelivered = slices.Delete(st.undelivered, i, i+1)
	}
}

// open are the deliveries that are not done.
func (st *store) open() []string { return st.undelivered }

func (st *store) close() error {
	if st.file == nil {
		return nil
	}
	return st.file.Close()
}

// change is one change under way: what it writes shows to itself, and to others
// once it is committed.
type change struct {
	s       *Sandbox
	at      time.Time
	written map[string]object
	kind    map[string]string
	order   []string
}

func (c *change) put(kind string, o object) {
	if _, again := c.written[o.key()]; !again {
		c.order = append(c.order, o.key())
	}
	c.written[o.key()], c.kind[o.key()] = o, kind
}

func (c *change) lookUp(id string) (object, bool) {
	if o, ok := c.written[id]; ok {
		return o, true
	}
	o, ok := c.s.store.objects[id]
	return o, ok
}

// find returns a copy of an object, which the change may alter and put back.
func find[T any, P interface {
	*T
	object
}](c *change, id string) (P, error) {
	o, _ := c.lookUp(id)
	p, ok := o.(P)
	if !ok {
		return nil, missing(id)
	}
	copied := *p
	return &copied, nil
}

func (c *change) commit() error {
	if len(c.order) == 0 {
		return nil
	}
	if c.s.store.file != nil {
		var out bytes.Buffer
		if err := encodeLine(&out, c.written, c.order, func(id string) string { return c.kind[id] }); err != nil {
			return err
		}
		if _, err := c.s.store.file.Write(out.Bytes()); err != nil {
			return fmt.Errorf("write the sandbox's file: %w", err)
		}
	}
	for _, id := range c.order {
		c.s.store.remember(c.kind[id], c.written[id])
	}
	return nil
}

func encodeLine(out *bytes.Buffer, objects map[string]object, order []string, kind func(string) string) error {
	l := make(line, len(order))
	for i, id := range order {
		text, err := json.Marshal(objects[id])
		if err != nil {
			return fmt.Errorf("encode a %s: %w", kind(id), err)
		}
		l[i] = stored{Kind: kind(id), Object: text}
	}
	return json.NewEncoder(out).Encode(l)
}

// newID is a prefix and enough randomness not to be guessed.
func newID(prefix string) string { return prefix + "_" + rand.Text() }
