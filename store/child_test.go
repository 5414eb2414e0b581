package store_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"qalam/experiment"
	"qalam/metrics"
	"qalam/store"
	"qalam/store/storetest"
)

// The environment that makes the test binary a writing process.
const (
	childHome = "QALAM_STORE_CHILD_HOME"
	childMode = "QALAM_STORE_CHILD_MODE" // write, hold or migrate
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childHome); dir != "" {
		if err := child(dir, os.Getenv(childMode)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// child writes trials until it is killed and prints the number of each once it is acknowledged, or "error …" for each that is not.
// After three errors it ends.
func child(dir, mode string) error {
	if mode == "migrate" {
		s, err := store.Open(ctx, dir, store.Migrations(addColumns))
		if err != nil {
			return err
		}
		return s.Close()
	}
	s, err := store.Open(ctx, dir, store.Options{})
	if err != nil {
		return err
	}
	if _, err := s.Own(ctx, "child"); err != nil {
		return err
	}
	if mode == "hold" {
		fmt.Println("owned")
		_, err := io.Copy(io.Discard, os.Stdin)
		return err
	}
	if err := s.Create(ctx, storetest.Sample("u", "one")); err != nil && !errors.Is(err, store.ErrExists) {
		return err
	}
	first := 1
	for t, err := range s.Trials(ctx, "u", store.Query{Descending: true, Limit: 1}) {
		if err != nil {
			return err
		}
		first = t.Number + 1
	}
	for n, failed := first, 0; failed < 3; {
		if err := s.Write(ctx, childBatch(n)); err != nil { // nothing of it was recorded: the same again
			failed++
			fmt.Printf("error full=%t broken=%t %v\n", errors.Is(err, store.ErrFull), errors.Is(err, store.ErrBroken), err)
			continue
		}
		fmt.Println(n)
		n++
	}
	return nil
}

// childBatch is what a child writes as its nth batch.
func childBatch(n int) store.Batch {
	t := storetest.SampleTrial("one", n, experiment.TrialSucceeded)
	return store.Batch{Experiment: "u", Record: []byte(strconv.Itoa(n)), Trials: []experiment.Trial{t},
		Appends: []store.Append{{Trial: t.Name, Attempt: 1, Source: "out", To: 3, Points: []metrics.Point{{Name: "loss", Value: float64(n)}}}}}
}

// start starts the test binary as a child; wrap is what to run it under.
func start(t *testing.T, dir, mode string, wrap ...string) (cmd *exec.Cmd, in io.WriteCloser, out *bufio.Scanner) {
	t.Helper()
	self, err := os.Executable()
	check(t, err)
	args := append(wrap, self)
	cmd = exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), childHome+"="+dir, childMode+"="+mode)
	cmd.Stderr = os.Stderr
	in, err = cmd.StdinPipe()
	check(t, err)
	pipe, err := cmd.StdoutPipe()
	check(t, err)
	check(t, cmd.Start())
	return cmd, in, bufio.NewScanner(pipe)
}

// acknowledged reads what a child prints until enough trials were acknowledged, or to its end.
func acknowledged(out *bufio.Scanner, enough int) (last int, failures []string) {
	for n := 0; (enough == 0 || n < enough) && out.Scan(); n++ {
		if line := out.Text(); strings.HasPrefix(line, "error") {
			failures = append(failures, line)
		} else if number, err := strconv.Atoi(line); err == nil {
			last = number
		}
	}
	return last, failures
}

// verify opens a home after a crash and wants every trial up to the last acknowledged one, whole, and nothing in halves.
func verify(t *testing.T, dir string, last int) {
	t.Helper()
	s := open(t, dir)
	defer func() { check(t, s.Close()) }()
	release, err := s.Own(ctx, "verify")
	check(t, err)
	defer func() { check(t, release()) }()
	number := 0
	for tr, err := range s.Trials(ctx, "u", store.Query{}) {
		check(t, err)
		if number++; tr.Number != number {
			t.Fatalf("trial %d follows trial %d", tr.Number, number-1)
		}
	}
	if number < last {
		t.Fatalf("trial %d was acknowledged, but the last one is %d", last, number)
	}
	x, err := s.Get(ctx, "u")
	check(t, err)
	if number > 0 && string(x.Record) != strconv.Itoa(number) {
		t.Fatalf("record %s beside %d trials", x.Record, number)
	}
	for n := max(1, number-100); n <= number; n++ {
		count := 0
		for p, err := range s.Points(ctx, "u", n, store.PointQuery{}) {
			check(t, err)
			if count++; p.Value != float64(n) {
				t.Fatalf("trial %d has point %v", n, p)
			}
		}
		if count != 1 {
			t.Fatalf("trial %d has %d points", n, count)
		}
	}
}
