package eventstore

import (
	"context"
	"fmt"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
)

// Version is the version that the server states, such as 24.10.0.
func (c *Client) Version(ctx context.Context) (string, error) {
	v, err := read(ctx, c, func(_ context.Context, client *esdb.Client) (*esdb.ServerVersion, error) {
		return client.GetServerVersion()
	})
	if err != nil {
		return "", fmt.Errorf("ask for the version of the event store: %w", err)
	}
	return fmt.Sprintf("%d.%d.%d", v.Major, v.Minor, v.Patch), nil
}
