package clicks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/projections/referrals"
)

// recordedOnce fails unless so many clicks are recorded, each under an id of its own.
func (d *desk) recordedOnce(want int) {
	d.t.Helper()
	places := map[string]bool{}
	for name, e := range d.recorded {
		for _, c := range e.Clicks {
			place := Place{Segment: e.Segment, Index: c.Index}.String()
			if id := string(name) + "/" + place; places[id] {
				d.t.Errorf("two clicks are %s", id)
			} else {
				places[id] = true
			}
		}
	}
	if len(places) != want {
		d.t.Errorf("%d clicks are recorded, want %d", len(places), want)
	}
}

// A disk that takes half of a write, and then nothing for a while, costs no click.
func TestADiskThatFails(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{})
	d.follow("ada")
	d.spool.Sync()
	file := d.spool.segment.file.Name()
	half, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = half.WriteString(`deadbeef 1 {"t":17`)
	}
	if err != nil {
		t.Fatal(err)
	}
	_ = half.Close()
	_ = d.spool.segment.file.Close()
	if d.spool.segment.file, err = os.Open(file); err != nil { // It takes no writes.
		t.Fatal(err)
	}
	d.spool.segment.failed = true
	for range 3 {
		if to, cookie := d.follow("ada"); to == "" || cookie == nil {
			t.Error("the link does not go on")
		}
	}
	d.spool.Sync()
	if _, err := d.spool.Lost(); err == nil {
		t.Error("no error is told while clicks are in memory alone")
	}
	_ = d.spool.segment.file.Close()
	d.spool.segment.file = nil // The disk takes writes again.
	d.spool.Sync()
	if lost, err := d.spool.Lost(); lost != 0 || err != nil {
		t.Errorf("%d are lost, %v", lost, err)
	}
	all, err := filepath.Glob(filepath.Join(d.folder, "*", "*"+openSuffix))
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	if records, damaged, err := (sealed{file: all[0]}).read(); len(records) != 4 || damaged != 0 || err != nil {
		t.Errorf("%d requests and %d damaged lines are in the file, %v", len(records), damaged, err)
	}
	d.end()
	d.recordedOnce(4)
}

// A damaged line costs one click: those around it keep their ids.
func TestADamagedLine(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{SegmentClicks: 3})
	for range 3 {
		d.follow("ada")
	}
	d.spool.Sync()
	all, err := filepath.Glob(filepath.Join(d.folder, "*", "*"+sealedSuffix))
	if err != nil || len(all) != 1 {
		t.Fatalf("%v, %v", all, err)
	}
	text, err := os.ReadFile(all[0])
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	lines[1] = strings.Replace(lines[1], `"t":1`, `"t":2`, 1)
	if err := os.WriteFile(all[0], []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	var indexes []int
	for _, c := range d.end() {
		indexes = append(indexes, c.Index)
	}
	if len(indexes) != 2 || indexes[0] != 0 || indexes[1] != 2 {
		t.Errorf("the clicks %v are recorded", indexes)
	}
}

// Lines of the version before, which had no index, are read as well.
func TestLinesWithoutAnIndex(t *testing.T) {
	t.Parallel()
	const line = `{"t":1770000000000,"l":{"referrerId":"rfr_1"},"a":"x","v":"v","n":"n","r":1}`
	for text, want := range map[string]int{
		fmt.Sprintf("%08x %s", crc32.ChecksumIEEE([]byte(line)), line):     5,
		strings.TrimSuffix(string(appendLine(nil, 7, []byte(line))), "\n"): 7,
	} {
		if r, ok := readLine([]byte(text), 5); !ok || r.index != want || r.Agent != "x" {
			t.Errorf("%q is read as %+v, %t", text, r, ok)
		}
		if r, ok := readLine([]byte("0"+text), 5); ok {
			t.Errorf("a wrong checksum is read as %+v", r)
		}
	}
}

// Whatever agents send, a segment is small enough for the store, which takes a
// mebibyte in one append.
func TestSegmentsAreSmallEnough(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{})
	const most = 1200
	for i := range most {
		agent := strings.Repeat("<", maxAgent-4) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676))
		d.follow("ada", with("User-Agent", agent), query("utm_source="+strings.Repeat("%3c", maxSource-3)+string(rune('a'+i%26))+string(rune('a'+i/26%26))+string(rune('a'+i/676))))
	}
	d.end()
	d.recordedOnce(most)
	for name, e := range d.recorded {
		text, err := json.Marshal(e) // It escapes more than the store's form.
		if err != nil || len(text) > 1<<20-1<<16 {
			t.Errorf("%s has %d bytes, %v", name, len(text), err)
		}
	}
	if len(d.recorded) < 4 {
		t.Errorf("%d segments", len(d.recorded))
	}
}

// HEAD requests in later segments tell that a click was a program's, also when they
// come just before it is judged.
func TestHeadsInLaterSegments(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{SegmentClicks: 1})
	d.recorder.After = 0
	began := time.Now()
	at := func(after time.Duration) { d.now = func() time.Time { return began.Add(after) } }
	at(0)
	d.follow("ada") // A segment of its own.
	at(headsWithin - time.Second)
	d.follow("ada", head)
	d.follow("ada", head)
	d.spool.Sync()
	// It is not judged before all that may belong to it is in files.
	if err := d.recorder.Work(t.Context(), time.Now().Add(headsWithin+d.spool.options.SegmentAge-time.Second)); err != nil || len(d.recorded) != 0 {
		t.Errorf("%d segments, %v", len(d.recorded), err)
	}
	if all := d.end(); len(all) != 1 || all[0].Reason != click.ReasonHeads || all[0].Heads != 2 {
		t.Errorf("%+v", all)
	}
}

// What processes that have ended left counts against the bound, until it is recorded.
func TestTheBoundCountsWhatWasLeft(t *testing.T) {
	t.Parallel()
	o := SpoolOptions{MaxBytes: 3000}
	d := newDesk(t, o)
	kept := 0
	for {
		if _, cookie := d.follow("ada"); cookie == nil {
			break
		}
		kept++
	}
	d.spool.Sync()
	_ = d.spool.lock.Close() // The process dies.
	d.lost = 0
	d.open(o)
	if to, cookie := d.follow("ada"); to == "" || cookie != nil || d.lost != 1 {
		t.Errorf("%s, %v, %d are lost", to, cookie, d.lost)
	}
	d.end()
	d.recordedOnce(kept)
	if _, cookie := d.follow("ada"); cookie == nil {
		t.Error("there is no room, although all is recorded")
	}
}

// A HEAD request that is not kept is no lost click.
func TestHeadsAreNotLostClicks(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{MaxBytes: 1})
	d.follow("ada", head)
	if lost, _ := d.spool.Lost(); lost != 0 || d.lost != 0 {
		t.Errorf("%d and %d are lost", lost, d.lost)
	}
}

// One segment that cannot be recorded does not keep the others.
func TestASegmentThatCannotBeRecorded(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{SegmentClicks: 1})
	for range 4 {
		d.follow("ada")
	}
	d.spool.Sync()
	record := d.recorder.Record
	var poison int64 = 1
	d.recorder.Record = func(ctx context.Context, e click.Recorded) error {
		if e.Segment == poison {
			return errStore
		}
		return record(ctx, e)
	}
	for range 2 {
		if err := d.recorder.Work(t.Context(), time.Now().Add(time.Minute)); !errors.Is(err, errStore) {
			t.Error(err)
		}
	}
	d.recordedOnce(3)
	poison = 0
	d.end()
	d.recordedOnce(4)
}

// For an hour the store does not answer, while clicks come as on any day: none is
// lost, and all are recorded once when it is back.
func TestTheStoreIsGoneForAnHour(t *testing.T) {
	t.Parallel()
	d := newDesk(t, SpoolOptions{})
	const perStep, step = 50, 5 * time.Second // ten a second
	began, sent := time.Now().Add(-time.Hour), 0
	d.fails = 1 << 30
	for at := time.Duration(0); at < time.Hour; at += step {
		d.now = func() time.Time { return began.Add(at) }
		for i := range perStep {
			agent := browser
			if i%10 > 0 {
				agent = "curl/8.5.0" // No visitor: that takes the database's time.
			}
			if _, cookie := d.follow("spring", with("User-Agent", agent)); cookie == nil {
				t.Fatal("a click was not kept")
			}
			sent++
		}
		d.spool.Sync()
		if at%(10*time.Minute) == 0 {
			if err := d.recorder.Work(t.Context(), time.Now().Add(time.Minute)); !errors.Is(err, errStore) {
				t.Fatal(err)
			}
		}
	}
	lost, err := d.spool.Lost()
	if lost != 0 || err != nil || len(d.recorded) != 0 {
		t.Errorf("%d are lost, %d segments are recorded, %v", lost, len(d.recorded), err)
	}
	if asOf := d.spool.AsOf(time.Now()); asOf.After(time.Now().Add(-time.Second)) && asOf.After(began.Add(time.Minute)) {
		t.Errorf("clicks of an hour wait, and all are told to be counted up to %v", asOf)
	}
	if d.spool.bytes > d.spool.options.MaxBytes/10 {
		t.Errorf("the clicks of an hour take %d bytes", d.spool.bytes)
	}
	d.fails = 0
	d.end()
	d.recordedOnce(sent)
	if left, err := d.spool.waiting(); len(left) != 0 || d.spool.bytes != 0 || err != nil {
		t.Errorf("%d segments and %d bytes are left, %v", len(left), d.spool.bytes, err)
	}
}

// Links that are known go on while the database does not answer, however long it
// takes to say so.
func TestLinksGoOnWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	asked, answers := make(chan struct{}, 100), make(chan error)
	first := true
	links := NewLinks(func(ctx context.Context, _ int64, _ int) ([]referrals.Link, error) {
		if first {
			first = false
			return []referrals.Link{{Code: "ada", ReferrerID: ada, Changed: 1}}, nil
		}
		asked <- struct{}{}
		select {
		case err := <-answers:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}, where, quiet)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); links.Run(ctx) }()
	for range 2 {
		<-asked // It waits for an answer now.
		if _, known := links.find("ada", time.Now()); !known {
			t.Error("a link is not known any more")
		}
		answers <- errStore
	}
	<-asked
	stop()
	<-ended
}
