package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"qalam/runner"
	"qalam/runner/shim"
)

const longestPage = 4 << 20 // bytes

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
	file := fmt.Sprintf("page.%d.%d.json", os.Getpid(), pageNumber.Add(1))
	path := filepath.Join(a.dir, file)
	defer os.Remove(path)
	url := fmt.Sprintf("http://127.0.0.1:%d/%s", port, strings.TrimPrefix(collect.Path, "/"))
	command := shim.Command{Fetch: &shim.Fetch{URL: url, File: file, Max: longestPage}}
	if err := tell(filepath.Join(a.dir, shim.ControlFile), command); err != nil {
		return nil, fmt.Errorf("asking for %s: %w", url, err)
	}
	for wait := time.Millisecond; ; wait = min(2*wait, 100*time.Millisecond) {
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("fetching %s: %w", url, ctx.Err())
		case <-a.ended:
			return nil, errors.New("the trial has ended")
		case <-time.After(wait):
		}
		var answer shim.Fetched
		switch err := shim.ReadFile(path, &answer); {
		case err != nil:
			continue
		case answer.Error != "":
			return nil, errors.New(answer.Error)
		case answer.Status != 200:
			return nil, fmt.Errorf("fetching %s: status %d", url, answer.Status)
		}
		return answer.Body, nil
	}
}
