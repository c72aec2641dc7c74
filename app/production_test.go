package app_test

import (
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/perfectworks/backend/app"
)

// Each setting that holds a URL refuses one that anybody between can read, and a
// setting that is added later is tried as well.
func TestProductionRefusesEachUnencryptedURL(t *testing.T) {
	t.Parallel()
	isURL := regexp.MustCompile("URL|ISSUER|ENDPOINT|ORIGINS|HOST|DSN")
	unencrypted := map[string]string{
		"DATABASE_URL": "postgres://u:p@db.example/x?sslmode=disable", "EVENTSTORE_URL": "esdb://store.example:2113?tls=false",
		"KMS_URL": "base64key://", "BLOB_URL": "s3://files?endpoint=http://store.example",
		"PERFECTWORKS_EVIDENCE_URL": "s3://evidence?endpoint=http://store.example",
	}
	tried := 0
	for field := range reflect.TypeFor[app.Settings]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("env"), ",")
		if !isURL.MatchString(name) || name == "SMTP_URL" {
			continue // SMTP is encrypted everywhere, but to this machine.
		}
		tried++
		value := unencrypted[name]
		if value == "" {
			value = "http://other.example"
		}
		s := production()
		switch v := reflect.ValueOf(&s).Elem().FieldByIndex(field.Index); v.Kind() {
		case reflect.Slice:
			v.Set(reflect.ValueOf([]string{value}))
		default:
			v.SetString(value)
		}
		if err := s.Check(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s=%s: %v", name, value, err)
		}
		s.Environment, s.StripeSecretKey = app.Development, "sk_test_1"
		if err := s.Check(); err != nil {
			t.Errorf("development, %s=%s: %v", name, value, err)
		}
	}
	if tried < 6 {
		t.Errorf("only %d settings were tried", tried)
	}
}

func TestProductionTakesEncryptedAndLocalURLs(t *testing.T) {
	t.Parallel()
	for value, safe := range map[string]bool{
		"https://collector.example:4318": true, "HTTPS://collector.example": true,
		"http://localhost:4318": true, "http://LOCALHOST:4318": true, "http://127.0.0.1:4318": true, "http://127.9.9.9": true,
		"http://[::1]:4318": true, "http://[::ffff:127.0.0.1]:4318": true,
		"http://collector.example:4318": false, "HTTP://collector.example": false, "http://localhost.example": false,
		"http://127.0.0.1.example": false, "http://0.0.0.0:4318": false, "http://10.0.0.1": false,
		"collector.example:4318": false, "localhost:4318": false, "ftp://localhost": false, " https://collector.example": false, "https://": false,
	} {
		s := production()
		s.TraceEndpoint = value
		err := s.Check()
		if safe != (err == nil) || err != nil && !strings.Contains(err.Error(), "OTEL_EXPORTER_OTLP_ENDPOINT") {
			t.Errorf("%q: %v", value, err)
		}
	}
}
