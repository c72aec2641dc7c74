package commands_test

import (
	"testing"

	"github.com/perfectworks/backend/adapters/eventstore/eventstoretest"
	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/apikey"
)

// BenchmarkIssueAPIKey is the command beside the bare append that it is made
// of, on the real store, by 64 callers for each processor.
func BenchmarkIssueAPIKey(b *testing.B) {
	for name, store := range map[string]func() commands.Streams{
		"model": func() commands.Streams { return newModel() },
		"store": func() commands.Streams { return eventstoretest.New(b).Streams },
	} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b, store())
			w.Commands = commands.New(commands.Deps{
				Streams: w.store, Observer: noObserver{}, Limits: commands.Limits{APIKeys: 1 << 30},
			})
			owner, _ := w.organization()
			b.SetParallelism(64)
			b.ReportAllocs()
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := w.IssueAPIKey(b.Context(), w.request(owner), commands.IssueAPIKey{Description: "bench"}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}

// A refusal at the quota looks at every slot, and asks the store about each.
func BenchmarkIssueAPIKeyAtTheQuota(b *testing.B) {
	w := newWorld(b, eventstoretest.New(b).Streams)
	owner, _ := w.organization()
	for range commands.DefaultMaxAPIKeys {
		w.key(owner, commands.IssueAPIKey{})
	}
	for b.Loop() {
		refused(b, must(w.IssueAPIKey(b.Context(), w.request(owner), commands.IssueAPIKey{})), apikey.ErrLimit)
	}
}
