package eventnode

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"time"
)

// Loopback is a node for the process it runs in: it listens on a free port of
// 127.0.0.1, and no other process on the machine gets in, for its certificate and its
// password exist only in this memory.
type Loopback struct {
	*Node

	// Address, Username, Password and RootCAs are what a client of this process
	// needs to connect. Authority is what is in RootCAs, in PEM.
	Address   string
	Username  string
	Password  string
	RootCAs   *x509.CertPool
	Authority []byte

	served chan struct{}
}

// StartLoopback starts a node with the config, whose TLS and Credentials it
// sets. The caller stops it.
func StartLoopback(ctx context.Context, config Config) (*Loopback, error) {
	certificate, authority, err := ephemeralCertificate()
	if err != nil {
		return nil, fmt.Errorf("eventnode: create a certificate: %w", err)
	}
	l := &Loopback{Username: "admin", Password: rand.Text(), RootCAs: x509.NewCertPool(), served: make(chan struct{})}
	l.RootCAs.AddCert(authority)
	l.Authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: authority.Raw})
	config.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}
	config.Credentials = map[string]string{l.Username: l.Password}

	var listen net.ListenConfig
	listener, err := listen.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("eventnode: listen: %w", err)
	}
	l.Address = listener.Addr().String()
	if l.Node, err = New(ctx, config); err != nil {
		_ = listener.Close() // nothing was served
		return nil, err
	}
	go func() {
		defer close(l.served)
		if err := l.Serve(listener); err != nil {
			l.logger.ErrorContext(ctx, "event node ended", slog.Any("error", err))
		}
	}()
	return l, nil
}

// Stop is Node.Stop, and waits until the listener is closed.
func (l *Loopback) Stop(ctx context.Context) {
	l.Node.Stop(ctx)
	<-l.served
}

// ephemeralCertificate creates an authority that signs one certificate for
// 127.0.0.1. The authority's key is not kept.
func ephemeralCertificate() (leaf tls.Certificate, authority *x509.Certificate, err error) {
	authority, authorityKey, err := signCertificate(&x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "PerfectWorks loopback authority"},
		KeyUsage:              x509.KeyUsageCertSign,
		IsCA:                  true,
		BasicConstraintsValid: true,
	}, nil, nil)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	signed, key, err := signCertificate(&x509.Certificate{
		SerialNumber: big.NewInt(2),
		Subject:      pkix.Name{CommonName: "127.0.0.1"},
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, authority, authorityKey)
	if err != nil {
		return tls.Certificate{}, nil, err
	}
	return tls.Certificate{Certificate: [][]byte{signed.Raw}, PrivateKey: key, Leaf: signed}, authority, nil
}

// signCertificate creates a key and its certificate, signed by itself when there is
// no parent.
func signCertificate(template, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	// As long as the longest process; clocks may be set back.
	template.NotBefore = time.Now().Add(-24 * time.Hour)
	template.NotAfter = time.Now().AddDate(10, 0, 0)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return certificate, key, err
}
