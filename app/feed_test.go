package app_test

import (
	"net/http"
	"regexp"
	"testing"

	"github.com/perfectworks/backend/app"
)

// Read models and policies share a subscription; the directory has its own. The
// third one only notices when the connection of commands is lost.
func TestAServerHasFewSubscriptions(t *testing.T) {
	t.Parallel()
	api, admin := startOn(t, "", app.RebuildReadModels)
	api.must(t, http.MethodPost, "/users/client", `{"firstName": "Ada", "lastName": "Lovelace"}`)
	api.must(t, http.MethodPost, "/organizations", `{"name": "Engines"}`)
	few := regexp.MustCompile(`(?m)^\w*eventnode_subscribers 3$`)
	await(t, "three subscriptions", func() bool {
		_, id := api.issue(t, "a key")
		api.must(t, http.MethodGet, "/api-keys/"+id, "")
		return few.MatchString(admin("/metrics"))
	})
}
