package httpapi

import (
	_ "embed"
	"fmt"
	"net/http"

	"github.com/gorilla/mux"

	"github.com/perfectworks/backend/commands"
)

// The pages that a payer comes back to when a checkout names no others, for a
// product whose public address is that of the API. They say what is true of every
// payment, and need neither a script nor an account.
var (
	//go:embed returnpages/success.html
	successPage []byte
	//go:embed returnpages/cancelled.html
	cancelledPage []byte
)

// returnPolicy allows nothing but the style of the page itself.
const returnPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// routeReturnPages serves them.
func (a *API) routeReturnPages(root *mux.Router) error {
	for path, text := range map[string][]byte{commands.DefaultSuccessPath: successPage, commands.DefaultCancelPath: cancelledPage} {
		page, err := newPage("text/html; charset=utf-8", text, returnPolicy)
		if err != nil {
			return fmt.Errorf("serve %s: %w", path, err)
		}
		a.handlePage(root, path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// The address names the checkout session.
			w.Header().Set("Referrer-Policy", "no-referrer")
			w.Header().Set("X-Content-Type-Options", "nosniff")
			page.ServeHTTP(w, r)
		}))
	}
	return nil
}
