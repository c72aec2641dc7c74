package app

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/personal"
)

// The test binary is a worker when this variable says where, and where it dies.
const workerProcess = "PERFECTWORKS_TEST_WORKER"

// workerPlace is what such a worker is told.
type workerPlace struct {
	DatabaseURL, Data string
	// KillAt is the point at which it kills itself; it never does when empty.
	KillAt string
}

// workAndDie works jobs until a point is reached, and is killed there as by
// SIGKILL: nothing is finished, flushed or handed over.
func workAndDie(where string) error {
	var place workerPlace
	if err := json.Unmarshal([]byte(where), &place); err != nil {
		return err
	}
	at := func(point string) {
		if point == place.KillAt {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {} // It takes effect at any moment.
		}
	}
	a, err := New(context.Background(), Settings{
		Environment: Development, Role: RoleWorker, Data: place.Data, DatabaseURL: place.DatabaseURL, WelcomeTokens: new(int64),
		watch: func(o commands.Observer) commands.Observer { return dying{o, at} },
	}, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	a.work.payments.Step = func(name string) error { at("webhook " + name); return nil }
	fmt.Println("ready")
	ctx, cancel := context.WithTimeout(context.Background(), 3*paymentsWithin)
	defer cancel()
	return a.Run(ctx)
}

// dying dies before and after commands.
type dying struct {
	commands.Observer
	at func(string)
}

func (d dying) Begin(ctx context.Context, command string, req commands.Request) (context.Context, func(error)) {
	d.at("before " + command)
	ctx, end := d.Observer.Begin(ctx, command, req)
	return ctx, func(err error) {
		d.at("after " + command)
		end(err)
	}
}

// killPoints lie between each two steps from a webhook to the tokens, and from a
// decision of finance to the money.
var killPoints = []string{
	"webhook read", "webhook found", "before ObservePayment", "after ObservePayment", "webhook noted", "webhook closed",
	"before FulfilPayment", "before GrantTokens", "after GrantTokens", "after FulfilPayment",
	"before MakeRefund", "after MakeRefund", "before AlignGrant", "after AlignGrant",
}

// A worker is killed between each two steps of fulfilment, one worker after the
// other. Each payment is fulfilled once in the end, each refund made once, and the
// tokens are taken back once.
func TestFulfilmentKilledBetweenEachTwoSteps(t *testing.T) {
	t.Parallel()
	settings := shopSettings(t)
	settings.SandboxChaos = "duplicates=0.5"
	settings.Role = RoleAPI
	projecting := settings
	projecting.Role = RoleProjector
	run(t, projecting)
	s := openShop(t, settings)
	var names []id.Payment
	for _, point := range killPoints {
		worker := s.worker(point)
		name, session, err := s.order()
		if err == nil {
			err = s.box().Pay(session)
		}
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
		s.refundOnceItIsPaid(name, session, worker)
		select {
		case <-worker.ended:
		case <-time.After(paymentsWithin):
			t.Fatalf("no worker comes to the point %q", point)
		}
		if status, ok := worker.ProcessState.Sys().(syscall.WaitStatus); !ok || status.Signal() != syscall.SIGKILL {
			t.Fatalf("the worker of the point %q ended with %v: %s", point, worker.ProcessState, worker.errors)
		}
	}
	last := s.worker("")
	s.eventually(func() string {
		b := s.account().Balance
		if n := int64(len(names)); b.ClawedBack != n*100 || b.Available != n*900 || b.Issued != -n*1000 {
			return fmt.Sprintf("the account of %d payments has %+v", n, b)
		}
		return ""
	})
	s.eventually(func() string {
		if n := s.count("SELECT count(*) FROM jobs.river_job WHERE kind LIKE ANY ('{payment%,policy/%,observe%}') AND state NOT IN ('completed', 'scheduled')"); n > 0 {
			return fmt.Sprintf("%d jobs are not done", n)
		}
		if n := s.count("SELECT count(*) FROM payment_inbox WHERE state = 'pending'"); n > 0 {
			return fmt.Sprintf("%d webhooks wait", n)
		}
		return ""
	})
	for _, name := range names {
		p, err := s.work.payments.Payments.Get(t.Context(), name)
		if err != nil || p.TokenTransactionID == "" || len(p.Refunds) != 1 || p.Refunds[0].Amount != 490 {
			t.Errorf("%+v, %v", p, err)
		}
		// Each fact of the provider stands in the log once.
		for _, kind := range []string{"PaymentSucceeded", "CheckoutSessionCompleted", "PaymentFulfilled", "PaymentRefunded", "RefundRequested"} {
			if n := s.count("SELECT count(*) FROM audit.entries WHERE target_id = $1 AND action = $2", string(name), kind); n != 1 {
				t.Errorf("%s is there %d times for %s", kind, n, name)
			}
		}
	}
	if b := s.account().Balance; b.ClawedBack != int64(len(names))*100 || b.Issued != -int64(len(names))*1000 {
		t.Errorf("in the end the account has %+v", b)
	}
	_ = last.Process.Signal(syscall.SIGTERM)
	<-last.ended
}

// refundOnceItIsPaid returns a tenth of the money of a payment, as finance does,
// unless the worker is gone before the payment is known to be paid: then the refund
// is decided on while no worker is there, once the provider was asked.
func (s *shop) refundOnceItIsPaid(name id.Payment, session string, worker *killed) {
	s.Helper()
	gone := false
	s.eventually(func() string {
		if p, err := s.work.payments.Payments.Get(s.Context(), name); err == nil && p.State().Paid != nil {
			return ""
		}
		select {
		case <-worker.ended:
			gone = true
			return ""
		default:
			return "the payment is not known to be paid"
		}
	})
	finance := access.Principal{Kind: access.KindSystem, UserID: "sysuser_1", SystemRoles: []access.SystemRole{access.SystemFinance}}
	if gone {
		// The reconciler of another process may be there first, too.
		follower := access.ByPolicy("test", "", access.FollowPayments)
		if _, err := s.work.commands.ObservePayment(s.Context(), s.request(follower), commands.ObservePayment{SessionID: session}); err != nil {
			s.Fatal(err)
		}
	}
	if _, err := s.work.commands.RefundPayment(s.Context(), s.request(finance), commands.RefundPayment{
		PaymentID: name, Amount: 490, Reason: personal.New("a tenth"),
	}); err != nil {
		s.Fatal(err)
	}
}

// killed is a worker that kills itself.
type killed struct {
	*exec.Cmd
	ended  chan struct{}
	errors *strings.Builder
}

func (s *shop) worker(killAt string) *killed {
	s.Helper()
	where, err := json.Marshal(workerPlace{s.settings.DatabaseURL, s.data, killAt})
	if err != nil {
		s.Fatal(err)
	}
	w := &killed{Cmd: exec.Command(os.Args[0]), ended: make(chan struct{}), errors: &strings.Builder{}}
	w.Env = append(os.Environ(), workerProcess+"="+string(where))
	w.Stderr = w.errors
	if err := w.Start(); err != nil {
		s.Fatal(err)
	}
	var over atomic.Bool
	go func() {
		_ = w.Wait() // The test looks at ProcessState.
		over.Store(true)
		close(w.ended)
	}()
	s.Cleanup(func() {
		if !over.Load() {
			_ = w.Process.Kill()
		}
		<-w.ended
	})
	return w
}
