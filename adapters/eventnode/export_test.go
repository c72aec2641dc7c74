package eventnode

import "time"

// SetMinPingInterval is for tests that do not want to wait for pings.
func (c *Config) SetMinPingInterval(d time.Duration) { c.minPingInterval = d }

// MinPingInterval is the default.
const MinPingInterval = minPingInterval
