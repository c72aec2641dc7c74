package httpapi_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var _ = inContract(map[string]string{"GET /organizations/current/statistics": byKeyToo})

func TestStatistics(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	ada := s.owner("ada")
	numbers := func(members, keys float64) object {
		return object{
			"members": members, "pendingInvitations": 0.0, "apiKeys": keys, "bytes": 0.0, "pagesProcessed": 0.0,
			"files": object{
				"total":    0.0,
				"byStatus": object{"uploaded": 0.0, "processing": 0.0, "processed": 0.0, "failed": 0.0, "deleted": 0.0},
				"byType":   object{"original": 0.0, "accessible": 0.0, "converted": 0.0},
			},
			"tokens": object{"available": 0.0, "held": 0.0, "frozen": 0.0, "consumed": 0.0, "debt": 0.0},
		}
	}
	check := func(a answer, want object) {
		t.Helper()
		got := a.data(t, 200)
		times(t, got, "asOf")
		delete(got, "asOf")
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	const path = "/organizations/current/statistics"
	check(ada.get(path), numbers(1, 0))
	key := ada.post("/api-keys", `{}`).data(t, 201)
	shared := str(ada.post("/api-keys", `{"ownerType":"organization"}`).data(t, 201), "key")
	check(ada.get(path), numbers(1, 2))
	check(s.withKey(str(key, "key"), http.MethodGet, path, ""), numbers(1, 2))
	check(s.withKey(shared, http.MethodGet, path, ""), numbers(1, 2))
	ada.delete("/api-keys/"+str(key, "id")).data(t, 200)
	check(ada.get(path), numbers(1, 1))
	s.register("bob").get(path).refused(t, "409 NO_ACTIVE_ORGANIZATION")
	// Each organization has its own.
	ada.post("/organizations", `{"name":"Second"}`).data(t, 201)
	check(ada.get(path), numbers(1, 1))
	bob := s.owner("bobby")
	check(bob.get(path), numbers(1, 0))
}
