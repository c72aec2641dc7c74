package sandbox

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// emit makes an event about an object as it is now, and what delivers it. It
// comes after all changes to the object: an event holds what the API shows.
func (c *change) emit(kind string, about object) {
	text, err := json.Marshal(shown(about))
	if err != nil {
		panic(err) // Only for an object that cannot be stored either.
	}
	e := &event{base: c.base("evt", "event"), APIVersion: c.s.options.EventVersion, Data: eventData{text}, Type: kind}
	c.put("event", e)
	if c.s.options.WebhookURL == "" {
		return
	}
	e.PendingWebhooks = 1
	for _, after := range c.s.chaos.deliveries() {
		d := &delivery{base: c.base("del", "delivery"), Event: e.ID, DueAt: c.at.Add(after).UnixMilli()}
		c.put("delivery", d)
	}
}

// maxAttempts is how often a delivery is tried; with the doubling pauses of the
// default that is some two hours.
const maxAttempts = 24

// maxDoublings bounds the pause between two attempts.
const maxDoublings = 10

// dueDeliveries are those that are due, and how long it is until the next one.
func (s *Sandbox) dueDeliveries(underWay map[string]bool) (due []string, next time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.options.Now().UnixMilli()
	next = longestRest
	for _, id := range s.store.open() {
		d := s.store.objects[id].(*delivery) //nolint:forcetypeassert // Only deliveries are open.
		switch {
		case underWay[id]:
		case d.DueAt <= now:
			due = append(due, id)
		default:
			next = min(next, time.Duration(d.DueAt-now)*time.Millisecond)
		}
	}
	return due, max(next, time.Millisecond)
}

// longestRest is how often sessions are looked at that may have expired.
const longestRest = time.Second

// deliver sends an event once. What is not taken is due again later.
func (s *Sandbox) deliver(ctx context.Context, id string) {
	s.mu.Lock()
	d := s.store.objects[id].(*delivery)   //nolint:forcetypeassert // It is one by its id.
	e := s.store.objects[d.Event].(*event) //nolint:forcetypeassert // A delivery is of an event.
	text, err := json.Marshal(shown(e))
	s.mu.Unlock()
	if err == nil {
		err = s.send(ctx, text)
	}
	if ctx.Err() != nil {
		return // It is due again at the next start.
	}
	changed := s.do(func(c *change) error {
		next := *d
		next.Attempts++
		next.Done, next.Last = err == nil || next.Attempts >= maxAttempts, ""
		if err != nil {
			next.Last = err.Error()
			next.DueAt = c.at.Add(s.options.Retry << min(d.Attempts, maxDoublings)).UnixMilli()
		}
		c.put("delivery", &next)
		return nil
	})
	if err != nil || changed != nil {
		s.options.Logger.DebugContext(ctx, "a webhook of the sandbox was not taken",
			slog.String("event", e.ID), slog.String("type", e.Type), slog.Any("error", err), slog.Any("stored", changed))
	}
}

func (s *Sandbox) send(ctx context.Context, body []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.options.WebhookURL, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json; charset=utf-8")
	request.Header.Set("User-Agent", "Stripe/1.0 (sandbox)")
	request.Header.Set("Stripe-Signature", Signature(s.options.Now(), body, s.options.WebhookSecrets...))
	response, err := s.options.Client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, 1<<16)) // So that the connection serves again.
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return fmt.Errorf("answered with status %d", response.StatusCode)
	}
	return nil
}

// Signature is the header Stripe-Signature for a body that is sent at a time:
// HMAC-SHA-256 of "<time>.<body>" for each secret.
func Signature(at time.Time, body []byte, secrets ...string) string {
	t := strconv.FormatInt(at.Unix(), 10)
	parts := []string{"t=" + t}
	for _, secret := range secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(t + "."))
		mac.Write(body)
		parts = append(parts, "v1="+hex.EncodeToString(mac.Sum(nil)))
	}
	return strings.Join(parts, ",")
}

// Delivered tells how many deliveries are open: zero once all that was not
// dropped has been taken or given up.
func (s *Sandbox) Delivered() (open int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.store.open())
}
