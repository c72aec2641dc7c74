package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// watchdogScript waits for the end of its input, which the kernel closes when
// our process ends, by whatever signal; then it ends the server and removes the
// folder. The data are not worth an orderly stop.
const watchdogScript = `
cat >/dev/null
dir=$(cd "$1" && pwd -P) || exit 0
pid_file=$dir/data/postmaster.pid
if read -r pid <"$pid_file"; then
	kill -QUIT "$pid"
	n=0
	while [ -f "$pid_file" ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
	kill -KILL "$pid"
fi
rm -rf "$dir" "$1"
`

// watchdog ends an ephemeral cluster when this process ends.
type watchdog struct {
	input *os.File
	ended chan error
}

func startWatchdog(dir string) (*watchdog, error) {
	output, input, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the watchdog: %w", err)
	}
	// It has to outlive us, and what ends our process group.
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", watchdogScript, "sh", dir) //nolint:gosec // dir is an argument, no code
	cmd.Dir = "/"
	cmd.Stdin = output
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = errors.Join(cmd.Start(), output.Close())
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start the watchdog: %w", err), input.Close())
	}
	w := &watchdog{input: input, ended: make(chan error, 1)}
	go w.hold(cmd)
	return w, nil
}

// hold keeps the pipe open when nothing else refers to it any more: a file that
// the garbage collector finds is closed.
func (w *watchdog) hold(cmd *exec.Cmd) {
	w.ended <- cmd.Wait()
	runtime.KeepAlive(w.input)
}

func (c *Cluster) createEphemeral() (err error) {
	if err := os.Mkdir(c.config.Dir, folderMode()); err != nil {
		return fmt.Errorf("create the folder: %w", err)
	}
	c.watchdog, err = startWatchdog(c.config.Dir)
	if err != nil {
		return errors.Join(err, os.RemoveAll(c.config.Dir))
	}
	return nil
}

// removeEphemeral removes the folder, and the link to it when it was relocated.
func (c *Cluster) removeEphemeral() error {
	return errors.Join(os.RemoveAll(cmp.Or(c.folder.path, c.config.Dir)), os.RemoveAll(c.config.Dir), c.watchdog.end())
}

// end lets the watchdog go, after the server was stopped.
func (w *watchdog) end() error {
	if err := errors.Join(w.input.Close(), <-w.ended); err != nil {
		return fmt.Errorf("end the watchdog: %w", err)
	}
	return nil
}
