package httpapi

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/perfectworks/backend/domain/access"

	"github.com/perfectworks/backend/domain/failure"
)

// Operations of the odd kinds, which only the tests of this package have. They
// are hidden, so every test of the documentation proves that they do not show.
func init() { more = append(more, registerOdd) }

// oddSecret occurs in the schema of a hidden operation and nowhere else.
type oddSecret struct {
	HiddenMember string `json:"hiddenMember"`
}

// counted is how often the redirect was followed for good.
var counted atomic.Int64

func registerOdd(a *API) {
	odd := func(method, path string, change func(*operation)) operation {
		op := operation{
			id: "odd" + method + strings.ReplaceAll(path, "/", "-"), method: method, path: "/odd" + path,
			tag: tagUsers, summary: "Odd", authorization: ownDataWithKeys(access.ScopeReadProfile), message: "done", hidden: true,
		}
		if change != nil {
			change(&op)
		}
		return op
	}
	open := func(op *operation) { op.authorization = public() }

	register(a, odd(http.MethodPost, "/hidden", nil), func(_ context.Context, _ *exchange, in *struct{ Body oddSecret }) (reply[oddSecret], error) {
		return reply[oddSecret]{data: in.Body}, nil
	})
	register(a, odd(http.MethodGet, "/redirect/{code}", open), func(_ context.Context, x *exchange, in *struct {
		Code string `path:"code"`
	},
	) (reply[noEnvelope], error) {
		if !x.head {
			counted.Add(1)
		}
		return redirect[noEnvelope](http.StatusFound, "https://example.com/?code="+in.Code,
			&http.Cookie{Name: "click", Value: in.Code, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode},
			&http.Cookie{Name: "second", Value: "2"}), nil
	})
	register(a, odd(http.MethodGet, "/rows", func(op *operation) {
		op.produces = []string{mediaCSV, mediaJSONLines}
		op.timeout = time.Minute
	}), func(ctx context.Context, _ *exchange, in *struct {
		Format string `query:"format" enum:"json,csv,jsonl"`
		Rows   int    `query:"rows"`
		Fail   int    `query:"fail"`
	},
	) (reply[Page[string]], error) {
		rows := oddRows(ctx, in.Rows, in.Fail)
		switch in.Format {
		case "csv":
			return reply[Page[string]]{raw: csvOf([]string{"n", "text"}, func(yield func([]string, error) bool) {
				for row, err := range rows {
					if !yield([]string{strconv.Itoa(row.N), row.Text}, err) {
						return
					}
				}
			})}, nil
		case "jsonl":
			return reply[Page[string]]{raw: jsonLinesOf(rows)}, nil
		}
		return reply[Page[string]]{data: Page[string]{Items: []string{}}}, nil
	})
	register(a, odd(http.MethodGet, "/events", func(op *operation) {
		op.produces = []string{mediaEvents}
		op.timeout = time.Hour
	}), func(_ context.Context, _ *exchange, in *struct {
		Until int `query:"until"`
	},
	) (reply[noEnvelope], error) {
		return reply[noEnvelope]{raw: a.eventsOf(func(ctx context.Context, lastID string, send func(sentEvent) error) error {
			n, _ := strconv.Atoi(lastID)
			for n++; n <= in.Until; n++ {
				if err := send(sentEvent{id: strconv.Itoa(n), name: "step", data: oddRow{n, "a\nb"}}); err != nil {
					return err
				}
			}
			<-ctx.Done()
			return ctx.Err()
		})}, nil
	})
	register(a, odd(http.MethodPost, "/webhook", func(op *operation) {
		op.authorization, op.body, op.maxBody = public(), rawBody, 256<<10
		op.consumes = []string{mediaJSON}
	}), func(_ context.Context, x *exchange, in *struct {
		Signature string `header:"X-Signature"`
	},
	) (reply[map[string]int], error) {
		mac := hmac.New(sha256.New, []byte("webhook"))
		mac.Write(x.raw)
		if want := hex.EncodeToString(mac.Sum(nil)); in.Signature != want {
			return reply[map[string]int]{}, failure.New(failure.Invalid, "SIGNATURE_INVALID", "the signature does not fit the body")
		}
		return reply[map[string]int]{data: map[string]int{"bytes": len(x.raw)}}, nil
	})
	register(a, odd(http.MethodPut, "/bytes", func(op *operation) {
		op.authorization, op.body, op.maxBody, op.timeout = public(), streamedBody, 8<<20, time.Minute
		op.consumes, op.produces = []string{"application/pdf", "text/html"}, []string{"application/octet-stream"}
	}), func(_ context.Context, x *exchange, _ *struct{}) (reply[noEnvelope], error) {
		return reply[noEnvelope]{raw: &rawAnswer{write: func(_ context.Context, w *rawWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "application/octet-stream")
			piece := make([]byte, 1<<10)
			for {
				n, err := r.Body.Read(piece)
				for i := range n {
					piece[i] ^= 1
				}
				if _, failed := w.Write(piece[:n]); failed != nil {
					return failed
				}
				if failed := w.Flush(); failed != nil {
					return failed
				}
				if errors.Is(err, io.EOF) {
					return nil
				}
				if err != nil {
					return err
				}
			}
		}}}, nil
	})
	register(a, odd(http.MethodGet, "/file", func(op *operation) {
		op.authorization, op.produces = public(), []string{"application/pdf"}
	}), func(context.Context, *exchange, *struct{}) (reply[noEnvelope], error) {
		return reply[noEnvelope]{raw: &rawAnswer{write: func(_ context.Context, w *rawWriter, r *http.Request) error {
			w.Header().Set("Content-Type", "application/pdf")
			http.ServeContent(w, r, "", time.Unix(1_700_000_000, 0), strings.NewReader("0123456789"))
			return nil
		}}}, nil
	})
	register(a, odd(http.MethodPost, "/job", func(op *operation) { op.timeout = time.Minute }),
		func(ctx context.Context, x *exchange, _ *struct{}) (reply[string], error) {
			if x.preferences.has(preferAsync) {
				return reply[string]{status: http.StatusAccepted, data: "later", header: applied(preferAsync)}, nil
			}
			wait, given := x.preferences.wait()
			if !given {
				wait = 10 * time.Millisecond
			}
			select {
			case <-ctx.Done():
				return reply[string]{}, ctx.Err()
			case <-time.After(min(wait, time.Second)):
			}
			return reply[string]{data: fmt.Sprint(given)}, nil
		})
	register(a, odd(http.MethodGet, "/query", open), func(_ context.Context, _ *exchange, in *struct {
		Tags []string `query:"tag"`
		N    []int    `query:"n" maxItems:"4"`
		One  string   `query:"one"`
	},
	) (reply[map[string]any], error) {
		return reply[map[string]any]{data: map[string]any{"tags": in.Tags, "n": in.N, "one": in.One}}, nil
	})
	register(a, odd(http.MethodGet, "/segment/{value}", open), func(_ context.Context, _ *exchange, in *struct {
		Value string `path:"value"`
	},
	) (reply[string], error) {
		return reply[string]{data: in.Value}, nil
	})
}

type oddRow struct {
	N    int    `json:"n"`
	Text string `json:"text"`
}

func oddRows(ctx context.Context, n, fail int) iter.Seq2[oddRow, error] {
	return func(yield func(oddRow, error) bool) {
		for i := 1; i <= n && ctx.Err() == nil; i++ {
			var err error
			if i == fail {
				err = failure.New(failure.Unavailable, "ROWS_UNAVAILABLE", "the rows cannot be read")
			}
			if !yield(oddRow{i, "=row, \"" + strconv.Itoa(i) + "\""}, err) {
				return
			}
		}
	}
}
