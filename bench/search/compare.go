package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"qalam/bench/search/problem"
)

// compare runs what has not been run and prints the tables.
func compare(ctx context.Context, o options, all []problem.Problem, methods []method, out, log io.Writer) error {
	problems, err := problem.Select(all, split(o.problems))
	if err != nil {
		return err
	}
	at, err := numbers(o.at)
	if err != nil {
		return err
	}
	from, to, err := seedRange(o.seeds)
	if err != nil {
		return err
	}
	known := newRecords()
	for _, path := range split(o.with) {
		if err := known.read(path); err != nil {
			return err
		}
	}
	file, err := openOutput(o.out, known)
	if err != nil {
		return err
	}
	b := &batch{known: known, file: file, log: log, begin: time.Now(), limit: o.limit}
	problems = b.present(problems)
	var tasks []search
	for seed := from; seed < to; seed++ { // outermost, so that what a limit leaves is balanced
		for i := range problems {
			s, err := problems[i].Space()
			if err != nil {
				return err
			}
			for _, m := range methods {
				if old := known.index[recordKey{m.name(), problems[i].Name, seed, o.workers}]; old == nil || old.trials < o.trials {
					tasks = append(tasks, search{m, task{problem: &problems[i], space: s, seed: seed, trials: o.trials, workers: o.workers}})
				}
			}
		}
	}
	err = errors.Join(b.run(ctx, tasks, o.jobs), file.close())
	t := &tables{records: known, problems: problems, at: at, floor: o.floor, tableFloor: o.tableFloor, recorded: recorded(all), workers: o.workers, against: split(o.against)}
	if o.goals {
		return errors.Join(err, printGoals(out, t, all))
	}
	t.print(out)
	printWarm(out, known, problems, methods, at, o.floor)
	b.print(out, methods)
	if o.plot != "" {
		err = errors.Join(err, t.plot(o.plot))
	}
	return err
}

// recorded names the problems that are tables of recorded runs.
func recorded(all []problem.Problem) map[string]bool {
	out := map[string]bool{}
	for _, p := range all {
		out[p.Name] = slices.Contains(p.Groups, "tables")
	}
	return out
}

// search is one run of a method.
type search struct {
	method method
	task   task
}

// batch makes many searches.
type batch struct {
	known *records
	file  *output
	log   io.Writer
	begin time.Time
	limit time.Duration

	mu       sync.Mutex
	done     int
	absent   []string // problems
	unsuited []string // methods for problems, each once
	failures []failure
	skipped  int // for lack of time
	err      error
}

// present drops the problems whose data is absent, and says so.
func (b *batch) present(problems []problem.Problem) []problem.Problem {
	var out []problem.Problem
	for _, p := range problems {
		if _, err := p.Open(0); err != nil {
			b.absent = append(b.absent, fmt.Sprintf("%s: %v", p.Name, err))
			continue
		}
		out = append(out, p)
	}
	return out
}

// run makes the searches, some at once.
func (b *batch) run(ctx context.Context, tasks []search, jobs int) error {
	next := make(chan search)
	var workers sync.WaitGroup
	for range max(1, jobs) {
		workers.Go(func() {
			for s := range next {
				b.one(s, len(tasks))
			}
		})
	}
	for i, s := range tasks {
		late := b.limit > 0 && time.Since(b.begin) > b.limit
		if ctx.Err() != nil || late {
			b.mu.Lock()
			b.skipped = len(tasks) - i
			b.mu.Unlock()
			break
		}
		next <- s
	}
	close(next)
	workers.Wait()
	return b.err
}

// one makes a search and keeps what came of it.
func (b *batch) one(s search, total int) {
	name, t := s.method.name(), s.task
	b.mu.Lock()
	skip := b.isUnsuited(name, t.problem.Name)
	b.mu.Unlock()
	if skip {
		return
	}
	begin := time.Now()
	r, err := run(s.method, t)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done++
	var unsuited errUnsuited
	switch {
	case errors.As(err, &unsuited):
		if !b.isUnsuited(name, t.problem.Name) {
			b.unsuited = append(b.unsuited, name+" on "+t.problem.Name+": "+unsuited.why)
		}
		return
	case err != nil:
		f := failure{name, t.problem.Name, strconv.Itoa(t.seed), strings.Join(strings.Fields(err.Error()), " ")}
		b.failures = append(b.failures, f)
		fmt.Fprintf(b.log, "%d/%d %s %s seed %d FAILED: %s\n", b.done, total, name, f.problem, t.seed, f.why)
		b.err = errors.Join(b.err, b.file.fail(f))
		return
	}
	b.known.add(&r)
	b.err = errors.Join(b.err, b.file.write(&r))
	regret, _ := r.at(r.trials)
	fmt.Fprintf(b.log, "%d/%d %s %s seed %d: %s after %d trials, %.1f s\n", b.done, total, name, r.problem, r.seed, short(regret), r.trials,
		time.Since(begin).Seconds())
}

func (b *batch) isUnsuited(method, problem string) bool {
	for _, line := range b.unsuited {
		if strings.HasPrefix(line, method+" on "+problem+": ") {
			return true
		}
	}
	return false
}

// print says what was not run or broke, and of which versions the peers are.
func (b *batch) print(out io.Writer, methods []method) {
	for _, m := range methods {
		if p, ok := m.(*peer); ok && p.version != "" {
			fmt.Fprintf(out, "version: %s is %s\n", p.id, p.version)
		}
	}
	for _, line := range b.known.differences() {
		fmt.Fprintln(out, "DIFFERS through the command:", line)
	}
	for _, line := range b.absent {
		fmt.Fprintln(out, "absent:", line)
	}
	for _, line := range b.unsuited {
		fmt.Fprintln(out, "not run:", line)
	}
	b.printFailures(out)
	if b.skipped > 0 {
		fmt.Fprintf(out, "stopped before %d searches: run the same again with -out to go on\n", b.skipped)
	}
}

// printFailures says what broke and was not made good since; searches of a method that broke in the same way share a line.
func (b *batch) printFailures(out io.Writer) {
	type kind struct{ method, why string }
	var order []kind
	searches := map[kind][]string{}
	for _, f := range append(b.known.failures, b.failures...) {
		if slices.ContainsFunc(b.known.list, func(r *record) bool {
			return r.method == f.method && r.problem == f.problem && strconv.Itoa(r.seed) == f.seed
		}) {
			continue
		}
		k := kind{f.method, f.why}
		if searches[k] == nil {
			order = append(order, k)
		}
		searches[k] = append(searches[k], fmt.Sprintf("%s, seed %s", f.problem, f.seed))
	}
	for _, k := range order {
		more := ""
		if n := len(searches[k]); n > 1 {
			more = fmt.Sprintf(" and %d more", n-1)
		}
		fmt.Fprintf(out, "FAILED: %s on %s%s: %s\n", k.method, searches[k][0], more, k.why)
	}
}
