package faults

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	// readyWithin bounds a start, and stopsWithin a clean stop, on a machine that is
	// busy with other tests.
	readyWithin = 2 * time.Minute
	stopsWithin = time.Minute
)

// process is one program of a system. It may be started and ended many times.
type process struct {
	t    *testing.T
	name string
	// program and args are what is run; settings are its environment beside ours.
	program  string
	args     []string
	settings []string
	log      string // the file of what it writes to standard error, over all its lives

	running *life
	starts  int
	// api is where it serves the API, empty while it does not.
	api atomic.Value
}

// life is one run of a process.
type life struct {
	cmd   *exec.Cmd
	admin string // host and port for operators
	ready chan struct{}
	ended chan struct{}
}

// runs tells whether the process was started and has not ended.
func (p *process) runs() bool {
	if p.running == nil {
		return false
	}
	select {
	case <-p.running.ended:
		return false
	default:
		return true
	}
}

// launch starts the process and waits for nothing.
func (p *process) launch() {
	p.t.Helper()
	errs, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o600)
	if err != nil {
		p.t.Fatal(err)
	}
	defer errs.Close()
	begin, err := errs.Seek(0, io.SeekEnd)
	if err != nil {
		p.t.Fatal(err)
	}
	l := &life{cmd: exec.Command(p.program, p.args...), ready: make(chan struct{}), ended: make(chan struct{})}
	l.cmd.Env = append(os.Environ(), p.settings...)
	l.cmd.Stderr = errs
	endWithUs(l.cmd)
	stdout, err := l.cmd.StdoutPipe()
	if err != nil {
		p.t.Fatal(err)
	}
	if err := l.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.running = l
	p.starts++
	go p.follow(l, stdout, begin)
}

// What the program prints when it is ready, and writes when it serves operators or
// as an event node.
var (
	readyLine = regexp.MustCompile(`PerfectWorks is ready as|API=(http://\S+/api/v0)`)
	adminLine = regexp.MustCompile(`"metrics, profiles and readiness are served to operators","addr":"([^"]+)"`)
	nodeLine  = regexp.MustCompile(`"the event node answers","address":"([^"]+)"`)
)

// follow reads what a process prints until it ends.
func (p *process) follow(l *life, stdout io.Reader, begin int64) {
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if found := readyLine.FindStringSubmatch(lines.Text()); found != nil {
			if said := adminLine.FindSubmatch(p.said(begin)); said != nil {
				l.admin = string(said[1])
			}
			p.api.Store(found[1])
			close(l.ready)
		}
	}
	_ = l.cmd.Wait() // Its state is looked at.
	p.api.Store("")
	close(l.ended)
}

// said is what the process wrote to standard error, from an offset on.
func (p *process) said(from int64) []byte {
	text, err := os.ReadFile(p.log)
	if err != nil || from > int64(len(text)) {
		return nil
	}
	return text[from:]
}

func (p *process) awaitReady() {
	p.t.Helper()
	select {
	case <-p.running.ready:
	case <-p.running.ended:
		p.t.Fatalf("%s ended at its start: %s", p.name, p.tail())
	case <-time.After(readyWithin):
		p.t.Fatalf("%s was not ready within %v: %s", p.name, readyWithin, p.tail())
	}
}

// tail is the end of what the process said.
func (p *process) tail() []byte {
	const most = 4000
	text := p.said(0)
	return text[max(0, len(text)-most):]
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	p.t.Helper()
	p.signal(syscall.SIGKILL)
	<-p.running.ended
}

// stop ends the process by SIGTERM, and wants that to be clean.
func (p *process) stop() {
	p.t.Helper()
	p.signal(syscall.SIGTERM)
	select {
	case <-p.running.ended:
	case <-time.After(stopsWithin):
		p.signal(syscall.SIGQUIT) // It says where its goroutines are.
		<-p.running.ended
		p.t.Errorf("%s did not stop within %v of SIGTERM: %s", p.name, stopsWithin, p.tail())
	}
	if code := p.running.cmd.ProcessState.ExitCode(); code != 0 {
		p.t.Errorf("SIGTERM ended %s with %d: %s", p.name, code, p.tail())
	}
}

func (p *process) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.running.cmd.Process.Signal(s); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.t.Fatalf("signal %s: %v", p.name, err)
	}
}

// discard ends what may still run, when the test ends.
func (p *process) discard() {
	if p.running == nil {
		return
	}
	_ = p.running.cmd.Process.Kill() // It may have ended.
	<-p.running.ended
}

// checkLog looks for what no process may ever say.
func (p *process) checkLog() {
	p.t.Helper()
	for _, bad := range []string{"WARNING: DATA RACE", "panic: ", "fatal error: ", `"msg":"a panic`} {
		if at := bytes.Index(p.said(0), []byte(bad)); at >= 0 {
			text := p.said(int64(at))
			p.t.Errorf("%s says: %s", p.name, text[:min(len(text), 3000)])
		}
	}
}

// operator asks the process for what it serves to operators.
func (p *process) operator(path string) ([]byte, error) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + p.running.admin + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s is answered %d: %s", path, response.StatusCode, body)
	}
	return body, err
}

var goroutinesLine = regexp.MustCompile(`goroutine profile: total (\d+)`)

// goroutines counts those of the process, with all their stacks.
func (p *process) goroutines() (n int, stacks []byte) {
	p.t.Helper()
	stacks, err := p.operator("/debug/pprof/goroutine?debug=1")
	found := goroutinesLine.FindSubmatch(stacks)
	if err != nil || found == nil {
		p.t.Fatalf("the goroutines of %s: %v", p.name, err)
	}
	n, _ = strconv.Atoi(string(found[1])) // It is digits.
	return n, stacks
}

// owned counts the live read models that the process projects.
func (p *process) owned() int {
	metrics, err := p.operator("/metrics")
	if err != nil {
		return 0
	}
	return len(ownedLine.FindAll(metrics, -1))
}

var ownedLine = regexp.MustCompile(`(?m)^perfectworks_projection_owned\{[^}]*\} 1$`)

// tool runs the program to its end.
func (s *system) tool(args ...string) (stdout, stderr string, code int) {
	s.t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.Command(s.program, append(args, "--data", s.data)...)
	cmd.Env = append(os.Environ(), s.settings...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	endWithUs(cmd)
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(out.String()), errs.String(), cmd.ProcessState.ExitCode()
}

// logFile is where a process of a test writes to.
func logFile(t *testing.T, name string) string {
	t.Helper()
	return filepath.Join(t.TempDir(), name+".log")
}
