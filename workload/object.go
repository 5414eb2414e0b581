package workload

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Object shows a job as its controller would in a cluster: the rendered object with a status. Success and failure conditions of
// trial templates hold of it as they do there.
func (j *Job) Object(v Verdict, s Status) map[string]any {
	l := j.look(s, time.Time{})
	o := object{}
	for k, field := range j.source {
		o[k] = field
	}
	o["apiVersion"], o["kind"] = j.APIVersion, j.Kind
	meta := object{}
	if m, ok := j.source["metadata"].(object); ok {
		for k, field := range m {
			meta[k] = field
		}
	}
	meta["name"], meta["namespace"] = j.Name, j.Namespace
	o["metadata"] = meta
	switch j.Kind {
	case "Pod":
		o["status"] = l.podObject(v)
	case "Job":
		o["status"] = l.jobObject(v)
	case "TrainJob":
		o["status"] = l.trainObject(v)
	default:
		o["status"] = l.kubeflowObject(v)
	}
	return o
}

// conditions are a list of status conditions being built.
type conditions struct{ list list }

// add appends a condition, with its time where that is known.
func (c *conditions) add(kind string, holds bool, reason, message string, at time.Time) {
	status := "False"
	if holds {
		status = "True"
	}
	e := object{"type": kind, "status": status, "reason": reason, "message": message}
	if !at.IsZero() {
		e["lastTransitionTime"] = stamp(at)
	}
	c.list = append(c.list, e)
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// put sets fields that are not empty.
func put(o object, key string, at time.Time) {
	if !at.IsZero() {
		o[key] = stamp(at)
	}
}

func number(o object, key string, n int) {
	if n != 0 {
		o[key] = int64(n)
	}
}

// final says whether a verdict is the last one.
func (v *Verdict) final() bool { return v.Phase == Succeeded || v.Phase == Failed }

// end is when the last container of the job ended.
func (l *look) end(v *Verdict) time.Time {
	var last time.Time
	for _, st := range l.seats {
		for _, c := range st.containers() {
			if c.Terminated != nil && c.Terminated.FinishedAt.After(last) {
				last = c.Terminated.FinishedAt
			}
		}
	}
	if at, ok := l.success(); ok && v.Phase == Succeeded {
		return at
	}
	return last
}

// ran is when the job first ran, by the pods that speak for it; zero when it never has.
func (l *look) ran() time.Time {
	var at time.Time
	for _, st := range l.seats {
		if l.speaks != "" && st.Replica != l.speaks || !st.begun {
			continue
		}
		for _, c := range st.status.Containers {
			if c.Running != nil {
				at = earlier(at, c.Running.StartedAt)
			}
			for _, e := range []*Terminated{c.Terminated, c.LastTerminated} {
				if e != nil && e.Reason != "StartError" {
					at = earlier(at, e.StartedAt)
				}
			}
		}
	}
	return at
}

// kubeflowObject is the status of a job of the Training Operator.
func (l *look) kubeflowObject(v Verdict) object {
	var c conditions
	end, ran := l.end(&v), l.ran()
	say := func(what string) string { return fmt.Sprintf("%s %s is %s.", l.Kind, l.Name, what) }
	c.add("Created", true, l.Kind+"Created", say("created"), l.start)
	switch {
	case v.Phase == Restarting:
		c.add("Restarting", true, l.Kind+"Restarting", v.Message, end)
	case !ran.IsZero():
		c.add("Running", v.Phase == Active, l.Kind+"Running", say("running"), ran)
	}
	switch v.Phase {
	case Succeeded:
		c.add("Succeeded", true, l.Kind+"Succeeded", say("successfully completed"), end)
	case Failed:
		c.add("Failed", true, l.Kind+"Failed", v.Message, end)
	}
	status := object{"conditions": c.list, "replicaStatuses": l.replicaStatuses(&v)}
	put(status, "startTime", l.start)
	if v.final() {
		put(status, "completionTime", end)
	}
	return status
}

func (l *look) replicaStatuses(v *Verdict) object {
	spelled := map[string]string{}
	if rules := kubeflowKinds[l.Kind]; rules != nil {
		for _, t := range rules.types {
			spelled[strings.ToLower(t)] = t
		}
	}
	all := object{}
	for i := range l.Pods {
		p := &l.Pods[i]
		name := spelled[p.Replica]
		o, ok := all[name].(object)
		if !ok {
			o = object{}
			all[name] = o
		}
		key := ""
		if p.Idle && !l.start.IsZero() && !v.final() {
			key = "active"
		}
		if k := slices.IndexFunc(l.seats, func(st *seat) bool { return st.Pod == p }); k >= 0 {
			switch st := l.seats[k]; {
			case st.status.Phase == PodSucceeded:
				key = "succeeded"
			case st.status.Phase == PodFailed:
				key = "failed"
			case st.status.Phase == PodRunning && !(v.final() && st.quiet):
				key = "active"
			}
		}
		if key != "" {
			n, _ := o[key].(int64)
			o[key] = n + 1
		}
	}
	return all
}

// jobObject is the status of a batch/v1 Job.
func (l *look) jobObject(v Verdict) object {
	active, succeeded, failed := 0, 0, 0
	for _, st := range l.seats {
		switch {
		case st.status.Phase == PodSucceeded:
			succeeded++
		case st.status.Phase == PodFailed:
			failed++
		case st.begun && !v.final():
			active++
		}
	}
	if len(l.seats) > 0 && !l.seats[0].restarting() { // each restart is one of a pod that failed
		failed += l.restarts
	}
	status := object{}
	put(status, "startTime", l.start)
	number(status, "active", active)
	number(status, "succeeded", succeeded)
	number(status, "failed", failed)
	var c conditions
	end := l.end(&v)
	switch v.Phase {
	case Succeeded:
		const message = "Reached expected number of succeeded pods"
		c.add("SuccessCriteriaMet", true, "CompletionsReached", message, end)
		c.add("Complete", true, "CompletionsReached", message, end)
		put(status, "completionTime", end)
	case Failed:
		c.add("FailureTarget", true, v.Reason, v.Message, end)
		c.add("Failed", true, v.Reason, v.Message, end)
		if status["failed"] == nil {
			status["failed"] = int64(1)
		}
	}
	if c.list != nil {
		status["conditions"] = c.list
	}
	return status
}

// trainObject is the status of a TrainJob.
func (l *look) trainObject(v Verdict) object {
	var c conditions
	switch v.Phase {
	case Succeeded:
		c.add("Complete", true, v.Reason, "jobset completed successfully", l.end(&v))
	case Failed:
		c.add("Failed", true, v.Reason, v.Message, l.end(&v))
	}
	var names []string
	for i := range l.Pods {
		if n := l.Pods[i].Replica; !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	jobs := list{}
	for _, name := range names {
		jobs = append(jobs, l.jobStatus(name, &v))
	}
	status := object{"jobsStatus": jobs}
	if c.list != nil {
		status["conditions"] = c.list
	}
	return status
}

// jobStatus is the status of one of the Jobs of a TrainJob.
func (l *look) jobStatus(name string, v *Verdict) object {
	active, ready, failed, succeeded, pods := 0, 0, 0, 0, 0
	for _, st := range l.seats {
		if st.Replica != name {
			continue
		}
		pods++
		switch {
		case st.status.Phase == PodSucceeded:
			succeeded++
		case st.status.Phase == PodFailed && v.Phase == Failed:
			failed++
		case st.begun && !v.final():
			active++
			if st.serves() {
				ready++
			}
		}
	}
	whole := func(b bool) int64 {
		if b {
			return 1
		}
		return 0
	}
	return object{"name": name, "suspended": int64(0), "active": whole(active > 0), "ready": whole(pods > 0 && ready == pods),
		"succeeded": whole(pods > 0 && succeeded == pods), "failed": whole(failed > 0)}
}

// podObject is the status of a bare pod.
func (l *look) podObject(v Verdict) object {
	phase := PodPending
	switch v.Phase {
	case Succeeded:
		phase = PodSucceeded
	case Failed:
		phase = PodFailed
	case Active, Restarting:
		phase = PodRunning
	}
	status := object{"phase": string(phase)}
	if len(l.seats) == 0 {
		return status
	}
	st := l.seats[0]
	put(status, "startTime", st.status.StartTime)
	for key, value := range map[string]string{"podIP": st.status.PodIP, "reason": st.status.Reason, "message": st.status.Message} {
		if value != "" {
			status[key] = value
		}
	}
	if v.Phase == Failed && v.Reason == "DeadlineExceeded" {
		status["reason"], status["message"] = v.Reason, v.Message
	}
	var c conditions
	ready := phase == PodRunning && st.serves()
	c.add("PodScheduled", st.begun, "", "", l.start)
	c.add("Ready", ready, "", "", l.start)
	status["conditions"] = c.list
	status["containerStatuses"] = containerObjects(st.status.Containers)
	if len(st.status.InitContainers) > 0 {
		status["initContainerStatuses"] = containerObjects(st.status.InitContainers)
	}
	return status
}

func containerObjects(statuses []ContainerStatus) list {
	out := list{}
	for _, c := range statuses {
		o := object{"name": c.Name, "restartCount": int64(c.RestartCount), "ready": c.Running != nil, "started": c.Running != nil}
		state := object{}
		switch {
		case c.Running != nil:
			running := object{}
			put(running, "startedAt", c.Running.StartedAt)
			state["running"] = running
		case c.Terminated != nil:
			state["terminated"] = terminatedObject(c.Terminated)
		case c.Waiting != nil:
			state["waiting"] = object{"reason": c.Waiting.Reason, "message": c.Waiting.Message}
		}
		o["state"] = state
		if c.LastTerminated != nil {
			o["lastState"] = object{"terminated": terminatedObject(c.LastTerminated)}
		}
		out = append(out, o)
	}
	return out
}

func terminatedObject(t *Terminated) object {
	o := object{"exitCode": int64(t.ExitCode), "reason": t.Reason}
	number(o, "signal", t.Signal)
	if t.Message != "" {
		o["message"] = t.Message
	}
	put(o, "startedAt", t.StartedAt)
	put(o, "finishedAt", t.FinishedAt)
	return o
}
