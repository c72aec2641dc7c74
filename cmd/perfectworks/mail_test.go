package main

import (
	"bufio"
	"fmt"
	mathrand "math/rand/v2"
	"net/http"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// The worker that sends mails is killed at random points: each invitation has its
// mail in the end, exactly one, and a rebuild of the read models sends none.
func TestMailWorkerKilledAtRandomPoints(t *testing.T) {
	t.Parallel()
	const rounds, invitations = 3, 8
	place := newInstallation(t)
	place.serve("--role", "projector")
	server := place.serve("--role", "api")
	ada := caller{server.api, place.token("ada")}
	ada.settle(t)
	db := connect(t, place)
	count := func(sql string) (n int) {
		t.Helper()
		if err := db.QueryRow(t.Context(), sql).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	// It begins with what happens after its first run.
	eventually(t, "the policy runs", func() bool {
		return count("SELECT count(*) FROM policy.checkpoints WHERE policy = 'send-invitation'") == 1
	})
	mails := func() []string {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(place.data, "mail", "*.eml"))
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	var invited []string
	for range rounds {
		worker := place.serve("--role", "worker")
		before := len(invited)
		for range invitations {
			address := fmt.Sprintf("guest-%d@example.net", len(invited))
			ada.must(t, http.StatusCreated, http.MethodPost, "/organization-members", `{"email":"`+address+`","role":"member"}`)
			invited = append(invited, address)
		}
		point := before + mathrand.IntN(invitations)
		eventually(t, "the point to kill the worker at", func() bool { return len(mails()) >= point })
		worker.end(syscall.SIGKILL)
	}
	place.serve("--role", "worker")
	settled := func() bool {
		open := count("SELECT count(*) FROM jobs.river_job WHERE kind LIKE 'policy/send-invitation%' AND state <> 'completed'")
		return open == 0 && len(mails()) >= len(invited)
	}
	eventually(t, "all mails are sent", settled)
	if _, stderr, code := output(t, place.settings, "projections", "rebuild", "members", "--data", place.data); code != 0 {
		t.Errorf("rebuild ended with %d: %s", code, stderr)
	}
	eventually(t, "all mails are sent after the rebuild", settled)
	to, ids := map[string]int{}, map[string]bool{}
	for _, file := range mails() {
		m := readMail(t, file)
		address, err := m.Header.AddressList("To")
		if err != nil || len(address) != 1 {
			t.Fatalf("%s is to %v, %v", file, address, err)
		}
		to[address[0].Address]++
		ids[m.Header.Get("Message-Id")] = true
	}
	for _, address := range invited {
		if to[address] != 1 {
			t.Errorf("%d mails to %s", to[address], address)
		}
	}
	if len(to) != len(invited) || len(ids) != len(invited) {
		t.Errorf("%d receivers and %d message ids for %d invitations", len(to), len(ids), len(invited))
	}
}

func readMail(t *testing.T, file string) *mail.Message {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := mail.ReadMessage(bufio.NewReader(f))
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if !strings.HasPrefix(m.Header.Get("Content-Type"), "multipart/alternative") {
		t.Errorf("%s is not of text and HTML: %s", file, m.Header.Get("Content-Type"))
	}
	return m
}
