package identity

import (
	"io"
	"net/http"
)

// maxAnswer bounds what an issuer may answer, in bytes.
const maxAnswer = 1 << 20

// bounded is the client with a bound on the length of answers. What is beyond
// is cut off, and does not decode.
func bounded(client *http.Client) *http.Client {
	if client == nil {
		client = &http.Client{}
	}
	next := client.Transport
	if next == nil {
		next = http.DefaultTransport
	}
	limited := *client
	limited.Transport = boundedTransport{next}
	return &limited
}

type boundedTransport struct{ next http.RoundTripper }

func (t boundedTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := t.next.RoundTrip(req)
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}
