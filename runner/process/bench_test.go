package process

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"qalam/runner"
	"qalam/runner/provision"
)

// BenchmarkTrials runs /bin/true as trials, 32 in parallel, each with its shim, its exit file and its reports.
func BenchmarkTrials(b *testing.B) {
	for _, tier := range []provision.Tier{provision.Plain, provision.Namespaces} {
		b.Run(string(tier), func(b *testing.B) {
			r, err := New(Options{Home: b.TempDir(), Isolation: benchIsolation(b, tier), Pool: &pool{held: map[runner.ID]bool{}}, Provisioner: literal{}, Judge: judge(0)})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close(false, 0)
			next := 0
			launch := func() {
				one := script(fmt.Sprint("t", next), "")
				one.Job.Pods[0].Spec.Containers[0].Command = []string{"/bin/true"}
				if err := r.Start(context.Background(), one); err != nil {
					b.Fatal(err)
				}
				next++
			}
			before := processorTime()
			b.ResetTimer()
			for next < min(32, b.N) {
				launch()
			}
			for ended := 0; ended < b.N; {
				report := <-r.Reports()
				if !report.Ended {
					continue
				}
				ended++
				if err := r.Release(report.ID, true); err != nil {
					b.Fatal(err)
				}
				if next < b.N {
					launch()
				}
			}
			b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "trials/s")
		})
	}
}

func benchIsolation(b *testing.B, tier provision.Tier) Isolation {
	if tier == provision.Plain {
		return Isolation{Tier: tier}
	}
	iso := Detect(b.TempDir(), Program{})
	if iso.Tier != tier {
		b.Skip(iso.Why)
	}
	return iso
}

// processorTime is what this process and its children have used, which other load on the machine does not change much.
func processorTime() time.Duration {
	var sum time.Duration
	for _, who := range []int{unix.RUSAGE_SELF, unix.RUSAGE_CHILDREN} {
		var u unix.Rusage
		if unix.Getrusage(who, &u) == nil {
			sum += time.Duration(u.Utime.Nano() + u.Stime.Nano())
		}
	}
	return sum
}

// BenchmarkAdopt takes over 1,000 trials that run, and reports what a shim costs.
func BenchmarkAdopt(b *testing.B) {
	const trials = 1000
	for _, tier := range []provision.Tier{provision.Plain, provision.Namespaces} {
		b.Run(string(tier), func(b *testing.B) {
			home := b.TempDir()
			o := Options{Home: home, Isolation: benchIsolation(b, tier), Pool: &pool{held: map[runner.ID]bool{}}, Provisioner: literal{}, Judge: judge(0)}
			tasks := make([]runner.Task, trials)
			for i := range tasks {
				tasks[i] = script(fmt.Sprint("t", i), "exec sleep 1000")
			}
			begin := time.Now()
			r, err := New(o)
			if err != nil {
				b.Fatal(err)
			}
			run(b, r, tasks)
			starts, memory := float64(trials)/time.Since(begin).Seconds(), pss(r, tasks)
			b.ResetTimer()
			for range b.N {
				if err := r.Close(true, 0); err != nil {
					b.Fatal(err)
				}
				if r, err = New(o); err != nil {
					b.Fatal(err)
				}
				run(b, r, tasks)
			}
			b.StopTimer()
			b.ReportMetric(starts, "starts/s")
			b.ReportMetric(memory, "KiB/shim")
			go func() {
				for range r.Reports() {
				}
			}()
			if err := r.Close(false, 0); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// run starts tasks and waits until all run.
func run(b *testing.B, r *Runner, tasks []runner.Task) {
	b.Helper()
	for _, t := range tasks {
		if err := r.Start(context.Background(), t); err != nil {
			b.Fatal(err)
		}
	}
	for running := map[runner.ID]bool{}; len(running) < len(tasks); {
		report := <-r.Reports()
		if report.Ended {
			b.Fatalf("%+v", report)
		}
		if report.Pods[0].Containers[0].Running != nil {
			running[report.ID] = true
		}
	}
}

// pss is the mean proportional set size of shims in KiB.
func pss(r *Runner, tasks []runner.Task) float64 {
	sum := 0
	for _, t := range tasks {
		text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(r.attempt(t.ID).pid), "smaps_rollup"))
		if err != nil {
			return 0
		}
		_, rest, _ := strings.Cut(string(text), "\nPss:")
		n, _ := strconv.Atoi(strings.Fields(rest)[0])
		sum += n
	}
	return float64(sum) / float64(len(tasks))
}
