package statement_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/csv"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/perfectworks/backend/adapters/postgres/postgrestest"
	"github.com/perfectworks/backend/adapters/statement"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
	"github.com/perfectworks/backend/domain/tokenaccount"
	"github.com/perfectworks/backend/migrations"
	"github.com/perfectworks/backend/projections/list"
	"github.com/perfectworks/backend/projections/readmodeltest"
	"github.com/perfectworks/backend/projections/tokens"
)

var (
	start  = time.Date(2026, 3, 1, 12, 0, 0, 7e6, time.UTC)
	issued = time.Date(2026, 4, 1, 0, 0, 0, 0, time.UTC)
)

func newKeys(tb testing.TB) (*statement.Keys, map[string]ed25519.PublicKey) {
	tb.Helper()
	private, err := statement.NewKey()
	if err != nil {
		tb.Fatal(err)
	}
	keys, err := statement.ReadKeys(private)
	if err != nil {
		tb.Fatal(err)
	}
	return keys, publicOf(tb, keys)
}

func publicOf(tb testing.TB, keys *statement.Keys) map[string]ed25519.PublicKey {
	tb.Helper()
	text := ""
	for _, key := range keys.Public() {
		text += key.PEM
	}
	public, err := statement.ReadPublicKeys([]byte(text))
	if err != nil {
		tb.Fatal(err)
	}
	return public
}

// history is the events of an account, one an hour, with a comma and quotes in
// what the chain knows of them.
func history(tb testing.TB) []event.Event {
	tb.Helper()
	state, at := tokenaccount.State{}, start
	var log []event.Event
	ref := func(name string) tokenaccount.Reference { return tokenaccount.Reference{ID: name, At: start} }
	do := func(decide func(tokenaccount.State, tokenaccount.Context) ([]event.Event, error)) {
		tb.Helper()
		events, err := decide(state, tokenaccount.Context{OrganizationID: "org_1", At: at})
		if err != nil {
			tb.Fatal(err)
		}
		for _, e := range events {
			state = tokenaccount.Apply(state, e)
		}
		log, at = append(log, events...), at.Add(time.Hour)
	}
	do(func(s tokenaccount.State, c tokenaccount.Context) ([]event.Event, error) {
		return s.Bring(c, tokenaccount.Granting{Grant: ref("g"), Source: tokenaccount.SourcePurchase, Amount: 100, ExpireAt: start.Add(100 * time.Hour)})
	})
	for i := range 3 {
		r := ref(fmt.Sprintf(`op "%d", one`, i))
		do(func(s tokenaccount.State, c tokenaccount.Context) ([]event.Event, error) {
			return s.Reserve(c, tokenaccount.Reservation{Reference: r, Amount: 10, Purpose: "accessibility", UserID: "user_1", Hold: 2 * time.Hour})
		})
		do(func(s tokenaccount.State, c tokenaccount.Context) ([]event.Event, error) { return s.Capture(c, r, 7) })
	}
	do(func(s tokenaccount.State, c tokenaccount.Context) ([]event.Event, error) {
		return s.Adjust(c, tokenaccount.Adjustment{
			Reference: ref("ticket"), Amount: 4, Reason: tokenaccount.Reason{Text: personal.New("a text about Ada"), Nonce: personal.New("n")},
		})
	})
	do(func(s tokenaccount.State, c tokenaccount.Context) ([]event.Event, error) {
		return s.Align(c, tokenaccount.Alignment{Grant: ref("g"), Version: 1, ClawedBack: 100})
	})
	return log
}

// world is a read model that statements are made of.
type world struct {
	*readmodeltest.Model
	queries tokens.Queries
	keys    *statement.Keys
	public  map[string]ed25519.PublicKey
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	pool := postgrestest.New(tb, postgrestest.WithMigrations(migrations.App, migrations.AppTable))
	w := &world{Model: readmodeltest.New(tb, pool, tokens.Definition()), queries: tokens.NewQueries(pool)}
	w.keys, w.public = newKeys(tb)
	w.Given("tokenAccount-org_1", history(tb)...)
	return w
}

func (w *world) statement(tb testing.TB, p tokens.Period) []byte {
	tb.Helper()
	of, err := w.queries.Statement(context.Background(), "org_1", p)
	if err != nil {
		tb.Fatal(err)
	}
	var out bytes.Buffer
	if err := statement.Write(&out, statement.Subject{OrganizationID: "org_1", Period: p}, of, w.keys, issued); err != nil {
		tb.Fatal(err)
	}
	return out.Bytes()
}

func TestStatements(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	hours := func(n int) time.Time { return start.Add(time.Duration(n) * time.Hour) }
	for name, c := range map[string]struct {
		period      tokens.Period
		first, last int64
	}{
		"all":                 {tokens.Period{}, 1, 9},
		"from is in":          {tokens.Period{From: hours(3)}, 4, 9},
		"to is out":           {tokens.Period{To: hours(3)}, 1, 3},
		"a part":              {tokens.Period{From: hours(2).Add(-time.Millisecond), To: hours(5).Add(time.Millisecond)}, 3, 6},
		"nothing in it":       {tokens.Period{From: hours(2).Add(time.Millisecond), To: hours(3)}, 4, 3},
		"before the account":  {tokens.Period{To: start}, 1, 0},
		"after all":           {tokens.Period{From: hours(99)}, 10, 9},
		"the other way round": {tokens.Period{From: hours(5), To: hours(2)}, 6, 5},
	} {
		text := w.statement(t, c.period)
		got, err := statement.Verify(bytes.NewReader(text), w.public)
		if err != nil {
			t.Errorf("%s: %v\n%s", name, err, text)
			continue
		}
		if got.Opening.Sequence != c.first-1 || got.Closing.Sequence != c.last || got.Entries != c.last-c.first+1 ||
			got.OrganizationID != "org_1" || !got.IssuedAt.Equal(issued) || !got.Period.From.Equal(c.period.From) || !got.Period.To.Equal(c.period.To) {
			t.Errorf("%s: %+v", name, got)
		}
		if again := w.statement(t, c.period); !bytes.Equal(text, again) {
			t.Errorf("%s: it is another one the second time", name)
		}
	}
	// One statement ends where the next begins.
	first, err := statement.Verify(bytes.NewReader(w.statement(t, tokens.Period{To: hours(4)})), w.public)
	second, err2 := statement.Verify(bytes.NewReader(w.statement(t, tokens.Period{From: hours(4)})), w.public)
	if diff := cmp.Diff(first.Closing, second.Opening); diff != "" || err != nil || err2 != nil {
		t.Errorf("%v, %v: %s", err, err2, diff)
	}
}

// An erasure changes nothing that a statement holds: one made before is verified
// as before, and one made after it has the same records.
func TestStatementsSurviveErasure(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.statement(t, tokens.Period{})
	if bytes.Contains(before, []byte("Ada")) {
		t.Error("a reason is in the statement")
	}
	w.Log.Erase("org_1")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	w.Rebuild(ctx)
	page, err := w.queries.List(ctx, tokens.Scope{OrganizationID: "org_1"}, tokens.Period{},
		list.Request{Filters: map[string][]string{"type": {"adjustment"}}})
	if err != nil || len(page.Items) != 1 || page.Items[0].Reason != "" {
		t.Fatalf("the reason is not erased: %+v, %v", page.Items, err)
	}
	after := w.statement(t, tokens.Period{})
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Error(diff)
	}
	if _, err := statement.Verify(bytes.NewReader(after), w.public); err != nil {
		t.Error(err)
	}
}

// Whatever is changed in a statement, it is noticed, and the line is named.
func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := w.statement(t, tokens.Period{From: start.Add(time.Hour)})
	original := parse(t, text)
	const head, opening, first, last, closing, signature = 0, 1, 2, 9, 10, 11
	if original[closing][0] != "closing" || original[signature][0] != "signature" || len(original) != 12 {
		t.Fatalf("%s", text)
	}
	column := func(name string) int { return slices.Index(original[head], name) }
	for name, c := range map[string]struct {
		tamper func(rows [][]string) [][]string
		want   string
	}{
		"an amount": {set(first+1, column("movements"), "held=-10 consumed=6 available=4"), "line 4: entry 3: the balance"},
		"an amount and the balance": {func(rows [][]string) [][]string {
			rows[first+1][column("movements")] = "held=-10 consumed=6 available=4"
			rows[first+1][column("consumed")], rows[first+1][column("available")] = "6", "94"
			return rows
		}, "line 4: entry 3: the hash"},
		"movements that do not sum to zero": {set(first, column("movements"), "available=-10 held=11"), "line 3: entry 2: the movements must sum to zero"},
		"movements in another order":        {set(first, column("movements"), "held=10 available=-10"), "line 3: entry 2: the hash"},
		"an unknown account":                {set(first, column("movements"), "available=-10 gifts=10"), "the movement \"gifts=10\""},
		"an overflow": {set(first, column("movements"),
			"available=-10 held=10 consumed=9223372036854775807 expired=9223372036854775807 debt=2"), "too large"},
		"a balance":               {set(first, column("held"), "11"), "line 3: the accounts must sum to zero"},
		"a time":                  {set(first, column("occurredAt"), "2026-03-01T13:00:00.008Z"), "line 3: entry 2: the hash"},
		"an earlier time":         {set(first+1, column("occurredAt"), "2026-03-01T13:00:00.006Z"), "entry 3 must have a time"},
		"a type":                  {set(first, column("type"), "TokensAdjusted"), "line 3: entry 2: the hash"},
		"details":                 {set(first, column("details"), "reserve"), "line 3: entry 2: the hash"},
		"a hash":                  {set(first, column("hash"), strings.Repeat("0", 64)), "line 3: entry 2: the hash"},
		"a sequence":              {set(first, column("sequence"), "3"), "line 3: entry \"3\" must follow entry 1"},
		"an entry is missing":     {remove(first + 2), "must follow entry 3"},
		"the first is missing":    {remove(first), "must follow entry 1"},
		"the last is missing":     {remove(last), "closes 8 entries, and there are 7"},
		"two are exchanged":       {swap(first, first+1), "must follow"},
		"one is there twice":      {func(rows [][]string) [][]string { return slices.Insert(rows, first+1, rows[first]) }, "must follow"},
		"all entries are missing": {func(rows [][]string) [][]string { return slices.Delete(rows, first, closing) }, "there are 0"},
		"the opening balance": {func(rows [][]string) [][]string {
			rows[opening][column("available")], rows[opening][column("consumed")] = "90", "10"
			return rows
		}, "entry 2: the balance"},
		"the opening hash": {set(opening, column("hash"), strings.Repeat("0", 64)), "entry 2: the hash"},
		"the opening time": {set(opening, column("occurredAt"), "2026-03-01T12:00:00.006Z"), "the signature"},
		"the organization": {set(opening, column("details"), strings.Replace(original[opening][column("details")], "org_1", "org_2", 1)), "the signature"},
		"the period":       {set(opening, column("details"), "perfectworks token statement 1\torg_1\t\t"), "the signature"},
		"another scheme":   {set(opening, column("details"), "perfectworks token statement 2\torg_1\t\t"), "line 2: it is not"},
		"the closing balance": {func(rows [][]string) [][]string {
			rows[closing][column("available")], rows[closing][column("expired")] = "5", "-5"
			return rows
		}, "the closing must be"},
		"the closing hash":                 {set(closing, column("hash"), strings.Repeat("0", 64)), "the closing must be"},
		"when it was issued":               {set(closing, column("details"), strings.Replace(original[closing][column("details")], "2026-04", "2026-05", 1)), "the signature"},
		"the number of entries":            {set(closing, column("details"), strings.Replace(original[closing][column("details")], "entries 8", "entries 9", 1)), "closes 9 entries"},
		"another key's name":               {set(closing, column("details"), "entries 8\t2026-04-01T00:00:00.000Z\t0000000000000000"), "none of those given"},
		"the signature":                    {set(signature, column("details"), "AAAA"+original[signature][column("details")][4:]), "the signature is not"},
		"no base64":                        {set(signature, column("details"), "?"), "the signature is not"},
		"no signature":                     {remove(signature), "it ends before its signature"},
		"neither closing":                  {func(rows [][]string) [][]string { return rows[:closing] }, "it ends before its signature"},
		"no closing":                       {remove(closing), "a \"signature\" cannot follow the entries"},
		"no opening":                       {remove(opening), "the opening must come first"},
		"no names of columns":              {remove(head), "the columns must be"},
		"more after the signature":         {func(rows [][]string) [][]string { return append(rows, rows[signature]) }, "nothing may follow"},
		"another number":                   {set(first, column("held"), "010"), "must be a number"},
		"a column more":                    {func(rows [][]string) [][]string { rows[first] = append(rows[first], "x"); return rows }, "line 3"},
		"something in the signature's row": {set(signature, column("hash"), "x"), "the signature must follow"},
		"a type in the opening":            {set(opening, column("type"), "x"), "no type"},
		"an account out of nothing":        {set(opening, column("sequence"), "0"), "before the first entry there is nothing"},
		"nothing at all":                   {func([][]string) [][]string { return nil }, "it ends before its signature"},
	} {
		rows := make([][]string, len(original))
		for i := range original {
			rows[i] = slices.Clone(original[i])
		}
		_, err := statement.Verify(strings.NewReader(format(t, c.tamper(rows))), w.public)
		if !errors.Is(err, statement.ErrUnverified) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", name, err, c.want)
		}
	}
	if format(t, original) != string(text) {
		t.Error("what is written again is something else: the test shows nothing")
	}
	// Each byte matters, but for those of the form.
	for i := range text {
		changed := slices.Clone(text)
		if changed[i] ^= 1; bytes.ContainsAny(changed[i:i+1], "\r\n\"") || bytes.ContainsAny(text[i:i+1], "\r\n\"") {
			continue
		}
		if _, err := statement.Verify(bytes.NewReader(changed), w.public); !errors.Is(err, statement.ErrUnverified) {
			t.Fatalf("byte %d was changed from %q to %q: %v", i, text[i], changed[i], err)
		}
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	text := w.statement(t, tokens.Period{})
	_, others := newKeys(t)
	if _, err := statement.Verify(bytes.NewReader(text), others); !errors.Is(err, statement.ErrUnverified) {
		t.Errorf("verified by another key: %v", err)
	}
	// After a rotation the new key signs, and the old one still verifies.
	fresh, err := statement.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	rotated, err := statement.ReadKeys([]byte(string(fresh) + w.keys.Public()[0].PEM))
	if err != nil || len(rotated.Public()) != 2 {
		t.Fatal(err)
	}
	old := w.keys
	w.keys = rotated
	for name, text := range map[string][]byte{"before": text, "after": w.statement(t, tokens.Period{})} {
		if _, err := statement.Verify(bytes.NewReader(text), publicOf(t, rotated)); err != nil {
			t.Errorf("%s the rotation: %v", name, err)
		}
	}
	for name, text := range map[string]string{
		"nothing":            "",
		"only a public key":  old.Public()[0].PEM,
		"no key":             "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
		"something else":     "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
		"an elliptic key":    "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEVs/o5+uQbTjL3chynL4wXgUg2R9\nq9UU8I5mEovUf86QZ7kOBIjJwqnzD1omageEHWwHdBO6B+dFabmdT9POxg==\n-----END PUBLIC KEY-----\n",
		"private, to verify": string(fresh),
	} {
		if _, err := statement.ReadPublicKeys([]byte(text)); err == nil && name != "only a public key" {
			t.Errorf("%s: read as public keys", name)
		}
		if _, err := statement.ReadKeys([]byte(text)); err == nil && name != "private, to verify" {
			t.Errorf("%s: read as keys to sign with", name)
		}
	}
}

// Processes that start at once in one folder agree on the key.
func TestOneKeyInAFolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "statement.pem")
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			keys, err := statement.KeysIn(path)
			if err != nil {
				t.Error(err)
				return
			}
			ids[i] = keys.Public()[0].ID
		})
	}
	wg.Wait()
	if slices.Sort(ids); ids[0] != ids[7] || ids[0] == "" {
		t.Errorf("the keys are %v", ids)
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("record,sequence\r\nopening,1\r\n")
	keys, public := newKeys(f)
	var out bytes.Buffer
	empty := tokens.Statement{Lines: func(func([]byte, error) bool) {}}
	if err := statement.Write(&out, statement.Subject{OrganizationID: "org_1"}, empty, keys, issued); err != nil {
		f.Fatal(err)
	}
	f.Add(out.String())
	f.Fuzz(func(t *testing.T, text string) {
		got, err := statement.Verify(strings.NewReader(text), public)
		if err == nil && (got.OrganizationID != "org_1" || got.Entries != 0) {
			t.Errorf("%q was taken for signed: %+v", text, got)
		}
	})
}

func set(row, column int, to string) func([][]string) [][]string {
	return func(rows [][]string) [][]string { rows[row][column] = to; return rows }
}

func remove(row int) func([][]string) [][]string {
	return func(rows [][]string) [][]string { return slices.Delete(rows, row, row+1) }
}

func swap(a, b int) func([][]string) [][]string {
	return func(rows [][]string) [][]string { rows[a], rows[b] = rows[b], rows[a]; return rows }
}

func parse(t *testing.T, text []byte) [][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// format writes rows as Write does, which quotes the details of entries always.
func format(t *testing.T, rows [][]string) string {
	t.Helper()
	var out strings.Builder
	for _, row := range rows {
		if row[0] == "entry" {
			cells := slices.Clone(row)
			cells[len(cells)-2] = `"` + strings.ReplaceAll(cells[len(cells)-2], `"`, `""`) + `"`
			out.WriteString(strings.Join(cells, ",") + "\r\n")
			continue
		}
		w := csv.NewWriter(&out)
		w.UseCRLF = true
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
		w.Flush()
	}
	return out.String()
}
