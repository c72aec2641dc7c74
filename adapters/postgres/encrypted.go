package postgres

import (
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// CheckEncrypted is nil for a database URL whose connections begin encrypted, or
// do not leave the machine because they go through a socket of Unix. The
// environment counts too: PGSSLMODE and the like. Its errors hold no password.
//
// An sslmode that is not set, or prefer, is accepted: it encrypts where the
// server can. Only verify-full also proves who the server is.
func CheckEncrypted(rawURL string) error {
	parsed, err := parseURL(rawURL)
	if err != nil {
		return err
	}
	for name, values := range parsed.Query() {
		for _, value := range values {
			// pgx knows these by exactly this spelling, and refuses any other.
			if strings.EqualFold(name, "sslmode") && (name != "sslmode" || value != strings.ToLower(value)) {
				return errors.New("sslmode and its value must be written in lower case")
			}
		}
	}
	config, err := pgx.ParseConfig(rawURL)
	if err != nil {
		return fmt.Errorf("the database URL is not usable: %w", withoutURL(err))
	}
	// Each host is tried with TLS first, if its sslmode asks for it at all.
	seen := map[string]bool{config.Host: true}
	plain := config.TLSConfig == nil && !isSocket(config.Host)
	for _, next := range config.Fallbacks {
		if !seen[next.Host] {
			seen[next.Host] = true
			plain = plain || next.TLSConfig == nil && !isSocket(next.Host)
		}
	}
	if plain {
		return errors.New("its connections begin without TLS (sslmode, or PGSSLMODE)")
	}
	return nil
}

// isSocket tells a folder of sockets from the name of a host, as pgx does.
func isSocket(host string) bool { return strings.HasPrefix(host, "/") || strings.HasPrefix(host, "@") }
