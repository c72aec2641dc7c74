package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"

	"github.com/perfectworks/backend/adapters/clicks"
	"github.com/perfectworks/backend/adapters/telemetry"
	"github.com/perfectworks/backend/domain/click"
	"github.com/perfectworks/backend/domain/event"
)

// maxAgentsFile bounds the file of agents, in bytes.
const maxAgentsFile = 1 << 20

// clickAgents is the list by which clicks are judged.
func (s Settings) clickAgents() (_ clicks.Agents, err error) {
	if s.ClickAgents == "" {
		return clicks.Agents{}, nil
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("PERFECTWORKS_CLICK_AGENTS: %w", err)
		}
	}()
	file, err := os.Open(s.ClickAgents)
	if err != nil {
		return clicks.Agents{}, err
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() > maxAgentsFile {
		return clicks.Agents{}, errors.Join(err, fmt.Errorf("the file has more than %d bytes", maxAgentsFile))
	}
	return clicks.ReadAgents(file)
}

// Rejudge judges all clicks that were recorded again, by the list of the settings, and
// tells how counts would change. It changes nothing, and reads nothing about people.
// A server may run on the same data at the same time.
func Rejudge(ctx context.Context, settings Settings, logger *slog.Logger) (_ clicks.Rejudged, err error) {
	if err := settings.Check(); err != nil {
		return clicks.Rejudged{}, fmt.Errorf("the settings are not usable: %w", err)
	}
	agents, err := settings.clickAgents()
	if err != nil {
		return clicks.Rejudged{}, err
	}
	data, err := settings.toolsFolder()
	if err != nil {
		return clicks.Rejudged{}, err
	}
	c, err := openCore(ctx, settings, data, logger, telemetry.NewRegistry())
	if err != nil {
		return clicks.Rejudged{}, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	head, err := c.log.ours(ctx)
	if err != nil {
		return clicks.Rejudged{}, err
	}
	again := clicks.NewRejudge(agents, settings.clickWindow())
	err = c.log.ReadLog(ctx, event.Position{}, head, []string{click.Aggregate.Category + "-"}, func(stored *esdb.RecordedEvent) error {
		r, err := c.codec.DecodeRecorded(ctx, stored)
		if err != nil {
			return err
		}
		if segment, ok := r.Event.(click.Recorded); ok {
			again.Add(segment)
		}
		return nil
	})
	return again.Result(), err
}
