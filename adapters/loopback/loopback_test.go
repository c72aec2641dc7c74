package loopback_test

import (
	"testing"

	"github.com/perfectworks/backend/adapters/loopback"
)

func TestHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "::ffff:127.0.0.1": true,
		"": false, "localhost.example.com": false, "128.0.0.1": false, "0.0.0.0": false, "::": false, "127.0.0.1.example.com": false, "127.1": false,
	} {
		if got := loopback.Host(host); got != want {
			t.Errorf("%q: %v, want %v", host, got, want)
		}
	}
}
