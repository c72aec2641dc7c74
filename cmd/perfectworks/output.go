package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/adapters/jobs"
	"github.com/perfectworks/backend/adapters/policyengine"
	"github.com/perfectworks/backend/projections"
)

// printer writes what a command answers: a text for people, or JSON for programs.
type printer struct{ json bool }

// flag adds --json to a command.
func (p *printer) flag(command *cobra.Command) {
	command.Flags().BoolVar(&p.json, "json", false, "print JSON")
}

// write writes v as JSON if that was asked for, else as text.
func (p printer) write(cmd *cobra.Command, v any, text func(io.Writer) error) error {
	if !p.json {
		return text(cmd.OutOrStdout())
	}
	encoded, err := indentedJSON(v)
	if err == nil {
		_, err = cmd.OutOrStdout().Write(append(encoded, '\n'))
	}
	return err
}

// indentedJSON is a value as JSON for people and programs.
func indentedJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return escapedJSON(bytes.TrimRight(b.Bytes(), "\n")), nil
}

// compactJSON is a value as JSON in one line.
func compactJSON(v any) ([]byte, error) {
	text, err := json.Marshal(v)
	return escapedJSON(text), err
}

// escapedJSON escapes, in JSON, what a terminal could act on or what hides text: control
// characters that JSON allows, and those that change the direction of writing. Its
// meaning stays the same.
func escapedJSON(text []byte) []byte {
	unsafe := func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) && r != utf8.RuneError }
	if bytes.IndexFunc(text, unsafe) < 0 {
		return text
	}
	var b []byte
	for _, r := range string(text) {
		switch {
		case !unsafe(r):
			b = utf8.AppendRune(b, r)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			b = fmt.Appendf(b, `\u%04x\u%04x`, high, low)
		default:
			b = fmt.Appendf(b, `\u%04x`, r)
		}
	}
	return b
}

// The forms of what commands print as JSON. Names and times are those of the API;
// what is absent is null.
type (
	jobJSON struct {
		ID          int64           `json:"id"`
		Key         *uuid.UUID      `json:"key"`
		Kind        string          `json:"kind"`
		Queue       string          `json:"queue"`
		State       jobs.State      `json:"state"`
		Attempt     int             `json:"attempt"`
		MaxAttempts int             `json:"maxAttempts"`
		Arguments   json.RawMessage `json:"arguments"`
		CreatedAt   time.Time       `json:"createdAt"`
		ScheduledAt time.Time       `json:"scheduledAt"`
		EndedAt     *time.Time      `json:"endedAt"`
		Process     *uuid.UUID      `json:"process"`
		Failures    []jobs.Failure  `json:"failures"`
	}
	decisionJSON struct {
		JobID     int64     `json:"jobId"`
		Kind      string    `json:"kind"`
		Failure   string    `json:"failure"`
		Decision  string    `json:"decision"`
		Reason    string    `json:"reason"`
		DecidedBy string    `json:"decidedBy"`
		DecidedAt time.Time `json:"decidedAt"`
	}
	policyJSON struct {
		Policy      string             `json:"policy"`
		EventType   string             `json:"eventType"`
		State       policyengine.State `json:"state"`
		Position    string             `json:"position"`
		LagBytes    uint64             `json:"lagBytes"`
		LastEventAt *time.Time         `json:"lastEventAt"`
		Jobs        int64              `json:"jobs"`
		Waiting     int64              `json:"waiting"`
		Failed      int64              `json:"failed"`
		BeganFrom   string             `json:"beganFrom"`
		BeganAt     *time.Time         `json:"beganAt"`
		Reason      string             `json:"reason"`
	}
	generationJSON struct {
		ID            int64                       `json:"id"`
		Projection    string                      `json:"projection"`
		Version       int                         `json:"version"`
		State         projections.GenerationState `json:"state"`
		Position      string                      `json:"position"`
		CaughtUp      bool                        `json:"caughtUp"`
		Events        int64                       `json:"events"`
		LastEventAt   *time.Time                  `json:"lastEventAt"`
		AdvancedAt    *time.Time                  `json:"advancedAt"`
		Parked        int                         `json:"parked"`
		Failure       string                      `json:"failure"`
		LogWentBackAt *time.Time                  `json:"logWentBackAt"`
		Pinned        bool                        `json:"pinned"`
		Requested     *projections.Order          `json:"requested"`
	}
	parkedJSON struct {
		Projection string    `json:"projection"`
		Generation int64     `json:"generation"`
		Position   string    `json:"position"`
		Stream     string    `json:"stream"`
		Revision   int64     `json:"revision"`
		EventType  string    `json:"eventType"`
		Failure    string    `json:"failure"`
		ParkedAt   time.Time `json:"parkedAt"`
	}
)

func jobOf(j jobs.Record) jobJSON {
	return jobJSON{
		ID: j.ID, Key: present(j.Key), Kind: j.Kind, Queue: j.Queue, State: j.State, Attempt: j.Attempt, MaxAttempts: j.MaxAttempts,
		Arguments: j.Args, CreatedAt: j.CreatedAt.UTC(), ScheduledAt: j.ScheduledAt.UTC(), EndedAt: present(j.EndedAt.UTC()),
		Process: present(j.Process), Failures: append([]jobs.Failure{}, j.Failures...),
	}
}

func decisionOf(d jobs.Decision) decisionJSON {
	return decisionJSON{
		JobID: d.JobID, Kind: d.Kind, Failure: d.Failure, Decision: d.Decision, Reason: d.Reason,
		DecidedBy: d.DecidedBy, DecidedAt: d.DecidedAt.UTC(),
	}
}

func policyOf(s policyengine.Status, l jobs.Length) policyJSON {
	return policyJSON{
		Policy: s.Policy, EventType: s.EventType, State: s.State, Position: s.Position.String(), LagBytes: s.LagBytes,
		LastEventAt: present(s.LastEventAt.UTC()), Jobs: s.Jobs, Waiting: l.Waiting, Failed: l.Failed,
		BeganFrom: s.BeganFrom, BeganAt: present(s.BeganAt.UTC()), Reason: s.Reason,
	}
}

func generationOf(g projections.Generation) generationJSON {
	return generationJSON{
		ID: g.ID, Projection: g.Projection, Version: g.Version, State: g.State, Position: g.Position.String(), CaughtUp: g.CaughtUp,
		Events: g.Events, LastEventAt: present(g.LastEventAt.UTC()), AdvancedAt: present(g.AdvancedAt.UTC()),
		Parked: g.Parked, Failure: g.Failure, LogWentBackAt: present(g.LogWentBackAt.UTC()), Pinned: g.Pinned, Requested: g.Order,
	}
}

func parkedOf(p projections.Parked) parkedJSON {
	return parkedJSON{
		Projection: p.Projection, Generation: p.Generation, Position: p.Position.String(), Stream: p.Stream,
		Revision: int64(p.Revision), EventType: p.EventType, Failure: p.Failure, ParkedAt: p.ParkedAt.UTC(),
	}
}

// present is nil for the zero value.
func present[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

// each converts the items of a list, which is never null.
func each[S, T any](all []S, convert func(S) T) []T {
	converted := make([]T, len(all))
	for i, one := range all {
		converted[i] = convert(one)
	}
	return converted
}
