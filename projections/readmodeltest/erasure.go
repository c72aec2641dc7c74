package readmodeltest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/projections"
	"github.com/perfectworks/backend/projections/projectionstest"
)

// CheckErasure checks, with random events, that the tables from which the engine
// cleared subjects are those of a rebuild without their keys; and that nothing
// personal of these subjects is left in any generation: the live one, one that
// is being built, and retired ones.
func (m *Model) CheckErasure(schemas []event.Schema) {
	m.tb.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	g := generator{rand.New(rand.NewPCG(rand.Uint64(), 1))}
	m.record(g, schemas, 300)
	m.Rebuild(ctx) // Leaves a retired generation.
	m.abandonBuild(ctx, g, schemas)

	kept, erased := subjects[:len(subjects)/2], subjects[len(subjects)/2:]
	// Where most rows are soon deleted again, it takes some more events until the
	// tables tell of somebody.
	tells := func() bool {
		before := m.dumpAll(ctx)
		return len(m.definition.Personal) == 0 || tellsOf(before, erased) && tellsOf(before, kept)
	}
	for attempt := 0; !tells(); attempt++ {
		if attempt == 20 {
			m.tb.Fatal("the tables tell of nobody: the test shows nothing")
		}
		m.record(g, schemas, 50)
	}
	m.Erase(ctx, erased...)
	after := m.dumpAll(ctx)
	if tellsOf(after, erased) {
		m.tb.Errorf("after the erasure of %v:\n%.3000s", erased, after)
	}
	if len(m.definition.Personal) > 0 && !tellsOf(after, kept) {
		m.tb.Error("the texts about others are gone too")
	}
	m.record(g, schemas, 50)
	live := m.dump(ctx, m.definition.Name)
	m.Rebuild(ctx)
	if diff := cmp.Diff(live, m.dump(ctx, m.definition.Name)); diff != "" {
		m.tb.Errorf("erased live, and rebuilt after the erasure (-live +rebuilt):\n%.3000s", diff)
	}
}

// Erase destroys the keys of subjects and clears their columns.
func (m *Model) Erase(ctx context.Context, subjects ...string) {
	m.tb.Helper()
	m.Log.Erase(subjects...)
	if err := m.engine.Erase(ctx, subjects...); err != nil {
		m.tb.Fatal(err)
	}
}

// tellsOf tells whether a text about one of some subjects is in a dump.
func tellsOf(dump string, subjects []string) bool {
	return slices.ContainsFunc(subjects, func(subject string) bool { return strings.Contains(dump, textAbout(subject)) })
}

// Rebuild puts a generation in the place of the live one that is built from the
// beginning of the log.
func (m *Model) Rebuild(ctx context.Context) {
	m.tb.Helper()
	if err := m.engine.Rebuild(ctx, m.definition.Name, func(projections.BuildProgress) {}); err != nil {
		m.tb.Fatal(err)
	}
}

// abandonBuild leaves a generation behind that was built in part.
func (m *Model) abandonBuild(ctx context.Context, g generator, schemas []event.Schema) {
	m.tb.Helper()
	m.record(g, schemas, 1)
	all := m.Log.Events()
	m.Log.Fail(all[len(all)-1].ID, errors.New("not now"))
	defer m.Log.Fail(all[len(all)-1].ID, nil)
	ctx, cancel := context.WithCancel(ctx)
	err := m.engine.Rebuild(ctx, m.definition.Name, func(p projections.BuildProgress) {
		if p.Events > 100 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		m.tb.Fatalf("a build that was to be abandoned: %v", err)
	}
}

// record records random events and waits until the model shows them.
func (m *Model) record(g generator, schemas []event.Schema, n int) {
	m.tb.Helper()
	for range n {
		e := g.event(schemas[g.IntN(len(schemas))])
		metadata := event.Metadata{ActorKind: event.ActorUser, ActorUserID: g.subject(), OrganizationID: g.subject()}
		metadata.ActorID = metadata.ActorUserID
		metadata.ClientAddress = personal.New(textAbout(metadata.ActorUserID))
		metadata.UserAgent, metadata.AddressKey = metadata.ClientAddress, g.subject()
		m.Log.AppendWith(metadata, "any-"+g.subject(), e)
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	head, _ := m.Log.Head(ctx) // It never fails.
	if err := m.engine.WaitFor(ctx, m.definition.Name, head); err != nil {
		m.tb.Fatal(err)
	}
}

// subjects are whom events are about; all ids are theirs.
var subjects = func() (all []string) {
	for i := range 16 {
		all = append(all, fmt.Sprintf("subject_%02d", i))
	}
	return all
}()

func textAbout(subject string) string { return "a text about " + subject }

// generator makes events up. They need not make sense to the write side.
type generator struct{ *rand.Rand }

func (g generator) subject() string { return subjects[g.IntN(len(subjects))] }

func (g generator) event(s event.Schema) event.Event {
	pointer := s.New()
	v := reflect.ValueOf(pointer).Elem()
	g.fill(v)
	for i := range v.NumField() { // Once the subjects are known.
		if v.Field(i).Type() == reflect.TypeFor[personal.Text]() {
			v.Field(i).Set(reflect.ValueOf(personal.New(textAbout(projectionstest.Subject(v, i)))))
		}
	}
	return s.Value(pointer)
}

func (g generator) fill(v reflect.Value) {
	switch {
	case !v.CanSet():
	case v.Type() == reflect.TypeFor[time.Time]():
		v.Set(reflect.ValueOf(projectionstest.Began.Add(time.Duration(g.IntN(1e6)) * time.Millisecond)))
	case v.Type() == reflect.TypeFor[personal.Text]():
	case v.Kind() == reflect.String:
		v.SetString(g.subject())
	case v.Kind() == reflect.Bool:
		v.SetBool(g.IntN(2) == 0)
	case v.CanInt():
		v.SetInt(int64(g.IntN(100)))
	case v.CanUint():
		v.SetUint(uint64(g.IntN(100)))
	case v.CanFloat():
		v.SetFloat(float64(g.IntN(100)))
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+g.IntN(3), 4))
		for i := range v.Len() {
			g.fill(v.Index(i))
		}
	case v.Kind() == reflect.Array:
		for i := range v.Len() {
			g.fill(v.Index(i))
		}
	case v.Kind() == reflect.Map && v.Type().Key().Kind() == reflect.String:
		v.Set(reflect.MakeMap(v.Type()))
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		g.fill(key)
		g.fill(value)
		v.SetMapIndex(key, value)
	case v.Kind() == reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		g.fill(v.Elem())
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			g.fill(v.Field(i))
		}
	}
}

// dumpAll is all rows of all generations.
func (m *Model) dumpAll(ctx context.Context) string {
	m.tb.Helper()
	rows, err := m.pool.Query(ctx, "SELECT nspname FROM pg_namespace WHERE nspname = $1 OR nspname ~ ('^' || $1 || '_g[0-9]+$')",
		m.definition.Name)
	if err != nil {
		m.tb.Fatal(err)
	}
	schemas, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		m.tb.Fatal(err)
	}
	if len(schemas) < 3 {
		m.tb.Fatalf("the generations are %v: one that is being built and a retired one are missing", schemas)
	}
	var all strings.Builder
	for _, schema := range schemas {
		all.WriteString(m.dump(ctx, schema))
	}
	return all.String()
}

// dump is all rows of a generation.
func (m *Model) dump(ctx context.Context, schema string) string {
	m.tb.Helper()
	rows, err := m.pool.Query(ctx, "SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1", schema)
	if err != nil {
		m.tb.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		m.tb.Fatal(err)
	}
	var all strings.Builder
	for _, table := range tables {
		rows, err := m.pool.Query(ctx, fmt.Sprintf("SELECT t::text FROM %s t ORDER BY 1", pgx.Identifier{schema, table}.Sanitize()))
		if err != nil {
			m.tb.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			m.tb.Fatal(err)
		}
		for _, line := range lines {
			fmt.Fprintf(&all, "%s %s\n", table, line)
		}
	}
	return all.String()
}
