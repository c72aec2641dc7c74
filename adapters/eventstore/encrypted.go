package eventstore

import (
	"errors"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// CheckEncrypted is nil for a connection string whose connections are encrypted
// and go to a server that proves who it is. Its errors hold no password.
func CheckEncrypted(rawURL string) error {
	config, err := esdb.ParseConnectionString(rawURL)
	switch {
	case err != nil:
		return fmt.Errorf("it is not of the form esdb://USER:PASSWORD@HOST:PORT: %w", withoutURL(err))
	case config.DisableTLS:
		return errors.New("it switches TLS off (tls)")
	case config.SkipCertificateVerification:
		return errors.New("it switches the check of the certificate off (tlsVerifyCert)")
	}
	return nil
}
