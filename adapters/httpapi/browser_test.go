package httpapi_test

import (
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/perfectworks/backend/adapters/documents/htmlcheck"
)

// browser is Chromium, in which no scripts run.
type browser struct {
	t   *testing.T
	ctx context.Context
}

// screenshots is a folder for pictures of what the tests saw.
const screenshots = "PERFECTWORKS_TEST_SCREENSHOTS"

func openBrowser(t *testing.T) browser {
	t.Helper()
	path := ""
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if found, err := exec.LookPath(name); err == nil && path == "" {
			path = found
		}
	}
	if path == "" {
		t.Skip("there is no Chromium: install Debian's package chromium")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, closeAllocator := chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()), chromedp.DisableGPU, chromedp.Flag("disable-dev-shm-usage", true))...)
	t.Cleanup(closeAllocator)
	ctx, closeBrowser := chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(closeBrowser)
	b := browser{t, ctx}
	b.do(func(ctx context.Context, t *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
		return chromedp.Void{}, err
	}, chromedp.EmulateViewport(800, 600))
	return b
}

func (b browser) do(steps ...chromedp.Action[chromedp.Void]) {
	b.t.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.t.Fatal(err)
	}
}

// sees waits until the page says something, and takes a picture of it.
func (b browser) sees(selector, want, picture string) {
	b.t.Helper()
	got := ""
	eventually(b.t, func() bool {
		ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
		defer cancel()
		got, _ = chromedp.Run(ctx, chromedp.Text(chromedp.CSS(selector)))
		return strings.Contains(got, want)
	}, func() string { return "the page says " + got + ", not " + want })
	folder := os.Getenv(screenshots)
	if folder == "" || picture == "" {
		return
	}
	image, err := chromedp.Run(b.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, picture+".png"), image, 0o600)
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// A payer buys tokens in a browser without scripts: a card that is declined, one
// that is not, the way back, a refund; and another checkout that is cancelled. All
// pages on the way pass the checks that documents have to.
func TestBuyingInABrowser(t *testing.T) {
	t.Parallel()
	b := openBrowser(t)
	s := newServer(t)
	ada := s.owner("ada")
	opened := ada.post("/payments/checkout-session", `{"productId":"tokens-1000"}`).data(t, 201)
	session := str(opened, "sessionId")
	accessible(t, str(opened, "url"))
	b.do(chromedp.Navigate(str(opened, "url")))
	b.sees("h1", "Pay 49.00 EUR", "1-checkout")
	b.do(chromedp.Click(chromedp.CSS(`button[value="decline"]`)))
	b.sees(`[role="alert"]`, "The card was declined", "2-declined")
	b.do(chromedp.Click(chromedp.CSS(`button[value="pay"]`)))
	b.sees("h1", "Thank you for your order", "3-thanks")
	accessible(t, s.url+"/checkout/success?session_id="+session)
	if paid := ada.get("/payments/checkout-session/"+session).data(t, 200); paid["paymentStatus"] != "paid" || paid["fulfilledAt"] == nil {
		t.Errorf("%v", paid)
	}
	ada.available(1000)

	b.do(chromedp.Navigate(s.sandbox + "/payments/" + session))
	b.sees("h1", "", "4-payment")
	accessible(t, s.sandbox+"/payments/"+session)
	b.do(chromedp.Click(chromedp.CSS(`button[value="refund"]`)))
	ada.shows(session, "refunded")
	ada.available(0)
	b.do(chromedp.Navigate(s.sandbox + "/"))
	b.sees("h1", "", "5-overview")
	accessible(t, s.sandbox+"/")

	second := ada.post("/payments/checkout-session", `{"productId":"tokens-5000"}`).data(t, 201)
	b.do(chromedp.Navigate(str(second, "url")))
	b.sees("h1", "Pay", "")
	b.do(chromedp.Click(chromedp.CSS(`a[href$="/checkout/cancelled"]`)))
	b.sees("h1", "The checkout was cancelled", "6-cancelled")
	accessible(t, s.url+"/checkout/cancelled")
	if open := ada.get("/payments/checkout-session/"+str(second, "sessionId")).data(t, 200); open["status"] != "open" {
		t.Errorf("%v", open)
	}
}

// accessible checks a page as the product checks documents.
func accessible(t *testing.T, url string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(response.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Fatalf("%s is answered %d with %v: %v", url, response.StatusCode, response.Header, err)
	}
	result, err := htmlcheck.Check(text)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range result.Findings {
		t.Errorf("%s, line %d: %s %s %s", url, f.Line, f.Rule, f.Element, f.Detail)
	}
}

// The pages that payers come back to are there without a front end.
func TestReturnPages(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	for _, path := range []string{"/checkout/success", "/checkout/success?session_id=cs_test_%3Cscript%3E", "/checkout/cancelled"} {
		accessible(t, s.url+path)
		if a := s.do(call{method: http.MethodGet, path: path}); strings.Contains(string(a.body), "cs_test") || a.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %v %s", path, a.header, a.body)
		}
	}
	if a := s.do(call{method: http.MethodPost, path: "/checkout/success"}); a.status != http.StatusMethodNotAllowed {
		t.Errorf("a POST is answered %d", a.status)
	}
}
