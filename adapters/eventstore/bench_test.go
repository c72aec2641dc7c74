package eventstore

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/ThreeDotsLabs/watermill/message"

	"github.com/perfectworks/backend/domain/apikey"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
)

func benchmarkEvents(b *testing.B, codec *Codec) map[string]*esdb.RecordedEvent {
	b.Helper()
	metadata := event.Metadata{
		CorrelationID: "01890a5d-ac96-774b-bcce-b302099a8057", CausationID: "01890a5d-ac96-774b-bcce-b302099a8057",
		ActorKind: event.ActorUser, ActorID: "user_01h455vb4pex5vsknk084sn02q", ActorUserID: "user_01h455vb4pex5vsknk084sn02q",
		OrganizationID: "org_01h455vb4pex5vsknk084sn02q", RequestID: "01890a5d-ac96-774b-bcce-b302099a8057",
		TraceParent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
	}
	issued := apikey.Issued{
		KeyID: "key_01h455vb4pex5vsknk084sn02q", OrganizationID: "org_01h455vb4pex5vsknk084sn02q", OwnerType: "user",
		UserID: "user_01h455vb4pex5vsknk084sn02q", IssuedBy: "user_01h455vb4pex5vsknk084sn02q",
		SecretHash: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", Start: "pw_live_ab", Last4: "wxyz",
		OccurredAt: time.Date(2025, 1, 2, 3, 4, 5, 6e6, time.UTC),
	}
	withAddress := metadata
	withAddress.ClientAddress, withAddress.UserAgent = personal.New("192.0.2.7"), personal.New("Mozilla/5.0 (X11; Linux x86_64)")
	return map[string]*esdb.RecordedEvent{
		"plain":    encode(b, codec, issued, metadata),
		"personal": encode(b, codec, registered(), withAddress),
	}
}

func BenchmarkDecode(b *testing.B) {
	codec := newTestCodec(b, onlyKey(b))
	for name, e := range benchmarkEvents(b, codec) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(e.Data) + len(e.UserMetadata)))
			for b.Loop() {
				if _, err := codec.DecodeRecorded(b.Context(), e); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

func BenchmarkEncode(b *testing.B) {
	codec := newTestCodec(b, onlyKey(b))
	d := event.Draft{ID: goldenID, Event: registered()}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := codec.Encode(b.Context(), d); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDeliver is the way of a message from the receive buffer through the
// channel, a handler that decodes it, and its acknowledgement.
func BenchmarkDeliver(b *testing.B) {
	codec := newTestCodec(b, onlyKey(b))
	for name, e := range benchmarkEvents(b, codec) {
		b.Run(name, func(b *testing.B) {
			opts := (&SubscriberOptions{}).withDefaults()
			c := &consumer{opts: &opts, progress: nowhere{}, out: make(chan *message.Message)}
			r := &received{items: make(chan item, opts.Buffer), room: newRoom(math.MaxInt), dropped: errKeysDown}
			go func() {
				defer close(r.items)
				for i := range b.N {
					copied := *e
					copied.Position = esdb.Position{Commit: uint64(i) + 1, Prepare: uint64(i) + 1}
					r.items <- item{stored: &copied}
				}
			}()
			go func() {
				for m := range c.out {
					if _, err := codec.Decode(m.Context(), m); err != nil {
						b.Error(err)
					}
					m.Ack()
				}
			}()
			b.ReportAllocs()
			b.ResetTimer()
			_ = (&batch{consumer: c, source: r}).deliver(b.Context())
			b.StopTimer()
			close(c.out)
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "messages/s")
		})
	}
}

type nowhere struct{}

func (nowhere) Resume(context.Context) (event.Position, error) { return event.Position{}, nil }
func (nowhere) Commit(context.Context, event.Mark, bool) error { return nil }

// onlyKey gives everybody the same key, without the cost of finding it.
func onlyKey(b *testing.B) Keys {
	b.Helper()
	key, _, err := (&fixedKeys{}).Key(b.Context(), "benchmark")
	if err != nil {
		b.Fatal(err)
	}
	return sameKey{key}
}
