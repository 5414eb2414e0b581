package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// process is a running peer.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	lines  chan []byte
	stderr *tail
	ended  func() error // waits for the end of the process and says how it ended, as often as one asks
}

func startProcess(command []string) (*process, error) {
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "OMP_NUM_THREADS=1", "OPENBLAS_NUM_THREADS=1", "MKL_NUM_THREADS=1", "PYTHONUNBUFFERED=1",
		"XLA_FLAGS=--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
	errs := &tail{}
	cmd.Stderr = errs
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", strings.Join(command, " "), err)
	}
	p := &process{cmd: cmd, in: in, lines: make(chan []byte), stderr: errs, ended: sync.OnceValue(cmd.Wait)}
	go func() {
		defer close(p.lines)
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 64<<20)
		for lines.Scan() {
			if bytes.HasPrefix(lines.Bytes(), []byte("{")) { // libraries print greetings
				p.lines <- bytes.Clone(lines.Bytes())
			}
		}
	}()
	return p, nil
}

// call sends a line and waits for the answer.
func (p *process) call(r request, limit time.Duration) (answer, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return answer{}, err
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return answer{}, p.died()
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case line, ok := <-p.lines:
		if !ok {
			return answer{}, p.died()
		}
		var a answer
		if err := json.Unmarshal(line, &a); err != nil {
			return a, fmt.Errorf("its answer %.100q is no JSON: %w", line, err)
		}
		if a.Error != "" {
			return a, errors.New(a.Error)
		}
		return a, nil
	case <-timer.C:
		p.kill()
		return answer{}, fmt.Errorf("it did not answer within %v", limit)
	}
}

// died says how the process ended.
func (p *process) died() error {
	err := p.ended()
	return fmt.Errorf("its process ended (%w): %s", err, p.stderr.text())
}

func (p *process) kill() {
	p.in.Close()
	_ = p.cmd.Process.Kill() // it may be gone
	go func() {
		for range p.lines { // lets the reader end
		}
		_ = p.ended()
	}()
}

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	last []byte
}

func (t *tail) Write(b []byte) (int, error) {
	const most = 2000
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	if len(t.last) > most {
		t.last = slices.Clone(t.last[len(t.last)-most:])
	}
	return len(b), nil
}

func (t *tail) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.last))
}
