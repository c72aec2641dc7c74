package eventstore

// Waiting counts the callers that hold on to the client's present connection,
// whether they are waiting for it or using it.
func (c *Client) Waiting() int {
	c.calls.mu.Lock()
	defer c.calls.mu.Unlock()
	if c.calls.current == nil {
		return 0
	}
	return c.calls.current.users
}

// Pooled counts the connections for subscriptions, and the subscriptions on
// them.
func (c *Client) Pooled() (connections, subscriptions int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.subscriptions {
		subscriptions += p.subscriptions
	}
	return len(c.subscriptions), subscriptions
}
