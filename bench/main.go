// Command bench measures the figures of docs/benchmarks.md and prints them as a table: each several times, beside a bare peer or
// the limit that physics sets, both in the same run. It judges by text alone: its exit code says only whether it could measure.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"qalam/runner/shim"
)

// measurement is one group of figures.
type measurement struct {
	name string
	run  func(*bench) ([]figure, error)
}

func measurements() []measurement {
	return []measurement{
		{"trials", (*bench).trials},
		{"sleep", (*bench).sleeps},
		{"parse", (*bench).parse},
		{"store", (*bench).points},
		{"lines", (*bench).lines},
		{"adopt", (*bench).adopt},
		{"ready", (*bench).ready},
		{"tutorial", (*bench).tutorial},
	}
}

// bench is what all measurements share.
type bench struct {
	ctx     context.Context
	dir     string // of this run, on a file system that is not in memory
	root    string // of the repository
	scale   scale
	profile string // folder for processor profiles of the engine; "" means none
	log     io.Writer
	made    int    // folders so far
	built   string // folder with the programs, "" before they are built
}

// scale says how large everything is.
type scale struct {
	Rounds   int
	Trials   int           // of /bin/true
	Sleeps   int           // of sleep 1
	Window   time.Duration // of one round of parsing
	Points   int           // stored in one round
	Emitters int           // trials that print
	Rate     int           // lines per second of each
	Emit     time.Duration
	Live     int           // trials to be adopted
	Idle     time.Duration // during which they are left alone
	Finished int           // trials in the store that is opened
	Tutorial int           // rounds of the tutorial's run, 0 means none
}

func full() scale {
	return scale{Rounds: 3, Trials: 10_000, Sleeps: 10_000, Window: 2 * time.Second, Points: 2_000_000, Emitters: 100, Rate: 1000,
		Emit: 15 * time.Second, Live: 1000, Idle: 10 * time.Second, Finished: 99_999, Tutorial: 7}
}

func quick() scale {
	return scale{Rounds: 2, Trials: 300, Sleeps: 400, Window: 200 * time.Millisecond, Points: 200_000, Emitters: 50, Rate: 1000,
		Emit: 3 * time.Second, Live: 200, Idle: 2 * time.Second, Finished: 20_000, Tutorial: 1}
}

func main() {
	if shim.Main() || child() {
		return
	}
	if err := command(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command() error {
	small := flag.Bool("quick", false, "measure everything scaled down, in less than two minutes")
	rounds := flag.Int("rounds", 0, "how often each figure is measured; 0 means as often as the scale says")
	trials := flag.Int("trials", 0, "how many trials of /bin/true and of sleep there are; 0 means as many as the scale says")
	only := flag.String("only", "", "measure only these, separated by commas: "+strings.Join(names(), ", "))
	dir := flag.String("dir", "", "folder to measure in; it must not be in memory (the default is made in the first of $TMPDIR, /var/tmp and . that is not)")
	anew := flag.Bool("fresh", false, "measure on a new ext4 file system with a journal, in a file below the folder (root, mkfs.ext4)")
	profile := flag.String("profile", "", "folder to write processor profiles of the engine to")
	flag.Parse()
	b := &bench{scale: full(), profile: *profile, log: os.Stderr}
	if *small {
		b.scale = quick()
	}
	if *rounds > 0 {
		b.scale.Rounds = *rounds
		b.scale.Tutorial = *rounds
	}
	if *trials > 0 {
		b.scale.Trials, b.scale.Sleeps = *trials, *trials
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	b.ctx = ctx
	var err error
	if b.root, err = repository(); err != nil {
		return err
	}
	if b.dir, err = workFolder(*dir); err != nil {
		return err
	}
	defer os.RemoveAll(b.dir)
	if *anew {
		folder, unmount, err := fresh(b.dir)
		if err != nil {
			return err
		}
		defer unmount()
		b.dir = folder
	}
	if *profile != "" {
		if b.profile, err = filepath.Abs(*profile); err != nil {
			return err
		}
		if err := os.MkdirAll(b.profile, 0o755); err != nil {
			return err
		}
	}
	fmt.Println(machine(b.dir))
	return b.all(os.Stdout, strings.FieldsFunc(*only, func(r rune) bool { return r == ',' }))
}

func names() []string {
	var all []string
	for _, m := range measurements() {
		all = append(all, m.name)
	}
	return all
}

// all runs the measurements and prints the table as it grows.
func (b *bench) all(out io.Writer, only []string) error {
	for _, name := range only {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("there is no measurement %q: choose from %s", name, strings.Join(names(), ", "))
		}
	}
	fmt.Fprint(out, "\n", header)
	for _, m := range measurements() {
		if len(only) > 0 && !slices.Contains(only, m.name) {
			continue
		}
		begin := time.Now()
		figures, err := m.run(b)
		if err != nil {
			return fmt.Errorf("measuring %s: %w", m.name, err)
		}
		for _, f := range figures {
			fmt.Fprint(out, f.row())
		}
		b.say("%s took %.0f s", m.name, time.Since(begin).Seconds())
	}
	return nil
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.log, "# "+format+"\n", args...) }

// programs builds what "make build" builds, when that is first wanted, and returns the folder. Without it shims would be this program,
// which starts more slowly.
func (b *bench) programs() (string, error) {
	if b.built != "" {
		return b.built, nil
	}
	dir, err := b.folder("programs")
	if err != nil {
		return "", err
	}
	build := exec.CommandContext(b.ctx, "make", "build", "BIN="+dir)
	build.Dir = b.root
	if _, err := timed(build); err != nil {
		return "", err
	}
	b.built = dir
	return dir, nil
}

// folder makes a new folder.
func (b *bench) folder(name string) (string, error) {
	b.made++
	dir := filepath.Join(b.dir, fmt.Sprintf("%s-%d", name, b.made))
	return dir, os.Mkdir(dir, 0o700)
}
