package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/perfectworks/backend/adapters/eventstore"
	"github.com/perfectworks/backend/adapters/postgres"
	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
	"github.com/perfectworks/backend/migrations"
)

// measureStart measures how long a server with a long log takes until it is
// ready, and what it then holds: from a snapshot of the directory, and with read
// models of another version beside.
func measureStart(ctx context.Context, p plan) (rows []measurement, err error) {
	databaseURL, drop, err := freshDatabase(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	pool, err := postgres.Open(ctx, databaseURL, postgres.Options{MaxConns: 16})
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	data, err := os.MkdirTemp("", "perfectworks-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	if err := postgres.Migrate(ctx, pool, migrations.App, migrations.AppTable); err != nil {
		return nil, err
	}
	err = withNode(ctx, pool, func(_ *child, client *eventstore.Client) error { return fillPeople(ctx, client, p.events) })
	if err != nil {
		return nil, err
	}
	config := childConfig{Kind: serverChild, DatabaseURL: databaseURL, Data: data}
	first, _, err := start(ctx, config)
	if err != nil {
		return nil, err
	}
	var usual, bumped []time.Duration
	var held float64
	for range 3 {
		took, memory, err := start(ctx, config)
		if err != nil {
			return nil, err
		}
		usual, held = append(usual, took), max(held, memory)
		if err := outdate(ctx, pool); err != nil {
			return nil, err
		}
		if took, _, err = start(ctx, config); err != nil {
			return nil, err
		}
		bumped = append(bumped, took)
		if err := renew(ctx, pool); err != nil {
			return nil, err
		}
	}
	row := measurement{
		What: fmt.Sprintf("start with %d events, read models of another version", p.events),
		Unit: "starts/s", LimitedBy: "the same start, read models of this version", Aim: 0.8,
	}
	return []measurement{
		{What: fmt.Sprintf("first start with %d events", p.events), Unit: "s", Value: first.Seconds()},
		{What: "start from a snapshot", Unit: "s", Value: fastest(usual).Seconds()},
		{What: "memory of the server then", Unit: "MiB", Value: held},
		row.from(comparison{
			measured: load{Count: 1, Took: fastest(bumped)}, limit: load{Count: 1, Took: fastest(usual)},
			ratios: []float64{fastest(usual).Seconds() / fastest(bumped).Seconds()},
		}),
	}, nil
}

func fastest(all []time.Duration) time.Duration {
	least := all[0]
	for _, d := range all {
		least = min(least, d)
	}
	return least
}

// start runs a server until it is ready, and tells how long that took and how
// many MiB of memory are resident then.
func start(ctx context.Context, config childConfig) (took time.Duration, memory float64, err error) {
	began := time.Now()
	err = withChild(ctx, config, func(c *child) (err error) {
		took = time.Since(began)
		memory, err = resident(c.cmd.Process.Pid)
		return err
	})
	return took, memory, err
}

// resident is the memory of a process in RAM, in MiB.
func resident(pid int) (float64, error) { return memoryOf(pid, "VmRSS:") }

// outdate makes the live tables those of the version before.
func outdate(ctx context.Context, pool *pgxpool.Pool) error {
	_, err := pool.Exec(ctx, `UPDATE projection.generations SET version = version - 1, fingerprint = 'bench ' || fingerprint WHERE state = 'live'`)
	return err
}

// renew undoes outdate, and drops what has been built meanwhile.
func renew(ctx context.Context, pool *pgxpool.Pool) error {
	rows, err := pool.Query(ctx, `SELECT projection || '_g' || id FROM projection.generations WHERE state = 'building'`)
	if err != nil {
		return err
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, schema := range schemas {
		if _, err := pool.Exec(ctx, "DROP SCHEMA "+pgx.Identifier{schema}.Sanitize()+" CASCADE"); err != nil {
			return err
		}
	}
	_, err = pool.Exec(ctx, `DELETE FROM projection.generations WHERE state = 'building'`)
	if err != nil {
		return err
	}
	_, err = pool.Exec(ctx, `UPDATE projection.generations SET version = version + 1, fingerprint = substr(fingerprint, 7)
		WHERE state = 'live' AND fingerprint LIKE 'bench %'`)
	return err
}

// fillPeople appends about as many events as are asked for, of users with an
// organization and ten keys each. A stream holds those of many, so that writing
// takes little of the time.
func fillPeople(ctx context.Context, client *eventstore.Client, events int) error {
	const keys, together = 10, 40
	codec, err := eventstore.NewCodec(eventstore.Schemas(), noKeys{})
	if err != nil {
		return err
	}
	write := func(stream string, events []event.Event) error {
		encoded := make([]esdb.EventData, len(events))
		for i, e := range events {
			if encoded[i], err = codec.Encode(ctx, event.Draft{ID: event.ID(uuid.New()), Event: e}); err != nil {
				return err
			}
		}
		_, _, err := client.Append(ctx, stream, event.NoStream, encoded)
		return err
	}
	at := time.Now().UTC().Truncate(time.Millisecond)
	for written := 0; written < events; written += together * (keys + 3) {
		var people, places, issued []event.Event
		for range together {
			person, err := newPerson(at, keys)
			if err != nil {
				return err
			}
			people, places, issued = append(people, person.user), append(places, person.organization...), append(issued, person.keys...)
		}
		name := fmt.Sprint(written)
		if err := errors.Join(write("user-"+name, people), write("organization-"+name, places), write("apiKey-"+name, issued)); err != nil {
			return err
		}
	}
	return nil
}

type person struct {
	user               event.Event
	organization, keys []event.Event
}

func newPerson(at time.Time, keys int) (p person, err error) {
	source := id.Source{Now: at, Entropy: rand.Reader}
	name, err := id.New[id.User](source)
	if err != nil {
		return p, err
	}
	place, err := id.New[id.Organization](source)
	if err != nil {
		return p, err
	}
	hash := func() string {
		b := make([]byte, 32)
		_, _ = rand.Read(b) // It never fails.
		return hex.EncodeToString(b)
	}
	p.user = user.Registered{UserID: name, SubjectHash: hash(), OccurredAt: at}
	p.organization = []event.Event{
		organization.Registered{OrganizationID: place, Name: "Measured", Slug: "measured-" + string(place), OccurredAt: at},
		organization.MemberJoined{OrganizationID: place, UserID: name, Role: access.Owner, OccurredAt: at},
	}
	for range keys {
		key, err := id.New[id.APIKey](source)
		if err != nil {
			return p, err
		}
		p.keys = append(p.keys, apikey.Issued{
			KeyID: key, OrganizationID: place, OwnerType: apikey.OwnerUser, UserID: name, IssuedBy: name,
			Scopes: access.ScopesOf(access.KindUserKey), SecretHash: hash(), Start: "pw_test_abcd", Last4: "wxyz", OccurredAt: at,
		})
	}
	return p, nil
}
