package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/perfectworks/backend/adapters/stripe/sandbox"
)

// measureWebhooks measures how long the payment provider waits for the answer to a
// webhook. The job that each webhook leads to asks the payment sandbox for its
// payment, which is none of this product.
func measureWebhooks(ctx context.Context, p plan) ([]measurement, error) {
	const perSecond = 200
	var row measurement
	err := withServer(ctx, func(_ *child, c client) error {
		text, err := os.ReadFile(filepath.Join(c.data, "payments", "keys.json"))
		if err != nil {
			return err
		}
		var keys struct{ WebhookSecret string }
		if err := json.Unmarshal(text, &keys); err != nil {
			return err
		}
		row, err = atPace(ctx, perSecond, p.lasting, func(ctx context.Context, n int) error {
			return c.hook(ctx, keys.WebhookSecret, fmt.Sprintf(`{"id":"evt_%d","object":"event","type":"checkout.session.completed","api_version":"2023-10-16",`+
				`"created":%d,"livemode":false,"data":{"object":{"id":"cs_test_%d","object":"checkout.session"}}}`, n, time.Now().Unix(), n))
		})
		return err
	})
	row.What, row.Unit, row.AimP99 = fmt.Sprintf("answer to a webhook, %d/s", perSecond), "webhooks/s", 50
	row.Least = perSecond * 0.9
	return []measurement{row}, err
}

func (c client) hook(ctx context.Context, secret, body string) error {
	_, err := c.do(ctx, http.MethodPost, "/payments/webhooks/stripe", body, http.Header{
		"Stripe-Signature": {sandbox.Signature(time.Now(), []byte(body), secret)},
	})
	return err
}
