package process

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"qalam/runner"
	"qalam/runner/shim"
)

const (
	longestPage   = 4 << 20 // bytes
	longestHeader = 64 << 10
)

var pageNumber atomic.Int64

// Page fetches an attempt's metrics page from within its network.
func (r *Runner) Page(ctx context.Context, id runner.ID, collect runner.Collect) ([]byte, error) {
	a := r.attempt(id)
	if a == nil {
		return nil, errors.New("no such attempt")
	}
	a.mu.Lock()
	pid := a.pid
	a.mu.Unlock()
	if pid == 0 {
		return nil, errors.New("the trial does not run")
	}
	port := collect.Port
	for _, pod := range a.task.Primary.Pods {
		port = a.port(pod, port)
		break
	}
	url := fmt.Sprintf("http://127.0.0.1:%d/%s", port, strings.TrimPrefix(collect.Path, "/"))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	client := http.Client{Transport: through{a}}
	answer, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("fetching the trial's metrics: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("fetching %s: status %d", answer.Request.URL, answer.StatusCode)
	}
	page, err := io.ReadAll(io.LimitReader(answer.Body, longestPage))
	if err != nil {
		return nil, fmt.Errorf("fetching %s: %w", answer.Request.URL, err)
	}
	return page, nil
}

// through is a way to an attempt's network: its shim asks what is asked here.
type through struct{ *attempt }

// RoundTrip implements http.RoundTripper.
func (a through) RoundTrip(request *http.Request) (*http.Response, error) {
	port, err := strconv.Atoi(request.URL.Port())
	if err != nil || request.URL.Scheme != "http" {
		return nil, fmt.Errorf("%s is not in the trial's network", request.URL)
	}
	asked := request.Clone(request.Context())
	asked.Close = true // the shim takes the answer to be complete when the other side hangs up
	var text bytes.Buffer
	if err := asked.Write(&text); err != nil {
		return nil, err
	}
	file := fmt.Sprintf("page.%d.%d.json", os.Getpid(), pageNumber.Add(1))
	path := filepath.Join(a.dir, file)
	defer os.Remove(path)
	command := shim.Command{Fetch: &shim.Fetch{Port: port, Request: text.String(), File: file, Max: longestHeader + longestPage}}
	if err := tell(filepath.Join(a.dir, shim.ControlFile), command); err != nil {
		return nil, fmt.Errorf("asking the trial's supervisor: %w", err)
	}
	ctx := request.Context()
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-a.ended:
			return nil, errors.New("the trial has ended")
		case <-time.After(wait):
		}
		var answer shim.Fetched
		if shim.ReadFile(path, &answer) != nil {
			continue
		}
		if answer.Error != "" {
			return nil, errors.New(answer.Error)
		}
		return http.ReadResponse(bufio.NewReader(bytes.NewReader(answer.Answer)), request)
	}
}
