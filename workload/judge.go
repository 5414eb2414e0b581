package workload

import (
	"fmt"
	"slices"
	"time"
)

// fatal is why a job has failed.
type fatal struct {
	at              time.Time
	reason, message string
	late            bool // a success that comes soon after it counts all the same: it is that of another pod
	wait            bool // such a pod still runs
}

// Judge says what the rules of the job's kind make of what was observed of it: whether it has succeeded or failed, what must be
// started again and what must stop. It depends on nothing else, and not on the order of s.Pods.
//
// Where the success of the pod that speaks for the job and another pod's failure are seen together, success wins. A job of which
// all ranks belong to one collective (Policy.Together) starts again as a whole: first its pods are stopped, and when nothing of
// them runs any more all are started, not before the back-off is over. The first verdict that is final (Succeeded or Failed) is
// the job's.
func (j *Job) Judge(s Status, now time.Time) Verdict {
	l := j.look(s, now)
	end := l.fatal()
	if at, ok := l.success(); ok && l.stands(at, end) {
		return Verdict{Phase: Succeeded, Reason: j.succeededReason(), Message: fmt.Sprintf("%s %s has succeeded", j.Kind, j.Name), Stop: l.live()}
	}
	var v Verdict
	if end != nil {
		over := end.at.Add(settle)
		if !end.wait || !now.Before(over) {
			return Verdict{Phase: Failed, Reason: end.reason, Message: end.message, Stop: l.live()}
		}
		v.wake(now, over)
	} else {
		l.restart(&v)
		l.release(&v)
	}
	l.phase(&v)
	if d := l.Policy.ActiveDeadline; d > 0 && !l.start.IsZero() {
		v.wake(now, l.start.Add(d))
	}
	for _, st := range l.seats {
		if d := st.deadline(); !d.IsZero() {
			v.wake(now, d)
		}
	}
	return v
}

// wake makes the verdict ask for another look at a time to come.
func (v *Verdict) wake(now, at time.Time) {
	if at.After(now) {
		v.Wake = earlier(v.Wake, at)
	}
}

// live lists the pods of which something runs.
func (l *look) live() []string {
	var names []string
	for _, st := range l.seats {
		if !st.quiet && !(st.status.Phase == PodSucceeded || st.status.Phase == PodFailed) {
			names = append(names, st.Name)
		}
	}
	return names
}

// success says whether, and when, the job has succeeded by the pods whose success is the job's.
func (l *look) success() (time.Time, bool) {
	var ends []time.Time
	active, all := false, true
	for _, st := range l.seats {
		if !l.decides(st) {
			continue
		}
		if st.status.Phase == PodSucceeded {
			ends = append(ends, st.finished())
			if l.Policy.Success == successWorker0 && st.Index == 0 {
				return st.finished(), true
			}
			continue
		}
		all = false
		active = active || st.begun && !st.ended
	}
	slices.SortFunc(ends, time.Time.Compare)
	n := len(ends)
	switch {
	case n == 0:
		return time.Time{}, false
	case l.Policy.Success == successAnyWorker:
		return ends[0], true
	case l.Policy.Success == successAny:
		return ends[n-1], !active
	case l.Policy.Success == "" && l.Policy.Completions > 0:
		if n < int(l.Policy.Completions) {
			return time.Time{}, false
		}
		return ends[l.Policy.Completions-1], true
	}
	return ends[n-1], all
}

// decides says whether a pod's success counts towards the job's.
func (l *look) decides(st *seat) bool {
	switch l.Policy.Success {
	case "", successAny:
		return true
	case successWorker0, successAnyWorker:
		return st.Replica == "worker"
	}
	return st.Replica == l.Policy.Success
}

// stands says whether a success counts that came at a time: not when the job had failed, or been stopped to start again, before.
func (l *look) stands(at time.Time, end *fatal) bool {
	if end == nil {
		f := l.cause()
		return f == nil || !at.After(f.at.Add(settle))
	}
	last := end.at
	if end.late {
		last = last.Add(settle)
	}
	return !at.After(last)
}

// fatal returns the earliest reason why the job has failed, nil when there is none.
func (l *look) fatal() *fatal {
	var found *fatal
	add := func(f fatal) {
		if found == nil || f.at.Before(found.at) {
			found = &f
		}
	}
	l.late(add)
	if len(l.failures) == 0 {
		return found
	}
	if f := l.cause(); f != nil {
		if limit := l.Policy.BackoffLimit; limit != nil && l.restarts+1 > int(*limit) {
			add(l.exceeded(f))
		}
		return found
	}
	pending := 0
	for _, f := range l.failures {
		if !f.retry {
			late, wait := l.mayYetSucceed(f)
			add(fatal{at: f.at, reason: l.failedReason(), message: f.describe(), late: late, wait: wait})
			continue
		}
		pending++
		if limit := l.Policy.BackoffLimit; limit != nil && l.restarts+pending > int(*limit) {
			add(l.exceeded(f))
			break
		}
	}
	return found
}

// late adds the deadlines that have passed.
func (l *look) late(add func(fatal)) {
	if d := l.Policy.ActiveDeadline; d > 0 && !l.start.IsZero() && !l.now.Before(l.start.Add(d)) {
		add(fatal{at: l.start.Add(d), reason: "DeadlineExceeded", message: fmt.Sprintf("%s %s was active longer than its deadline of %s", l.Kind, l.Name, d)})
	}
	for _, st := range l.seats {
		if d := st.deadline(); !d.IsZero() && !l.now.Before(d) {
			add(fatal{at: d, reason: "DeadlineExceeded", message: fmt.Sprintf("pod %s was active longer than its deadline of %d s", st.Name, *st.Spec.ActiveDeadlineSeconds)})
		}
	}
}

func (l *look) exceeded(f *failure) fatal {
	message := f.describe()
	if limit := *l.Policy.BackoffLimit; limit > 0 {
		message += fmt.Sprintf("; %s %s has reached its backoff limit of %d", l.Kind, l.Name, limit)
	}
	late, wait := l.mayYetSucceed(f)
	return fatal{at: f.at, reason: "BackoffLimitExceeded", message: message, late: late, wait: wait}
}

// mayYetSucceed says whether the job can succeed without the pod that failed, and whether a pod runs by which it may.
func (l *look) mayYetSucceed(f *failure) (can, runs bool) {
	switch l.Policy.Success {
	case "", successAny:
		return false, false
	case successWorker0:
		can = f.seat.Replica != "worker" || f.seat.Index != 0
	case successAnyWorker:
		can = true
	default:
		can = !l.decides(f.seat)
	}
	for _, st := range l.seats {
		runs = runs || st != f.seat && l.decides(st) && st.begun && !st.ended
	}
	return can, can && runs
}

// deadline is when a pod must have ended that has not, or not in time; zero means never.
func (st *seat) deadline() time.Time {
	if st.Spec.ActiveDeadlineSeconds == nil || st.status.StartTime.IsZero() {
		return time.Time{}
	}
	d := st.status.StartTime.Add(duration(st.Spec.ActiveDeadlineSeconds))
	if st.ended && !st.finished().After(d) {
		return time.Time{}
	}
	return d
}

// cause returns the failure for which the job starts again as a whole, nil when it does not. What an init container does over
// again its peers can wait for, and a pod that others wait for the end of starts again by itself.
func (l *look) cause() *failure {
	if !l.Policy.Together {
		return nil
	}
	for _, f := range l.failures {
		if !l.dependency(f.seat.Name) && !l.initial(f) {
			if f.retry {
				return f
			}
			return nil
		}
	}
	return nil
}

// dependency says whether pods wait for the success of one.
func (l *look) dependency(name string) bool {
	for _, st := range l.seats {
		if slices.Contains(st.After, name) {
			return true
		}
	}
	return false
}

// initial says whether a failure is one of an init container that is started again in its pod: its peers can wait for that.
func (l *look) initial(f *failure) bool {
	return slices.ContainsFunc(f.seat.Spec.InitContainers, func(c Container) bool { return c.Name == f.container })
}

// restart says what of that which has failed starts again, and when.
func (l *look) restart(v *Verdict) {
	for _, r := range l.again {
		v.again(l.now, r)
	}
	if len(l.failures) == 0 {
		return
	}
	if f := l.cause(); f != nil {
		l.restartAll(v, f)
		return
	}
	for _, f := range l.failures {
		if f.container == "" && !f.seat.quiet {
			v.Stop = append(v.Stop, f.seat.Name)
			continue
		}
		v.again(l.now, Restart{Pod: f.seat.Name, Container: f.container, NotBefore: f.at.Add(l.delay(f.count, f.run))})
	}
	v.Message = l.restartMessage(l.failures[0], v)
}

func (v *Verdict) again(now time.Time, r Restart) {
	v.Start = append(v.Start, r)
	v.wake(now, r.NotBefore)
}

// restartAll starts the whole job again because of its first failure.
func (l *look) restartAll(v *Verdict, f *failure) {
	over := f.at.Add(settle)
	if _, wait := l.mayYetSucceed(f); wait && l.now.Before(over) {
		v.wake(l.now, over)
		v.Message = f.describe()
		return
	}
	v.Phase = Restarting
	var names []string
	quiet := true
	for _, st := range l.seats {
		if l.dependency(st.Name) {
			continue
		}
		names = append(names, st.Name)
		if !st.quiet {
			quiet = false
			v.Stop = append(v.Stop, st.Name)
		}
	}
	at := f.at.Add(l.delay(int32(min(l.restarts, 1<<20)), f.run))
	if quiet {
		for _, name := range names {
			v.again(l.now, Restart{Pod: name, NotBefore: at})
		}
	}
	v.Message = l.restartMessage(f, &Verdict{Start: []Restart{{NotBefore: at}}})
}

func (l *look) restartMessage(f *failure, v *Verdict) string {
	of := ""
	if limit := l.Policy.BackoffLimit; limit != nil {
		of = fmt.Sprintf(" of at most %d", *limit)
	}
	message := fmt.Sprintf("%s; restart %d%s", f.describe(), l.restarts+1, of)
	for _, r := range v.Start {
		if r.Pod == "" || r.Pod == f.seat.Name {
			message += " is due at " + r.NotBefore.UTC().Format("15:04:05Z")
			break
		}
	}
	return message
}

// release starts held pods whose turn has come.
func (l *look) release(v *Verdict) {
	if v.Phase == Restarting {
		return
	}
	succeeded, active := map[string]bool{}, 0
	for _, st := range l.seats {
		switch {
		case st.status.Phase == PodSucceeded:
			succeeded[st.Name] = true
		case st.begun || !st.Held:
			active++
		}
	}
	for _, st := range l.seats {
		if !st.Held || st.begun {
			continue
		}
		ready := !slices.ContainsFunc(st.After, func(name string) bool { return !succeeded[name] })
		room := l.Policy.Parallelism == 0 || active < int(l.Policy.Parallelism)
		wanted := l.Policy.Completions == 0 || len(succeeded)+active < int(l.Policy.Completions)
		if ready && room && wanted {
			active++
			v.Start = append(v.Start, Restart{Pod: st.Name})
		}
	}
}

// phase says how far the job is, by the pods that speak for it.
func (l *look) phase(v *Verdict) {
	if v.Phase == "" {
		v.Phase = Unstarted
		if l.restarts > 0 || len(l.failures) > 0 {
			v.Phase = Restarting
		}
		for _, st := range l.seats {
			if (l.speaks == "" || st.Replica == l.speaks) && st.serves() {
				v.Phase = Active
			}
		}
	}
	switch v.Phase {
	case Unstarted:
		v.Reason = l.Kind + "Created"
	case Active:
		v.Reason = l.Kind + "Running"
	case Restarting:
		v.Reason = l.Kind + "Restarting"
	}
}

func (j *Job) failedReason() string {
	switch j.Kind {
	case "Job":
		return "BackoffLimitExceeded"
	case "TrainJob":
		return "FailedJobs"
	}
	return j.Kind + "Failed"
}

func (j *Job) succeededReason() string {
	switch j.Kind {
	case "Job":
		return "CompletionsReached"
	case "TrainJob":
		return "AllJobsCompleted"
	}
	return j.Kind + "Succeeded"
}
