package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/exporter"
	"github.com/perfectworks/backend/adapters/httpapi"
	"github.com/perfectworks/backend/adapters/httpapi/idempotency"
	"github.com/perfectworks/backend/adapters/identity"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/adapters/refusals"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/projections/directory"
	"github.com/perfectworks/backend/projections/readmodels"
)

// App is a running server with all its parts.
type App struct {
	*core
	settings  Settings
	data      string
	logger    *slog.Logger
	registry  *prometheus.Registry
	listener  net.Listener
	admin     net.Listener                // nil when there is none
	issuer    *identity.DevelopmentIssuer // nil with a real one
	tokens    *identity.Tokens
	callers   *identity.Authenticator
	directory *directory.Directory
	usage     *identity.Usage
	addresses *identity.Addresses
	refusals  *refusals.Recorder
	answers   *idempotency.Store
	api       *httpapi.API
	work      *work
	provider  *provider
	links     *links // nil without an API
}

// New takes the address, then starts what is embedded and connects to what is
// not. Nothing is served or projected before Run, which the caller calls, or
// Close.
func New(ctx context.Context, settings Settings, logger *slog.Logger) (_ *App, err error) {
	if err := settings.Check(); err != nil {
		return nil, fmt.Errorf("the settings are not usable: %w", err)
	}
	a := &App{settings: settings, logger: logger, registry: telemetry.NewRegistry()}
	if a.data, err = settings.DataFolder(); err != nil {
		return nil, err
	}
	if settings.Role.api() {
		if a.listener, err = new(net.ListenConfig).Listen(ctx, "tcp", settings.Addr); err != nil {
			return nil, named(settings.AddrFrom, fmt.Errorf("listen for HTTP: %w", err))
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if settings.AdminAddr != "" {
		if a.admin, err = listenForOperators(ctx, settings, logger); err != nil {
			return nil, err
		}
	}
	if a.core, err = openCore(ctx, settings, a.data, logger, a.registry); err != nil {
		return nil, err
	}
	if settings.Role.worker() {
		if _, err = checkpointKeys(settings, a.data); err != nil { // So that a bad file is noticed now.
			return nil, err
		}
	}
	if a.provider, err = openProvider(ctx, settings, a.data, a.Addr(), settings.Role.api(), logger); err != nil {
		return nil, err
	}
	if a.work, err = openWork(ctx, a.core, a.provider, settings, logger, a.registry); err != nil {
		return nil, err
	}
	if settings.Role.api() {
		if err = a.openIdentity(ctx); err != nil {
			return nil, err
		}
		if err = a.openAPI(); err != nil {
			return nil, err
		}
	}
	if err = a.measure(); err != nil {
		return nil, err
	}
	return a, nil
}

// listenForOperators takes the address of what is for operators. In development
// several servers may run side by side without saying where: all but the first
// take any free port.
func listenForOperators(ctx context.Context, settings Settings, logger *slog.Logger) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", settings.AdminAddr)
	if errors.Is(err, syscall.EADDRINUSE) && settings.Environment == Development {
		logger.WarnContext(ctx, "the address for operators is taken: another port is used", "addr", settings.AdminAddr)
		listener, err = config.Listen(ctx, "tcp", "127.0.0.1:0")
	}
	if err != nil {
		return nil, fmt.Errorf("listen for operators (PERFECTWORKS_ADMIN_ADDR): %w", err)
	}
	logger.InfoContext(ctx, "metrics, profiles and readiness are served to operators", "addr", listener.Addr().String())
	return listener, nil
}

// openIdentity chooses who vouches for people.
func (a *App) openIdentity(ctx context.Context) (err error) {
	config := identity.TokensConfig{
		Issuer: a.settings.OIDCIssuer, Audience: a.settings.OIDCAudience,
		Hasher: a.keys, Logger: a.logger,
	}
	if config.Issuer == "" {
		if a.issuer, err = identity.ListenDevelopmentIssuer(ctx, a.data, "127.0.0.1:0"); err != nil {
			return err
		}
		config.Issuer, config.Audience = a.issuer.Issuer(), identity.DevelopmentAudience
		config.Client = a.issuer.Client()
	}
	a.tokens, err = identity.NewTokens(config)
	return err
}

func (a *App) openAPI() error {
	impersonal, err := eventstore.NewCodec(eventstore.Schemas(), keyless{})
	if err != nil {
		return err
	}
	a.directory = directory.New(directory.Config{
		Subscribe: a.log.subscribe(a.logger), Decode: decode(impersonal, a.unreadable.WithLabelValues("directory")), Parts: eventstore.Parts,
		Head: a.log.ours, Recognise: a.log.Recognise, Shapes: eventstore.Shapes(),
		RestartWhenLogWentBack: a.settings.WhenLogWentBack != WaitForOperator, AdoptAnotherLog: a.settings.WhenLogWentBack == AdoptLog,
		Snapshots: directory.NewSnapshots(a.db.pool), Logger: a.logger,
	})
	a.usage = identity.NewUsage(a.db.pool, a.logger)
	a.addresses = identity.NewAddresses(followEmail(a.work.commands), a.logger)
	a.callers = identity.NewAuthenticator(identity.Parts{
		Tokens: a.tokens, Directory: a.directory, Usage: a.usage, Addresses: a.addresses,
		SystemUser: systemUser(a.work.commands),
		Live:       a.settings.Environment == Production,
	})
	a.refusals = refusals.New(a.work.commands.RecordRefusals, a.logger)
	a.registry.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: metricsPrefix + "refusals_unrecorded_total", Help: "Refused requests that were too many to become events of the audit log.",
	}, func() float64 { return float64(a.refusals.Unrecorded()) }))
	a.answers = idempotency.NewStore(a.db.pool, a.keys, a.heart.ID())
	statements, err := statementKeys(a.settings, a.data)
	if err != nil {
		return err
	}
	edge, err := a.settings.edge()
	if err != nil {
		return err
	}
	watch := telemetry.NewHTTP(a.tracing, a.registry)
	watch.Expect(outages()...)
	queries := readmodels.NewQueries(postgres.NewReader(a.db.pool))
	if a.links, err = a.openLinks(queries); err != nil {
		return err
	}
	a.api, err = httpapi.New(httpapi.Deps{
		Logger:        a.logger,
		Authenticator: a.callers,
		Commands:      a.work.commands,
		Directory:     a.directory,
		ReadModels:    a.engine,
		Operations:    a.readModels(),
		Queries:       queries,
		Exports: &exporter.Exporter{
			Events: a.work.streams.Events, Traces: queries.Erasures, Keys: queries.APIKeys,
			CampaignsOf: queries.Referrals.CampaignsOf, Files: queries.Files,
		},
		Idempotency:      a.answers,
		Statements:       statements,
		Payments:         a.work.payments,
		Objects:          a.work.objects,
		FileWork:         a.work.files,
		Downloadable:     downloadable(a.work.commands),
		MaxFileSize:      a.settings.MaxFileSize,
		Catalogue:        a.provider.catalogue,
		Links:            a.links,
		Events:           a.work.streams.Events,
		ReferralCurrency: a.work.referrals.Programme.Current().Currency,
		ReferralURL:      func(code string) string { return a.provider.publicURL + linkPath + code },
		StoreRefusals:    eventstore.Refusals(),
		Middleware:       []func(http.Handler) http.Handler{watch.Middleware},
		Failed:           watch.Failed,
		TraceParent:      telemetry.TraceParent,
		Ready:            a.ready,
		Refused:          a.refusals.Note,

		AuditAddresses: a.settings.AuditAddresses,
		Version:        a.settings.Version,

		RateLimits: edge.limits, Admission: edge.admission, TrustedProxies: edge.proxies, CORSOrigins: edge.origins,
	})
	if err != nil {
		return err
	}
	measureTransfers(a.registry, a.api.Transfers)
	return nil
}

// AdminAddr is the address of what is for operators, or nil without one.
func (a *App) AdminAddr() net.Addr {
	if a.admin == nil {
		return nil
	}
	return a.admin.Addr()
}

// adminDrain bounds how long operators' requests are waited for at the end.
const adminDrain = time.Second

// SandboxURL is where browsers reach the payment sandbox; empty where this
// process serves none.
func (a *App) SandboxURL() string {
	if a.provider.sandbox == nil {
		return ""
	}
	return a.provider.sandbox.options.PageURL
}

// Addr is the address that HTTP is served on, or nil for a role that serves
// none.
func (a *App) Addr() net.Addr {
	if a.listener == nil {
		return nil
	}
	return a.listener.Addr()
}

// Authenticate says whom the credentials in a request's headers stand for, as
// every request learns it first.
func (a *App) Authenticate(ctx context.Context, h http.Header) (access.Principal, error) {
	return a.callers.Authenticate(ctx, h, nil)
}

// Run serves until ctx ends or a part fails for good, then stops everything in
// order: requests and jobs under way are finished or handed over, and what was
// acknowledged is on disk. Which parts run is a matter of the role.
func (a *App) Run(ctx context.Context) (err error) {
	defer func() { err = errors.Join(err, a.Close()) }()
	// The parts behind go on until the last request is answered and the last job
	// is done: a request may wait for a job, and both for read models.
	behind, stopBehind := context.WithCancel(context.WithoutCancel(ctx))
	defer stopBehind()
	parts, behind := errgroup.WithContext(behind)
	for _, part := range a.parts(ctx) {
		parts.Go(func() error {
			if err := part(behind); err != nil && behind.Err() == nil {
				return err
			}
			return nil
		})
	}
	serving, stopServing := context.WithCancel(ctx)
	defer stopServing()
	defer context.AfterFunc(behind, stopServing)()
	front, serving := errgroup.WithContext(serving)
	if a.settings.Role.api() {
		front.Go(func() error { return httpapi.Server{Handler: a.api, Logger: a.logger}.Serve(serving, a.listener) })
	}
	if a.settings.Role.worker() {
		front.Go(func() error { return a.work.jobs.Run(serving) })
	}
	front.Go(func() error { <-serving.Done(); return nil })
	err = front.Wait()
	stopBehind()
	return errors.Join(err, parts.Wait())
}

// parts are those behind the API and the jobs, by role.
func (a *App) parts(ctx context.Context) []func(context.Context) error {
	var parts []func(context.Context) error
	untilEnd := func(run func(context.Context)) {
		parts = append(parts, func(ctx context.Context) error { run(ctx); return nil })
	}
	untilEnd(a.log.Watch)
	untilEnd(a.noteStart)
	untilEnd(a.beginPolicies(ctx))
	if a.settings.Role.projector() {
		parts = append(parts, a.engine.Run, a.work.policies.Run)
	}
	if a.settings.Role.api() {
		parts = append(parts, a.directory.Run)
		untilEnd(a.tokens.Run)
		untilEnd(a.usage.Run)
		untilEnd(a.addresses.Run)
		untilEnd(a.refusals.Run)
		untilEnd(a.work.jobs.Listen)
		untilEnd(a.work.files.Listen)
		for _, part := range a.links.parts() {
			untilEnd(part)
		}
		if a.issuer != nil {
			parts = append(parts, a.issuer.Serve)
		}
		if a.provider.sandbox != nil {
			parts = append(parts, a.provider.sandbox.Run)
		}
	}
	if a.admin != nil {
		handler := httpapi.AdminHandler(telemetry.MetricsHandler(a.registry), a.ready)
		parts = append(parts, func(ctx context.Context) error {
			return httpapi.Server{Handler: handler, Logger: a.logger, Drain: adminDrain}.Serve(ctx, a.admin)
		})
	}
	return parts
}

// Close ends all parts. It is for an App that is never run.
func (a *App) Close() error {
	var errs []error
	if a.listener != nil {
		if err := a.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if a.admin != nil {
		if err := a.admin.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if a.issuer != nil {
		if err := a.issuer.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	errs = append(errs, a.provider.close(), a.work.close())
	if a.core != nil {
		errs = append(errs, a.close())
	}
	return errors.Join(errs...)
}
