package app

import (
	"errors"
	"slices"
)

// Role is which parts of the system a process runs. Every role may run in
// several processes; what must happen once is owned by one of them.
type Role string

// The roles; the README has a table of what each runs.
const (
	RoleAll       Role = "all"
	RoleAPI       Role = "api"
	RoleProjector Role = "projector"
	RoleWorker    Role = "worker"
)

// Roles are all roles.
func Roles() []Role { return []Role{RoleAll, RoleAPI, RoleProjector, RoleWorker} }

func (r Role) check() error {
	if r != "" && !slices.Contains(Roles(), r) {
		return errors.New("a role is all, api, projector or worker")
	}
	return nil
}

func (r Role) is(one Role) bool { return r == one || r == RoleAll || r == "" }

// api serves HTTP, with the directory of those who may call.
func (r Role) api() bool { return r.is(RoleAPI) }

// projector runs the read models and the policies.
func (r Role) projector() bool { return r.is(RoleProjector) }

// worker works jobs, the periodic ones included.
func (r Role) worker() bool { return r.is(RoleWorker) }
