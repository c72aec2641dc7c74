package eraser_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"gocloud.dev/secrets/localsecrets"

	"github.com/perfectworks/backend/adapters/eraser"
	"github.com/perfectworks/backend/adapters/keyring"
	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/erasure"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/erasures"
)

// installation is a database with its keys and the place of its journal.
type installation struct {
	t    *testing.T
	pool *pgxpool.Pool
	keys *keyring.Keyring
	path string
	logs bytes.Buffer
}

func newInstallation(t *testing.T) *installation {
	t.Helper()
	raw, err := localsecrets.NewRandomKey()
	if err != nil {
		t.Fatal(err)
	}
	keeper := localsecrets.NewKeeper(raw)
	pool := postgrestest.New(t, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	keys, err := keyring.Open(t.Context(), pool, keeper, keyring.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = errors.Join(keys.Close(), keeper.Close()) })
	return &installation{t: t, pool: pool, keys: keys, path: filepath.Join(t.TempDir(), "erasures.journal")}
}

func (i *installation) start() (*eraser.Journal, error) { return i.startAs(false) }

func (i *installation) startAs(renew bool) (*eraser.Journal, error) {
	return eraser.Recover(i.t.Context(), i.pool, i.keys, i.path, renew, slog.New(slog.NewTextHandler(&i.logs, nil)))
}

func (i *installation) erase(j *eraser.Journal, copies eraser.Copies, names ...string) error {
	e := eraser.New(eraser.Config{Pool: i.pool, Keys: i.keys, Journal: j, Copies: []eraser.Copies{copies}})
	return e.Destroy(i.t.Context(), commands.Traces{Subjects: names})
}

func none(context.Context, commands.Traces) error { return nil }

func (i *installation) use(name string) { i.t.Helper(); i.usable(name, true) }

// usable checks whether a subject has a key.
func (i *installation) usable(name string, want bool) {
	i.t.Helper()
	_, ok, err := i.keys.KeyFor(i.t.Context(), name)
	if err != nil || ok != want {
		i.t.Errorf("the key of %s: %t, %v", name, ok, err)
	}
}

func must(t *testing.T, j *eraser.Journal, err error) *eraser.Journal {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func (i *installation) entries() []string {
	i.t.Helper()
	_, entries, err := eraser.OpenJournal(i.path)
	if err != nil {
		i.t.Fatal(err)
	}
	return subjects(entries)
}

// What was destroyed before there was a journal is in the journal, too.
func TestTheFirstStartBeginsTheJournal(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.use("user_1")
	if err := i.keys.Destroy(t.Context(), "user_1"); err != nil {
		t.Fatal(err)
	}
	i.use("user_2")
	j, err := i.start()
	must(t, j, err)
	if got := strings.Join(i.entries(), " "); got != "user_1" {
		t.Errorf("the journal names %s", got)
	}
	if err := i.erase(j, none, "user_2", "inv_2"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(i.entries(), " "); got != "user_1 user_2 inv_2" {
		t.Errorf("the journal names %s", got)
	}
	i.usable("user_2", false)
	again, err := i.start()
	if must(t, again, err).ID() != j.ID() || i.logs.Len() > 0 {
		t.Errorf("the next start: %s", &i.logs)
	}
}

// The journal is on disk before a key is destroyed: where it cannot be written,
// nothing is destroyed.
func TestNoKeyIsDestroyedWithoutTheJournal(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	i.use("user_1")
	j, err := i.start()
	must(t, j, err)
	if err := os.Remove(i.path); err != nil {
		t.Fatal(err)
	}
	if err := i.erase(j, none, "user_1"); err == nil {
		t.Error("it was erased without a journal")
	}
	i.usable("user_1", true)
}

// A backup of the database from before brings the keys back; the next start
// destroys them again, and says so.
func TestARestoredBackupBringsNoKeyBack(t *testing.T) {
	t.Parallel()
	i := newInstallation(t)
	for _, name := range []string{"user_1", "user_2"} {
		i.use(name)
	}
	j, err := i.start()
	must(t, j, err)
	backup := []string{"subject_keys", "erasure_journal"}
	for _, table := range backup {
		i.exec("CREATE TABLE backup_of_" + table + " AS TABLE " + table)
	}
	if err := i.erase(j, none, "user_1"); err != nil {
		t.Fatal(err)
	}
	for _, table := range backup {
		i.exec("TRUNCATE " + table)
	}
	i.exec("INSERT INTO subject_keys OVERRIDING SYSTEM VALUE SELECT * FROM backup_of_subject_keys")
	i.exec("INSERT INTO erasure_journal SELECT * FROM backup_of_erasure_journal")
	i.exec("SELECT pg_notify('keyring', 'destroyed:user_1')") // Nothing is cached after a restore.
	again, err := i.start()
	must(t, again, err)
	i.usable("user_1", false)
	i.usable("user_2", true)
	if log := i.logs.String(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "keys=1") {
		t.Errorf("it was said: %s", log)
	}
	// From before the first journal, too.
	i.exec("TRUNCATE subject_keys, erasure_journal")
	must(t, j, second(i.start()))
	i.usable("user_1", false)
}

func second[A, B any](_ A, b B) B { return b }

func (i *installation) exec(sql string) {
	i.t.Helper()
	if _, err := i.pool.Exec(i.t.Context(), sql); err != nil {
		i.t.Fatal(err)
	}
}

// A start without a journal that can be trusted is refused, whatever is wrong.
func TestAStartNeedsTheJournal(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(i *installation) error{
		"missing":       func(i *installation) error { return os.Remove(i.path) },
		"empty":         func(i *installation) error { return os.Truncate(i.path, 0) },
		"damaged":       func(i *installation) error { return os.WriteFile(i.path, []byte("00000000 {}\n"), 0o600) },
		"not a file":    func(i *installation) error { return errors.Join(os.Remove(i.path), os.Mkdir(i.path, 0o700)) },
		"an older copy": func(i *installation) error { return os.WriteFile(i.path, i.older(), 0o600) },
		"another database": func(i *installation) error {
			return errors.Join(os.Remove(i.path), second(eraser.CreateJournal(i.path, nil)))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newInstallation(t)
			j, err := i.start()
			if err := i.erase(must(t, j, err), none, "user_1", "user_2"); err != nil {
				t.Fatal(err)
			}
			if err := damage(i); err != nil {
				t.Fatal(err)
			}
			_, err = i.start()
			if !errors.Is(err, eraser.ErrJournal) || !strings.Contains(err.Error(), "PERFECTWORKS_ERASURE_JOURNAL") {
				t.Fatalf("got %v", err)
			}
			renewed, err := i.startAs(true)
			if name != "missing" {
				if !errors.Is(err, eraser.ErrJournal) {
					t.Errorf("a journal was replaced: %v", err)
				}
				return
			}
			must(t, renewed, err)
			if got := strings.Join(i.entries(), " "); got != "user_1 user_2" {
				t.Errorf("the new journal names %s", got)
			}
			must(t, renewed, second(i.start()))
			if err := i.erase(j, none, "user_3"); !errors.Is(err, eraser.ErrDamaged) {
				t.Errorf("a process that knows the old journal goes on: %v", err)
			}
		})
	}
}

// older is the journal without its last line.
func (i *installation) older() []byte {
	i.t.Helper()
	whole, err := os.ReadFile(i.path)
	if err != nil {
		i.t.Fatal(err)
	}
	return whole[:bytes.LastIndexByte(whole[:len(whole)-1], '\n')+1]
}

// The traces of a person are found in the index, and copies are destroyed last.
func TestTraces(t *testing.T) {
	t.Parallel()
	waited := 0
	e := eraser.New(eraser.Config{
		Wait: func(context.Context) error { waited++; return nil },
		Index: erasures.Queries{
			IdentityOf:      func(context.Context, id.User) (string, error) { return "hash", nil },
			OrganizationsOf: func(context.Context, id.User) ([]id.Organization, error) { return []id.Organization{"org_1"}, nil },
			InvitationsOf: func(context.Context, id.User) ([]erasures.Invitation, error) {
				return []erasures.Invitation{{ID: "inv_1", OrganizationID: "org_2"}}, nil
			},
			InvitationsTo: func(context.Context, id.Organization) ([]erasures.Invitation, error) {
				return []erasures.Invitation{{ID: "inv_3", OrganizationID: "org_1"}}, nil
			},
		},
	})
	person, err := e.Traces(t.Context(), erasure.KindUser, "user_1")
	if err != nil || strings.Join(person.Subjects, " ") != "user_1 inv_1" || person.Identity != "hash" ||
		len(person.Organizations) != 2 || person.Invitations["inv_1"] != "org_2" {
		t.Errorf("%+v, %v", person, err)
	}
	organization, err := e.Traces(t.Context(), erasure.KindOrganization, "org_1")
	if err != nil || strings.Join(organization.Subjects, " ") != "org_1 inv_3" || organization.Identity != "" || organization.Organizations[0] != "org_1" {
		t.Errorf("%+v, %v", organization, err)
	}
	if _, err := e.Traces(t.Context(), "", "x"); err == nil || waited != 3 {
		t.Errorf("an unknown kind: %v; waited %d times", err, waited)
	}
}
