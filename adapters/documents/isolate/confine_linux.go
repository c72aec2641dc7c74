package isolate

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/elastic/go-seccomp-bpf"
	"github.com/landlock-lsm/go-landlock/landlock"
	landlocksys "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// Available tells what this system confines processes with.
func Available() Confinement {
	c := Confinement{Seccomp: seccomp.Supported(), Network: true, OtherUser: os.Geteuid() == 0}
	if version, err := landlocksys.LandlockGetABIVersion(); err == nil {
		c.Landlock = version
	}
	c.Namespaces = canUnshareNetwork()
	c.Network = c.Seccomp || c.Namespaces
	return c
}

// Seal takes the network, other programs and all files but those that are open already from this process, as far as the
// kernel has Landlock and seccomp. Readable are folders that may still be read.
func Seal(readable ...string) error {
	var rules []landlock.Rule
	for _, folder := range readable {
		rules = append(rules, landlock.RODirs(folder).IgnoreIfMissing())
	}
	if err := landlock.V11.BestEffort().Restrict(rules...); err != nil {
		return fmt.Errorf("restrict files: %w", err)
	}
	if !seccomp.Supported() {
		return nil
	}
	return deny(seccomp.SyscallGroup{Action: refuse, Names: append([]string{"socket", "socketpair", "execve", "execveat"}, dangerous...)})
}

// refuse lets a system call fail with EPERM.
const refuse = seccomp.ActionErrno | seccomp.Action(unix.EPERM)

// dangerous are system calls by which a process could reach others, or get around the filter.
var dangerous = []string{
	"io_uring_setup", "io_uring_enter", "io_uring_register", "ptrace", "process_vm_readv", "process_vm_writev", "bpf",
	"perf_event_open", "userfaultfd", "keyctl", "add_key", "request_key", "kexec_load", "init_module", "finit_module",
	"open_by_handle_at", "pidfd_getfd",
}

func deny(groups ...seccomp.SyscallGroup) error {
	err := seccomp.LoadFilter(seccomp.Filter{
		NoNewPrivs: true, Flag: seccomp.FilterFlagTSync,
		Policy: seccomp.Policy{DefaultAction: seccomp.ActionAllow, Syscalls: groups},
	})
	if err != nil {
		return fmt.Errorf("restrict system calls: %w", err)
	}
	return nil
}

// withoutNetwork lets this process and all that it starts make no sockets but those of Unix.
func withoutNetwork() error {
	return deny(
		seccomp.SyscallGroup{Action: refuse, NamesWithCondtions: []seccomp.NameWithConditions{{
			Name: "socket", Conditions: []seccomp.Condition{{Argument: 0, Operation: seccomp.NotEqual, Value: unix.AF_UNIX}},
		}}},
		seccomp.SyscallGroup{Action: refuse, Names: dangerousForPrograms},
	)
}

// dangerousForPrograms leaves out what sandboxes of their own need.
var dangerousForPrograms = []string{
	"io_uring_setup", "io_uring_enter", "io_uring_register", "bpf", "keyctl", "add_key", "request_key", "kexec_load",
	"init_module", "finit_module", "open_by_handle_at",
}

// account is the user that a program runs as.
type account struct {
	uid, gid int
	// other is set if it is not the user of this process, which is then root.
	other bool
}

// The user ids that are given to programs. Nothing has them for long: systemd takes its own from the same range.
const (
	firstProgramUser = 61184
	programUsers     = 4336
)

// programUser returns the user for a program: that of this process, or if another is wanted and this one is root, one that
// has neither name nor files, and that no other program is run as at the time.
func programUser(other bool) account {
	if os.Geteuid() != 0 || !other {
		return account{uid: os.Geteuid(), gid: os.Getegid()}
	}
	for i := range programUsers {
		id := firstProgramUser + (os.Getpid()+i)%programUsers
		if _, err := user.LookupId(strconv.Itoa(id)); err != nil {
			return account{uid: id, gid: id, other: true}
		}
	}
	return account{uid: firstProgramUser, gid: firstProgramUser, other: true}
}

func (a account) own(path string) error {
	if !a.other {
		return nil
	}
	return os.Lchown(path, a.uid, a.gid)
}

// startConfined starts a program without network, as the user.
func startConfined(cmd *exec.Cmd, user account) error {
	sealed := seccomp.Supported()
	if sealed {
		if err := withoutNetwork(); err != nil {
			return err
		}
	}
	attributes := syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Cloneflags: syscall.CLONE_NEWNET}
	if user.other {
		attributes.Credential = &syscall.Credential{Uid: uint32(user.uid), Gid: uint32(user.gid)} //nolint:gosec // small numbers
	} else if user.uid != 0 {
		attributes.Cloneflags |= syscall.CLONE_NEWUSER
		attributes.UidMappings = []syscall.SysProcIDMap{{ContainerID: user.uid, HostID: user.uid, Size: 1}}
		attributes.GidMappings = []syscall.SysProcIDMap{{ContainerID: user.gid, HostID: user.gid, Size: 1}}
	}
	plain := *cmd
	cmd.SysProcAttr = &attributes
	err := cmd.Start()
	if err == nil || !sealed || !errors.Is(err, unix.EPERM) && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSPC) {
		return err
	}
	// No namespace is to be had: the filter of system calls alone keeps the network away.
	*cmd = plain
	attributes.Cloneflags, attributes.UidMappings, attributes.GidMappings = 0, nil, nil
	cmd.SysProcAttr = &attributes
	return cmd.Start()
}

// canUnshareNetwork tries whether a process gets a network of its own.
func canUnshareNetwork() bool {
	cmd := exec.Command("/proc/self/exe") //nolint:noctx // it is stopped before it begins
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	if os.Geteuid() != 0 {
		id, group := os.Geteuid(), os.Getegid()
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: id, HostID: id, Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: group, HostID: group, Size: 1}}
	}
	cmd.Path = "/nonexistent" // the namespaces come first, the program afterwards
	err := cmd.Start()
	return errors.Is(err, unix.ENOENT)
}

// adopt makes this process the parent of those whose own parent ends, so that they are found.
func adopt() { _ = unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// descendants lists the processes that this one started, and those started by these.
func descendants() []int {
	parents := map[int]int{}
	entries, _ := os.ReadDir("/proc")
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		stat, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "stat"))
		if err != nil {
			continue
		}
		// The name before the last parenthesis may hold anything; then come state and parent.
		fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
		if len(fields) > 1 && fields[0] != "Z" {
			parents[pid], _ = strconv.Atoi(fields[1])
		}
	}
	self := os.Getpid()
	var out []int
	for pid := range parents {
		for up, depth := parents[pid], 0; up > 0 && depth < 100; up, depth = parents[up], depth+1 {
			if up == self {
				out = append(out, pid)
				break
			}
		}
	}
	return out
}

// treeMemory is how many bytes of memory all descendants have that no file holds.
func treeMemory() int64 {
	sum := int64(0)
	for _, pid := range descendants() {
		status, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/status")
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(status)) {
			if name, value, ok := strings.Cut(line, ":"); ok && (name == "RssAnon" || name == "RssShmem") {
				if kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64); err == nil {
					sum += kilobytes << 10
				}
			}
		}
	}
	return sum
}
