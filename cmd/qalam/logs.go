package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"qalam/engine"
	"qalam/experiment"
	"qalam/runner"
	"qalam/runner/process"
	"qalam/store"
	"qalam/workload"
)

// logOptions say which logs are wanted.
type logOptions struct {
	follow         bool
	trial          string // number or name
	pod, container string
	attempt        int
}

func newLogs(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "logs EXPERIMENT",
		Short: "Print what trials print",
		Long: `Print what a trial prints, or has printed; without --trial, what the running trials print, or else the latest. Where there are
several streams each line begins with where it comes from. What was removed from the middle of a huge log is said.`,
		Example: `  qalam logs mnist --trial 3
  qalam logs mnist -f`,
		Args:              exactly("the name of an experiment"),
		ValidArgsFunction: a.completeNames,
	}
	o := logOptions{}
	flags := cmd.Flags()
	flags.BoolVarP(&o.follow, "follow", "f", false, "go on until the trials are over")
	flags.StringVar(&o.trial, "trial", "", "`number` or name of the trial")
	flags.StringVar(&o.pod, "pod", "", "only the pod of this `name`, or the end of it (worker-0)")
	flags.StringVar(&o.container, "container", "", "only the container of this `name`")
	flags.IntVar(&o.attempt, "attempt", 0, "the attempt of the trial (default: the last)")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		return a.with(ctx, func(st *store.SQLite) error {
			k, err := lookup(ctx, st, args[0])
			if err != nil {
				return err
			}
			return a.logs(ctx, st, k, o)
		})
	}
	return cmd
}

// choose finds the trials whose logs are wanted.
func (o logOptions) choose(ctx context.Context, st *store.SQLite, x store.Experiment) ([]experiment.Trial, error) {
	if o.trial == "" {
		active, err := st.Active(ctx, x.UID)
		if err != nil {
			return nil, err
		}
		var running []experiment.Trial
		for _, t := range active {
			if t.State == experiment.TrialRunning {
				running = append(running, t)
			}
		}
		if len(running) > 0 {
			return running, nil
		}
		for t, err := range st.Trials(ctx, x.UID, store.Query{Descending: true, Limit: 1}) {
			return []experiment.Trial{t}, err
		}
		return nil, exit(exitNotFound, "experiment %s has no trials yet", x.Name)
	}
	t, err := trialNamed(ctx, st, x, o.trial)
	return []experiment.Trial{t}, err
}

// trialNamed finds a trial by its number or name.
func trialNamed(ctx context.Context, st *store.SQLite, x store.Experiment, ref string) (experiment.Trial, error) {
	if n, err := strconv.Atoi(ref); err == nil {
		t, err := trial(ctx, st, x.UID, n)
		if exitCode(err) == exitNotFound {
			return t, exit(exitNotFound, "experiment %s has no trial %d; qalam trials %s lists those there are", x.Name, n, shellWord(x.Name))
		}
		return t, err
	}
	for t, err := range st.Trials(ctx, x.UID, store.Query{}) {
		if err != nil || t.Name == ref {
			return t, err
		}
	}
	return experiment.Trial{}, exit(exitNotFound, "experiment %s has no trial %s; qalam trials %s lists those there are", x.Name, ref, shellWord(x.Name))
}

// stream is one log file that is being printed.
type stream struct {
	label   string
	path    string
	offset  int64
	partial []byte // the beginning of a line that has not ended
}

// printer prints streams, each line behind its label where there are several.
type printer struct {
	out     io.Writer
	streams map[string]*stream
	pods    []workload.Pod // of each trial: a label must tell them apart before all have logs
	labels  bool           // there are several trials
}

func (a *app) logs(ctx context.Context, st *store.SQLite, k *kept, o logOptions) error {
	x := k.Record
	trials, err := o.choose(ctx, st, x)
	if err != nil {
		return err
	}
	p := &printer{out: a.out, streams: map[string]*stream{}, labels: len(trials) > 1}
	if task, err := engine.Prepare(k.Experiment, trials[0], nil); err == nil { // what was run was prepared in the same way
		p.pods = task.Job.Pods
	}
	for {
		found, over := 0, true
		for i, t := range trials {
			if o.follow && !t.State.Terminal() { // its state before its logs: what it wrote by its end is then there
				if trials[i], err = trial(ctx, st, x.UID, t.Number); err != nil {
					return err
				}
				t = trials[i]
			}
			over = over && t.State.Terminal()
			n, err := p.print(st.Dir(), x.UID, t, o)
			if err != nil {
				return err
			}
			found += n
		}
		if !o.follow || over {
			if found == 0 {
				return exit(exitNotFound, "there is no such log; the trial may not have started, or its logs were removed")
			}
			return p.flush()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// print prints what is new in the logs of a trial, and returns how many logs it has.
func (p *printer) print(home, uid string, t experiment.Trial, o logOptions) (int, error) {
	attempt := o.attempt
	if attempt == 0 {
		attempt = t.Attempt
	}
	id := runner.ID{Experiment: uid, Trial: t.Name, Attempt: attempt}
	logs, err := process.Logs(home, id)
	if err != nil {
		return 0, err
	}
	if o.attempt == 0 && len(logs) == 0 && attempt > 1 { // the last attempt never started
		id.Attempt--
		if logs, err = process.Logs(home, id); err != nil {
			return 0, err
		}
	}
	found := 0
	for _, l := range logs {
		if o.pod != "" && l.Pod != o.pod && !strings.HasSuffix(l.Pod, "-"+o.pod) || o.container != "" && l.Container != o.container {
			continue
		}
		found++
		s := p.streams[l.Path]
		if s == nil {
			s = &stream{path: l.Path, label: p.label(l, t)}
			p.streams[l.Path] = s
		}
		if err := p.copy(s); err != nil {
			return found, err
		}
	}
	return found, nil
}

// label says where a log comes from, as shortly as it is clear: the trial where there are several, the pod without the trial's
// name where its trial has several, the container where its pod has several.
func (p *printer) label(l process.Log, t experiment.Trial) string {
	var parts []string
	if p.labels {
		parts = append(parts, "#"+strconv.Itoa(t.Number))
	}
	pods, containers := 0, 0
	for _, pod := range p.pods {
		if pod.Idle {
			continue
		}
		pods++
		containers = max(containers, len(pod.Spec.Containers)+len(pod.Spec.InitContainers))
	}
	if pods > 1 {
		parts = append(parts, strings.TrimPrefix(strings.TrimPrefix(l.Pod, t.Name), "-"))
	}
	if containers > 1 {
		parts = append(parts, l.Container)
	}
	return strings.Join(parts, "/")
}

// copy prints what is new in a log.
func (p *printer) copy(s *stream) error {
	w := p.out
	if s.label != "" {
		w = &labelled{p.out, s}
	}
	offset, err := process.CopyLog(w, s.path, s.offset)
	s.offset = offset
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// flush prints the lines that never ended.
func (p *printer) flush() error {
	for _, s := range p.streams {
		if len(s.partial) > 0 {
			if _, err := p.out.Write(append([]byte(s.label+" | "), append(s.partial, '\n')...)); err != nil {
				return err
			}
		}
	}
	return nil
}

// labelled writes whole lines, each behind its label.
type labelled struct {
	out io.Writer
	s   *stream
}

func (l *labelled) Write(data []byte) (int, error) {
	var b bytes.Buffer
	rest := append(l.s.partial, data...)
	for {
		i := bytes.IndexByte(rest, '\n')
		if i < 0 {
			break
		}
		b.WriteString(l.s.label + " | ")
		b.Write(rest[:i+1])
		rest = rest[i+1:]
	}
	l.s.partial = bytes.Clone(rest)
	if _, err := l.out.Write(b.Bytes()); err != nil {
		return 0, err
	}
	return len(data), nil
}
