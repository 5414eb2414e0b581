package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/term"

	"qalam/cmd/qalam/internal/screen"
	"qalam/cmd/qalam/internal/view"
	"qalam/experiment"
)

// frame is the time between two drawings.
const frame = 100 * time.Millisecond

// reporter tells a person or a program what happens while an experiment runs. It implements engine.Observer: what the engine
// tells is noted at once and written by a goroutine of its own, so that a slow reader holds nothing up.
type reporter struct {
	mode  string // tty, plain, jsonl or quiet
	out   io.Writer
	style view.Style
	tty   *os.File

	mu       sync.Mutex
	progress *view.Progress
	told     map[int]string
	changed  map[int]experiment.Trial // since the last call of Experiment
	lines    []string                 // to be written
	dirty    bool                     // the drawing is out of date

	stop chan struct{}
	done chan struct{}
}

// newReporter begins to report in a mode (--progress) on a writer.
func newReporter(c *console, mode string, noColor bool, out io.Writer, p *view.Progress) *reporter {
	r := &reporter{
		mode: mode, out: out, style: c.style(out, noColor), tty: terminal(out), progress: p,
		told: map[int]string{}, changed: map[int]experiment.Trial{}, stop: make(chan struct{}), done: make(chan struct{}),
	}
	if mode == "auto" {
		r.mode = "plain"
		if r.tty != nil && c.env("TERM") != "dumb" {
			r.mode = "tty"
		}
	}
	return r
}

// start starts the goroutine that writes.
func (r *reporter) start() {
	if r.mode == "tty" {
		go r.draw()
	} else {
		go r.write()
	}
}

// Trial notes a trial that has changed.
func (r *reporter) Trial(t experiment.Trial) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Trial(t)
	r.changed[t.Number] = t
	r.dirty = true
}

// Point notes the latest value of a running trial.
func (r *reporter) Point(number int, step int64, value float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.Point(number, step, value)
	r.dirty = true
}

// Experiment notes that the experiment has changed, and makes lines of the trials that changed with it.
func (r *reporter) Experiment(s *experiment.State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	best := r.progress.Experiment(s)
	r.dirty = true
	changed := make([]experiment.Trial, 0, len(r.changed))
	for _, t := range r.changed {
		changed = append(changed, t)
	}
	clear(r.changed)
	if r.mode != "plain" && r.mode != "jsonl" {
		return
	}
	slices.SortFunc(changed, func(a, b experiment.Trial) int { return a.Number - b.Number })
	for _, t := range changed {
		if e, ok := r.progress.Event(t, r.told, best && s.Optimal.Number == t.Number, time.Now()); ok {
			r.add(e)
		}
	}
}

// add queues the line of an event.
func (r *reporter) add(e view.Event) {
	if r.mode == "plain" {
		r.lines = append(r.lines, e.Text())
		return
	}
	line, err := json.Marshal(e)
	must(err) // an event holds nothing that JSON cannot
	r.lines = append(r.lines, string(line))
}

// say tells what the program does, outside of any event.
func (r *reporter) say(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch r.mode {
	case "plain":
		r.lines = append(r.lines, text)
	case "tty":
		r.progress.Note(text)
		r.dirty = true
	}
}

// write writes queued lines until close.
func (r *reporter) write() {
	defer close(r.done)
	tick := time.NewTicker(frame)
	defer tick.Stop()
	for {
		over := false
		select {
		case <-tick.C:
		case <-r.stop:
			over = true
		}
		r.mu.Lock()
		lines := r.lines
		r.lines = nil
		r.mu.Unlock()
		if len(lines) > 0 {
			// A reader that is gone ends the telling, not the experiment.
			_, _ = io.WriteString(r.out, strings.Join(lines, "\n")+"\n")
		}
		if over {
			return
		}
	}
}

// draw draws on a terminal until close.
func (r *reporter) draw() {
	defer close(r.done)
	defer screen.Mute(r.tty)()
	s := screen.New(r.out)
	resized := make(chan os.Signal, 1)
	signal.Notify(resized, syscall.SIGWINCH)
	defer signal.Stop(resized)
	tick := time.NewTicker(frame)
	defer tick.Stop()
	last := time.Time{}
	for over := false; !over; {
		select {
		case <-tick.C:
		case <-resized:
			if r.tty != nil {
				if w, h, err := term.GetSize(int(r.tty.Fd())); err == nil {
					r.style.Width, r.style.Height = w, h
				}
			}
			last = time.Time{}
		case <-r.stop:
			over, last = true, time.Time{}
		}
		r.mu.Lock()
		now := time.Now()
		if !r.dirty && now.Sub(last) < time.Second {
			r.mu.Unlock()
			continue
		}
		r.dirty = false
		lines := r.progress.Lines(r.style, now)
		r.mu.Unlock()
		last = now
		_ = s.Draw(lines, r.style.Width) // a terminal that is gone ends the telling, not the experiment
	}
	_ = s.Close()
}

// close writes what is left and ends the telling.
func (r *reporter) close() {
	close(r.stop)
	<-r.done
}

// header tells what begins, before the first trial.
func (r *reporter) header(lines []string, event any) {
	switch r.mode {
	case "tty", "plain":
		fmt.Fprintln(r.out, strings.Join(lines, "\n"))
	case "jsonl":
		line, err := json.Marshal(event)
		must(err)
		fmt.Fprintf(r.out, "%s\n", line)
	}
}
