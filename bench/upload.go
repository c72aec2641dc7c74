package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	uploadSize = 100 << 20
	// uploadsAtOnce is how many uploads run while the memory is measured, and
	// uploadMemory what they may add to the server's, in megabytes.
	uploadsAtOnce = 8
	uploadMemory  = 64
)

// measureUploads compares an upload through a signed URL with one to a handler that
// copies the body to a file and syncs it.
func measureUploads(ctx context.Context, p plan) ([]measurement, error) {
	row := measurement{
		What: "upload of 100 MiB through a signed URL", Unit: "MB/s", LimitedBy: "io.Copy of a bare handler to a synced file", Aim: 0.8,
	}
	var memory measurement
	content := bytes.Repeat([]byte("0123456789abcdef"), uploadSize/16)
	err := withServer(ctx, func(server *child, c client) error {
		signed, err := c.uploadURL(ctx)
		if err != nil {
			return err
		}
		data, err := os.MkdirTemp("", "perfectworks-bench-")
		if err != nil {
			return err
		}
		defer func() { _ = os.RemoveAll(data) }() // What is left does not matter.
		err = withChild(ctx, childConfig{Kind: uploadChild, Data: data}, func(bare *child) error {
			compared, err := compare(ctx, p.rounds, uploading(c.http, signed, content), uploading(c.http, "http://"+bare.Address, content))
			row = row.from(compared)
			return err
		})
		if err != nil {
			return err
		}
		memory, err = c.measureUploadMemory(ctx, server, content)
		return err
	})
	return []measurement{row, memory}, err
}

// uploadURL asks for a signed URL.
func (c client) uploadURL(ctx context.Context) (string, error) {
	body, err := c.do(ctx, http.MethodPost, "/files/upload-url",
		`{"filename": "a.pdf", "contentType": "application/pdf", "sizeBytes": `+strconv.Itoa(uploadSize)+`}`, c.bearer())
	if err != nil {
		return "", err
	}
	var answer struct{ Data struct{ UploadURL string } }
	err = json.Unmarshal(body, &answer)
	return answer.Data.UploadURL, err
}

// uploading is a side that uploads a content once. It counts megabytes.
func uploading(client *http.Client, target string, content []byte) side {
	return func(ctx context.Context) (load, error) {
		started := time.Now()
		if err := upload(ctx, client, target, content); err != nil {
			return load{}, err
		}
		took := time.Since(started)
		return load{Count: len(content) / 1e6, Took: took, Latencies: []time.Duration{took}}, nil
	}
}

func upload(ctx context.Context, client *http.Client, target string, content []byte) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, target, bytes.NewReader(content))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/pdf")
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }() // It has been read.
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("upload: %s: %s", response.Status, answer)
	}
	return err
}

// measureUploadMemory uploads several files at once, and looks at what that adds to
// the memory of the server's process at its peak. It needs Linux.
func (c client) measureUploadMemory(ctx context.Context, server *child, content []byte) (measurement, error) {
	row := measurement{
		What: fmt.Sprintf("memory for %d uploads of 100 MiB at once", uploadsAtOnce), Unit: "MB",
		LimitedBy: fmt.Sprintf("%d MB", uploadMemory), Limit: uploadMemory, Aim: 1,
	}
	process := "/proc/" + strconv.Itoa(server.cmd.Process.Pid)
	// 5 sets the peak back to the present: proc(5).
	if err := os.WriteFile(process+"/clear_refs", []byte("5"), 0o600); err != nil {
		return measurement{}, nil //nolint:nilerr // There is no such thing here.
	}
	before, err := peakMemory(process)
	if err != nil {
		return measurement{}, err
	}
	group, uploading := errgroup.WithContext(ctx)
	for range uploadsAtOnce {
		group.Go(func() error {
			signed, err := c.uploadURL(uploading)
			if err != nil {
				return err
			}
			return upload(uploading, c.http, signed, content)
		})
	}
	if err := group.Wait(); err != nil {
		return measurement{}, err
	}
	after, err := peakMemory(process)
	row.Value = max(after-before, 0.1)
	row.Ratio = uploadMemory / row.Value
	return row, err
}

// peakMemory is the peak of a process's resident memory, in megabytes.
func peakMemory(process string) (float64, error) {
	status, err := os.ReadFile(process + "/status")
	if err != nil {
		return 0, err
	}
	_, after, _ := strings.Cut(string(status), "VmHWM:")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0, errors.New("the kernel does not tell the peak of the memory")
	}
	kilobytes, err := strconv.ParseFloat(fields[0], 64)
	return kilobytes * 1024 / 1e6, err
}

// runUpload serves what an upload is compared with.
func runUpload(ctx context.Context, config childConfig) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, err := os.Create(filepath.Join(config.Data, "upload"))
		if err == nil {
			_, err = io.Copy(file, r.Body)
			err = errors.Join(err, file.Sync(), file.Close())
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	})}
	go func() { _ = server.Serve(listener) }() // It ends with the process.
	return answerQuestions(childHello{Address: listener.Addr().String()}, nothingToAsk)
}
