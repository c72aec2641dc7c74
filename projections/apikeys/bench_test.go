package apikeys_test

import (
	"context"
	"testing"
	"time"

	"github.com/perfectworks/backend/projections/apikeys"
	"github.com/perfectworks/backend/projections/list"
)

// BenchmarkList reads from a list of 100,000 keys, beside as many of others. The
// aim is 30 ms for any search and any order.
func BenchmarkList(b *testing.B) {
	ctx := context.Background()
	m, q, pool := newModel(b)
	m.Given("apiKey-key_2", ofOrganization) // The tables are there now.
	for _, sql := range []string{
		`INSERT INTO apikeys.keys
			SELECT 'key_01jd9z3q5we8x9v6m2k4' || lpad(i::text, 6, '0'), CASE WHEN i < 100000 THEN 'org_big' ELSE 'org_' || i / 100 END,
				'user', 'user_' || i % 1000, 'user_1', t.description, '{files:read}', false, 'pw_test_' || left(md5('a' || i), 4), left(md5('b' || i), 4),
				CASE WHEN i % 3 = 0 THEN '2026-01-01'::timestamptz + i * interval '1 minute' END,
				CASE WHEN i % 10 = 0 THEN '2026-05-01'::timestamptz END, '', '', 0, '2026-01-01'::timestamptz + i * interval '1 second',
				'2026-01-01'::timestamptz + i * 7919 % 200000 * interval '1 second', lower(t.description),
				lower('pw_test_' || left(md5('a' || i), 4) || ' ' || left(md5('b' || i), 4))
			FROM generate_series(0, 199999) i,
			LATERAL (SELECT (ARRAY['Nightly import', 'CI of the website', 'Übersetzung', 'Import of invoices'])[1 + i % 4] || ' ' || md5(i::text) AS description) t`,
		`INSERT INTO api_key_usage SELECT id, created_at FROM apikeys.keys WHERE id ~ '[02468]$'`,
		"VACUUM ANALYZE apikeys.keys", "VACUUM ANALYZE api_key_usage",
	} {
		if _, err := pool.Exec(ctx, sql); err != nil {
			b.Fatal(err)
		}
	}
	requests := map[string]list.Request{"all": {}, "active": {Filters: map[string][]string{"status": {"active"}}}}
	for _, sort := range []string{"updatedAt:desc", "description", "expireAt", "lastUsedAt:desc", "lastUsedAt"} {
		requests["sort "+sort] = list.Request{Sort: sort}
	}
	for _, text := range []string{"e", "zq", "im", "Nightly", "3f2a", "übersetzung 1", "not there"} {
		requests["search "+text] = list.Request{Search: text}
		requests["search "+text+", by updatedAt"] = list.Request{Search: text, Sort: "updatedAt"}
	}
	now := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for name, r := range requests {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, err := q.List(ctx, apikeys.Scope{OrganizationID: "org_big"}, now, r); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Milliseconds())/float64(b.N), "ms/op")
		})
	}
}
