package mail_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
	"github.com/perfectworks/backend/adapters/mail"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/failure"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/personal"
)

var token = organization.NewToken("inv_01jd9z3q5we8x9v6m2k4t7r1b9", [32]byte{1, 2, 3})

func invitation() commands.InvitationMail {
	return commands.InvitationMail{
		Key: "16fb8643-e81b-525d-b830-f092b24fef46", At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
		To: personal.New("grace@example.com"), Organization: "Acme & Söhne", Inviter: personal.New("Ada Lovelace"),
		Role: access.Admin, Token: token, ExpireAt: time.Date(2026, 3, 8, 12, 0, 0, 0, time.UTC),
	}
}

func newSender(tb testing.TB, change func(*mail.Config)) (*mail.Sender, string) {
	tb.Helper()
	c := mail.Config{From: "PerfectWorks <no-reply@perfectworks.example>", Folder: filepath.Join(tb.TempDir(), "mail"), Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&c)
	}
	s, err := mail.New(c)
	if err != nil {
		tb.Fatal(err)
	}
	return s, c.Folder
}

func withPage(c *mail.Config) { c.InvitationURL = "https://app.example/join?lang=en" }

// read returns the one mail of a folder.
func read(t *testing.T, folder string) (m *netmail.Message, text, html string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil || len(files) != 1 || !strings.HasSuffix(files[0], ".eml") {
		t.Fatalf("the folder holds %v, %v", files, err)
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	if m, err = netmail.ReadMessage(strings.NewReader(string(data))); err != nil {
		t.Fatalf("%v:\n%s", err, data)
	}
	kind, parameters, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatalf("the mail is of type %s, %v", kind, err)
	}
	parts := multipart.NewReader(m.Body, parameters["boundary"])
	for _, part := range []struct {
		kind string
		into *string
	}{{"text/plain", &text}, {"text/html", &html}} {
		p, err := parts.NextRawPart()
		if err != nil || !strings.HasPrefix(p.Header.Get("Content-Type"), part.kind) || p.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Fatalf("not %s: %v, %v", part.kind, p, err)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(p))
		if err != nil {
			t.Fatal(err)
		}
		*part.into = strings.ReplaceAll(string(body), "\r\n", "\n")
	}
	return m, text, html
}

func TestInvitation(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change   func(*mail.Config)
		text     []string
		html     []string
		inviting func(*commands.InvitationMail)
	}{
		"with a page": {
			withPage,
			[]string{"Ada Lovelace invites you to join Acme & Söhne on PerfectWorks as an admin.", "\nhttps://app.example/join?lang=en#token=" + token.Reveal() + "\n", "Sunday, 8 March 2026 at 12:00 UTC"},
			[]string{`href="https://app.example/join?lang=en#token=` + token.Reveal() + `"`, "<strong>Acme &amp; Söhne</strong>", "<strong>Ada Lovelace</strong>"},
			nil,
		},
		"without a page": {nil, []string{"\n" + token.Reveal() + "\n"}, []string{"<code>" + token.Reveal() + "</code>"}, nil},
		"by a system user": {
			nil,
			[]string{"You are invited to join Acme & Söhne"},
			[]string{"You are invited to join <strong>"},
			func(m *commands.InvitationMail) { m.Inviter = personal.Text{} },
		},
		"with names that look like more": {
			nil,
			[]string{"<b>Ada</b> Subject: x invites you to join A Bcc: eve@example.com on"},
			[]string{"&lt;b&gt;Ada&lt;/b&gt; Subject: x", "A Bcc: eve@example.com"},
			func(m *commands.InvitationMail) {
				m.Inviter, m.Organization = personal.New("<b>Ada</b>\r\nSubject: x"), "A\r\nBcc: eve@example.com"
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, folder := newSender(t, c.change)
			m := invitation()
			if c.inviting != nil {
				c.inviting(&m)
			}
			if err := s.SendInvitation(t.Context(), m); err != nil {
				t.Fatal(err)
			}
			got, text, html := read(t, folder)
			for header, want := range map[string]string{
				"To": "<grace@example.com>", "From": `"PerfectWorks" <no-reply@perfectworks.example>`, "Bcc": "",
				"Message-Id": "<invitation-" + m.Key + "@perfectworks.example>", "Date": "Sun, 01 Mar 2026 12:00:00 +0000", "Auto-Submitted": "auto-generated",
			} {
				if got.Header.Get(header) != want {
					t.Errorf("%s: %q", header, got.Header.Get(header))
				}
			}
			subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
			if want := "You are invited to join " + strings.Join(strings.Fields(m.Organization), " "); err != nil || subject != want {
				t.Errorf("subject %q, %v", subject, err)
			}
			for _, want := range c.text {
				if !strings.Contains(text, want) {
					t.Errorf("%q is missing in\n%s", want, text)
				}
			}
			for _, want := range c.html {
				if !strings.Contains(html, want) {
					t.Errorf("%q is missing in\n%s", want, html)
				}
			}
			result, err := htmlcheck.Check([]byte(html))
			if err != nil || len(result.Findings) > 0 || result.Language != "en" || result.Title != subject {
				t.Errorf("%v: %+v", err, result)
			}
		})
	}
}

// However many processes write a mail, and wherever they are cut off, there is one
// file of it, whole.
func TestAFileIsWrittenOnce(t *testing.T) {
	t.Parallel()
	s, folder := newSender(t, nil)
	var all sync.WaitGroup
	for range 32 {
		all.Go(func() {
			if err := s.SendInvitation(context.Background(), invitation()); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	_, first, _ := read(t, folder)
	// What a later attempt would write differently does not matter.
	later := invitation()
	later.Organization = "Other"
	if err := s.SendInvitation(t.Context(), later); err != nil {
		t.Error(err)
	}
	if _, second, _ := read(t, folder); second != first {
		t.Error("it was written again")
	}
	if info, err := os.Stat(folder); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may look into the folder: %v, %v", info.Mode(), err)
	}
}

func TestAMailThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := newSender(t, func(c *mail.Config) { c.Folder = file })
	if err := s.SendInvitation(t.Context(), invitation()); err == nil || failure.Of(err) != nil {
		t.Errorf("got %v", err)
	}
	s, _ = newSender(t, nil)
	nowhere := invitation()
	nowhere.To = personal.New("no address")
	err := s.SendInvitation(t.Context(), nowhere)
	if failure.Of(err) == nil || strings.Contains(err.Error(), "no address") {
		t.Errorf("got %v", err)
	}
}

func TestConfiguration(t *testing.T) {
	t.Parallel()
	for _, good := range []mail.Config{
		{},
		{SMTPURL: "smtp://mail.example"},
		{SMTPURL: "smtps://user:p%40ss@mail.example:2465/"},
		{From: "a@b.example", InvitationURL: "http://localhost:3000/join"},
	} {
		if _, err := mail.New(good); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []mail.Config{
		{SMTPURL: "mail.example:25"},
		{SMTPURL: "http://c2VjcmV0:c2VjcmV0@mail.example"},
		{SMTPURL: "smtp://u:c2VjcmV0@"},
		{SMTPURL: "smtp://u:c2VjcmV0@mail.example:70000"},
		{SMTPURL: "smtp://u:c2VjcmV0@mail.example/path"},
		{SMTPURL: "smtp://u:c2VjcmV0@mail.example?tls=no"},
		{SMTPURL: "smtp://u:c2Vj%zzcmV0@mail.example"},
		{From: "nobody"},
		{InvitationURL: "javascript:alert(1)"},
		{InvitationURL: "https://u:c2VjcmV0@app.example"},
		{InvitationURL: "https://app.example/#a"},
	} {
		if _, err := mail.New(bad); err == nil || strings.Contains(err.Error(), "c2VjcmV0") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// smtpServer is a mail server that answers RCPT as it is told, and keeps what it
// is given.
type smtpServer struct {
	address string
	mu      sync.Mutex
	answer  string
	mails   []string
}

func startSMTP(t *testing.T, answer string) *smtpServer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &smtpServer{address: listener.Addr().String(), answer: answer}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { s.talk(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	return s
}

func (s *smtpServer) talk(conn net.Conn) {
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
	in := bufio.NewReader(conn)
	say := func(line string) { _, _ = fmt.Fprintf(conn, "%s\r\n", line) }
	say("220 test")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		switch command := strings.ToUpper(strings.Fields(line + " x")[0]); command {
		case "EHLO", "HELO", "MAIL", "RSET", "NOOP":
			say("250 ok")
		case "RCPT":
			say(s.answer)
		case "DATA":
			say("354 go on")
			var data strings.Builder
			for {
				line, err := in.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				data.WriteString(line)
			}
			s.mu.Lock()
			s.mails = append(s.mails, data.String())
			s.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("500 what?")
		}
	}
}

// A mail that goes out twice is the same one to whoever receives it.
func TestSMTP(t *testing.T) {
	t.Parallel()
	server := startSMTP(t, "250 ok")
	s, folder := newSender(t, func(c *mail.Config) { c.SMTPURL = "smtp://" + server.address })
	for range 2 {
		if err := s.SendInvitation(t.Context(), invitation()); err != nil {
			t.Fatal(err)
		}
	}
	if len(server.mails) != 2 || server.mails[0] != server.mails[1] || !strings.Contains(server.mails[0], "invitation-16fb8643-e81b-525d-b830-f092b24fef46@perfectworks.example") {
		t.Errorf("sent: %q", server.mails)
	}
	if _, err := os.Stat(folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("there is a folder of mails, too: %v", err)
	}
}

// What may pass is tried again; what the server will never take waits for an
// operator. Neither error tells the address.
func TestSMTPRefusals(t *testing.T) {
	t.Parallel()
	for answer, final := range map[string]bool{"550 5.1.1 grace@example.com unknown": true, "451 4.3.0 grace@example.com later": false, "421 4.7.0 grace@example.com busy": false} {
		server := startSMTP(t, answer)
		s, _ := newSender(t, func(c *mail.Config) { c.SMTPURL = "smtp://" + server.address })
		err := s.SendInvitation(t.Context(), invitation())
		if err == nil || (failure.Of(err) != nil) != final || strings.Contains(err.Error(), "grace") {
			t.Errorf("%s: %v", answer, err)
		}
	}
	gone := startSMTP(t, "250 ok")
	s, _ := newSender(t, func(c *mail.Config) { c.SMTPURL = "smtp://user:c2VjcmV0@" + gone.address })
	if err := s.SendInvitation(t.Context(), invitation()); err == nil || strings.Contains(err.Error(), "c2VjcmV0") || failure.Of(err) != nil {
		t.Errorf("a server without authentication: %v", err)
	}
}
