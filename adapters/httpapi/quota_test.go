package httpapi_test

import (
	"net/http"
	"sync"
	"testing"

	"github.com/perfectworks/backend/app"
)

// The quota of keys is refused with a clear 409, holds when many ask at once on
// two servers, and is freed by revocation and by a rotation that ends the old key.
func TestQuotaOfKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	small := func(s *app.Settings) { s.MaxAPIKeys, s.MaxOrganizations = 3, 2 }
	servers := []*server{w.start(small), w.start(small)}
	ada := servers[0].owner("ada")
	var mu sync.Mutex
	statuses, first := map[int]int{}, answer{}
	var wg sync.WaitGroup
	for n := range 16 {
		wg.Go(func() {
			a, err := servers[n%2].try(call{
				method: http.MethodPost, path: "/api/v0/api-keys", body: `{}`,
				header: []string{"Authorization", "Bearer " + ada.bearer},
			})
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				t.Error(err)
			}
			if statuses[a.status]++; a.status == http.StatusCreated {
				first = a
			}
		})
	}
	wg.Wait()
	if statuses[201] != 3 || statuses[409] != 13 {
		t.Errorf("the answers were %v, want three keys and 13 refusals", statuses)
	}
	ada.post("/api-keys", `{}`).refused(t, "409 API_KEY_LIMIT_REACHED")
	key := first.data(t, 201)
	ada.post("/api-keys/"+str(key, "id")+"/rotate", `{}`).refused(t, "409 API_KEY_LIMIT_REACHED")
	fresh := ada.post("/api-keys/"+str(key, "id")+"/rotate", `{"overlap":0}`).data(t, 201)
	ada.post("/api-keys", `{}`).refused(t, "409 API_KEY_LIMIT_REACHED")
	ada.on(servers[1]).delete("/api-keys/"+str(fresh, "id")).data(t, 200)
	ada.post("/api-keys", `{}`).data(t, 201)
	ada.post("/api-keys", `{"ownerType":"organization"}`).data(t, 201) // a quota of its own

	ada.post("/organizations", `{"name":"Second"}`).data(t, 201)
	ada.on(servers[1]).post("/organizations", `{"name":"Third"}`).refused(t, "409 ORGANIZATION_LIMIT_REACHED")
}
