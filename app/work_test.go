package app

import (
	"reflect"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/policyengine"
	"github.com/perfectworks/backend/commands/policies"
	"github.com/perfectworks/backend/domain/event"
)

// Job rows are not encrypted and outlive what they are about: nothing personal
// may be in the arguments of any kind of job. New kinds of leaves are added here
// after thinking.
func TestArgumentsOfJobsHoldNothingPersonal(t *testing.T) {
	t.Parallel()
	harmless := map[reflect.Type]bool{
		reflect.TypeFor[event.ID]():       true,
		reflect.TypeFor[event.Revision](): true,
		reflect.TypeFor[event.Stream]():   true,
	}
	var walk func(path string, of reflect.Type)
	walk = func(path string, of reflect.Type) {
		switch {
		case harmless[of], strings.HasSuffix(of.PkgPath(), "/domain/id"):
		case of.Kind() == reflect.Struct:
			for i := range of.NumField() {
				if field := of.Field(i); field.IsExported() {
					walk(path+"."+field.Name, field.Type)
				}
			}
		case of.Kind() == reflect.Slice, of.Kind() == reflect.Pointer:
			walk(path+"[]", of.Elem())
		default:
			t.Errorf("%s is a %s: it may hold a text", path, of)
		}
	}
	kinds := policyengine.Kinds(policies.All(), policyengine.Reacting{})
	if len(kinds) == 0 {
		t.Fatal("there are no kinds of jobs")
	}
	for _, kind := range kinds {
		walk(kind.Name(), kind.Args())
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	for role, want := range map[Role][3]bool{
		"": {true, true, true}, RoleAll: {true, true, true},
		RoleAPI: {true, false, false}, RoleProjector: {false, true, false}, RoleWorker: {false, false, true},
	} {
		if got := [3]bool{role.api(), role.projector(), role.worker()}; got != want || role.check() != nil {
			t.Errorf("%q is api, projector, worker: %v, want %v", role, got, want)
		}
	}
	if Role("boss").check() == nil {
		t.Error("an unknown role is accepted")
	}
}
