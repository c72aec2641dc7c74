package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"github.com/perfectworks/backend/app"
)

// readyTimeout bounds one question, and maxReadiness an answer, in bytes.
const (
	readyTimeout = 5 * time.Second
	maxReadiness = 1 << 20
	readyPause   = 500 * time.Millisecond
)

var errNotReady = errors.New("the server is not ready")

// readiness is the answer of a server.
type readiness struct {
	Status string `json:"status"`
	Checks []struct {
		Name   string `json:"name"`
		State  string `json:"state"`
		Detail string `json:"detail,omitempty"`
	} `json:"checks"`
}

func readyCommand() *cobra.Command {
	var out printer
	var addr string
	var wait time.Duration
	command := &cobra.Command{
		Use:   "ready",
		Short: "Ask a running server whether all its parts work",
		Long: `Ask a running server whether all its parts work, at its address for operators. It
ends with 0 if they do and with 1 if not, for health checks of containers and for
scripts.`,
		Example: "  perfectworks ready\n  perfectworks ready --wait 5m",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := app.SettingsFromEnvironment()
			if err != nil {
				return err
			}
			if addr == "" {
				addr = settings.AdminAddr
			}
			if addr == "" {
				return errors.New("PERFECTWORKS_ADMIN_ADDR is empty: the server tells operators nothing")
			}
			answer, err := awaitReadiness(cmd.Context(), dialable(addr), wait)
			if err != nil {
				return err
			}
			if err := out.write(cmd, answer, func(w io.Writer) error { return printReadiness(w, answer) }); err != nil {
				return err
			}
			if answer.Status != "ok" {
				return errNotReady
			}
			return nil
		},
	}
	out.flag(command)
	command.Flags().StringVar(&addr, "addr", "", "host and port for operators (default $PERFECTWORKS_ADMIN_ADDR, else 127.0.0.1:8081)")
	command.Flags().DurationVar(&wait, "wait", 0, "how long to wait until it is ready")
	return command
}

// dialable is an address to listen on as one to connect to.
func dialable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

// awaitReadiness asks until the server is ready or the time is over.
func awaitReadiness(ctx context.Context, addr string, wait time.Duration) (readiness, error) {
	for deadline := time.Now().Add(wait); ; {
		answer, err := askReadiness(ctx, addr)
		if err == nil && answer.Status == "ok" || ctx.Err() != nil || time.Now().After(deadline) {
			return answer, err
		}
		select {
		case <-ctx.Done():
		case <-time.After(min(readyPause, time.Until(deadline))):
		}
	}
}

func askReadiness(ctx context.Context, addr string) (answer readiness, err error) {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return answer, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return answer, fmt.Errorf("ask the server: %w", err)
	}
	defer func() { err = errors.Join(err, response.Body.Close()) }()
	if err := json.NewDecoder(io.LimitReader(response.Body, maxReadiness)).Decode(&answer); err != nil {
		return answer, fmt.Errorf("%s is not the address for operators of a server: it answers %s", addr, response.Status)
	}
	return answer, nil
}

func printReadiness(w io.Writer, answer readiness) error {
	table := newTable(w)
	fmt.Fprintln(table, "STATE\tPART\tDETAIL")
	for _, c := range answer.Checks {
		fmt.Fprintf(table, "%s\t%s\t%s\n", printable(c.State), printable(c.Name), printable(c.Detail))
	}
	return table.Flush()
}
