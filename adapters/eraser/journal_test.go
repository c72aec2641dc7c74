package eraser_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/eraser"
)

var at = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func subjects(entries []eraser.Entry) []string {
	all := []string{}
	for _, e := range entries {
		all = append(all, e.Subject)
	}
	return all
}

func journal(t *testing.T) (*eraser.Journal, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "erasures.journal")
	j, err := eraser.CreateJournal(path, []eraser.Entry{{Subject: "user_0", At: at}})
	if err != nil {
		t.Fatal(err)
	}
	return j, path
}

func TestAJournalKeepsWhatIsAppended(t *testing.T) {
	t.Parallel()
	j, path := journal(t)
	if err := j.Append([]string{"user_1", "inv_1"}, at); err != nil {
		t.Fatal(err)
	}
	again, entries, err := eraser.OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	want := []eraser.Entry{{"user_0", at}, {"user_1", at}, {"inv_1", at}}
	if diff := cmp.Diff(want, entries); diff != "" || again.ID() != j.ID() {
		t.Errorf("%s, %s\n%s", again.ID(), j.ID(), diff)
	}
	if _, err := eraser.CreateJournal(path, nil); err == nil {
		t.Error("a journal was replaced")
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("files are left: %v", files)
	}
}

// What a crash cut off was never acknowledged, and the next append goes on behind
// the last whole line.
func TestACutOffLineIsPassedOver(t *testing.T) {
	t.Parallel()
	j, path := journal(t)
	if err := j.Append([]string{"user_1"}, at); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.LastIndexByte(whole[:len(whole)-1], '\n') + 1
	for end := last; end < len(whole); end++ {
		if err := os.WriteFile(path, whole[:end], 0o600); err != nil {
			t.Fatal(err)
		}
		if err := j.Append([]string{"user_2"}, at); err != nil {
			t.Fatalf("cut off after %d: %v", end-last, err)
		}
		_, entries, err := eraser.OpenJournal(path)
		if diff := cmp.Diff([]string{"user_0", "user_2"}, subjects(entries)); diff != "" || err != nil {
			t.Fatalf("cut off after %d: %v\n%s", end-last, err, diff)
		}
	}
}

// Every other damage is noticed: a journal that cannot be trusted is no journal.
func TestDamageIsNoticed(t *testing.T) {
	t.Parallel()
	_, path := journal(t)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		damaged := bytes.Clone(whole)
		damaged[i] ^= 1
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		_, entries, err := eraser.OpenJournal(path)
		// Without its end, the last line is one that was cut off.
		if i == len(whole)-1 && err == nil && len(entries) == 0 {
			continue
		}
		if !errors.Is(err, eraser.ErrDamaged) {
			t.Errorf("byte %d: %v, %v", i, subjects(entries), err)
		}
	}
	for name, content := range map[string][]byte{"empty": nil, "another file": []byte("hello\n"), "a line twice": append(whole, whole...)} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, entries, err := eraser.OpenJournal(path); err == nil || errors.Is(err, eraser.ErrNoJournal) {
			t.Errorf("%s: %v, %v", name, entries, err)
		}
	}
	if _, _, err := eraser.OpenJournal(path + "x"); !errors.Is(err, eraser.ErrNoJournal) {
		t.Errorf("none: %v", err)
	}
}

func TestManyAppendAtOnce(t *testing.T) {
	t.Parallel()
	_, path := journal(t)
	var wg sync.WaitGroup
	for process := range 4 {
		wg.Go(func() {
			j, _, err := eraser.OpenJournal(path)
			for i := 0; err == nil && i < 25; i++ {
				err = j.Append([]string{fmt.Sprintf("user_%d_%d", process, i)}, at)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	_, entries, err := eraser.OpenJournal(path)
	if err != nil || len(entries) != 101 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

// A file that was put in the place of the journal is not written to.
func TestAReplacedJournalIsNoticed(t *testing.T) {
	t.Parallel()
	j, path := journal(t)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := j.Append([]string{"user_1"}, at); err == nil {
		t.Error("it was appended to nothing")
	}
	if _, err := eraser.CreateJournal(path, nil); err != nil {
		t.Fatal(err)
	}
	if err := j.Append([]string{"user_1"}, at); !errors.Is(err, eraser.ErrDamaged) {
		t.Errorf("got %v", err)
	}
}
