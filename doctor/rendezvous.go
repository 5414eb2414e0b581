package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"qalam/workload"
)

// connectionReset is the tutorial's trouble: something between worker and master accepts the connection and resets it.
func connectionReset(s *Snapshot) *Finding {
	pod, line := s.match("Connection reset by peer", "Broken pipe", "failed to connect/validate to host")
	if line == "" || len(s.Pods) < 2 {
		return nil
	}
	return &Finding{
		Code: "ConnectionReset", Severity: Error,
		Message:  fmt.Sprintf("%s reached its peers' address but the connection was reset", pod),
		Evidence: append([]string{clip(line)}, s.peerStates(pod)...),
		Fix: "if a peer ended first, its log has the cause; on a cluster with Istio the sidecar resets the rendezvous: " +
			`label every pod template sidecar.istio.io/inject: "false"`,
	}
}

// peerStates says in a word or two how the other pods are.
func (s *Snapshot) peerStates(but string) (out []string) {
	end := s.endOf(but)
	for _, p := range s.Pods {
		switch own := s.endOf(p.Name); {
		case p.Name == but:
		case !end.IsZero() && own.After(end): // what came of it came after
			out = append(out, p.Name+" was running")
		case !own.IsZero():
			out = append(out, p.Name+" "+stateOf(&p))
		default:
			out = append(out, p.Name+" is "+stateOf(&p))
		}
	}
	return out
}

// endOf is when the last of a pod's containers has ended; zero while one has not.
func (s *Snapshot) endOf(pod string) (last time.Time) {
	for _, p := range s.Pods {
		for _, c := range p.Containers {
			if p.Name != pod {
				continue
			}
			if c.Terminated == nil {
				return time.Time{}
			}
			if c.Terminated.FinishedAt.After(last) {
				last = c.Terminated.FinishedAt
			}
		}
	}
	return last
}

func stateOf(p *workload.PodStatus) string {
	for _, c := range p.Containers {
		switch {
		case c.Terminated != nil:
			return fmt.Sprintf("ended with exit code %d", c.Terminated.ExitCode)
		case c.Waiting != nil:
			return "waiting (" + c.Waiting.Reason + ")"
		case c.RestartCount > 0:
			return fmt.Sprintf("running after %d restarts", c.RestartCount)
		}
	}
	return strings.ToLower(string(p.Phase))
}

// clientsJoined is compiled when it is first needed: every start of a shim passes by here.
var clientsJoined = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(\d+)/(\d+) clients joined`) })

// outside are words of lines that speak of the network outside, not of peers.
var outside = []string{"urlopen", "URLError", "HTTPConnectionPool", "HTTPSConnectionPool", "HTTPError"}

func rendezvousFailed(s *Snapshot) *Finding {
	pod, line := s.match("waiting for clients", "client socket has timed out", "Socket Timeout", "Name or service not known", "gai error",
		"RendezvousTimeoutError", "RendezvousClosedError", "RendezvousConnectionError", "connectFullMesh failed", "DistStoreError", "DistNetworkError",
		"Timed out initializing process group")
	if line == "" || slices.ContainsFunc(outside, func(t string) bool { return strings.Contains(line, t) }) {
		return nil
	}
	f := &Finding{
		Code: "RendezvousFailed", Severity: Error, Message: pod + " gave up waiting for its peers", Evidence: []string{clip(line)},
		Fix: "see the log of the rank that is missing; every rank must reach MASTER_ADDR:MASTER_PORT",
	}
	if m := clientsJoined().FindStringSubmatch(line); m != nil {
		f.Message = fmt.Sprintf("%s: only %s of %s ranks joined the rendezvous", pod, m[1], m[2])
	}
	if peers := s.peerStates(pod); len(peers) > 0 {
		f.Message += ": " + strings.Join(peers[:min(len(peers), 4)], ", ")
		f.Evidence = append(f.Evidence, peers...)
	}
	return f
}

// world is what the pods are told about how many ranks there are.
func (s *Snapshot) world() (size, processes int) {
	if s.Job == nil {
		return 0, 0
	}
	for _, p := range s.Job.Pods {
		if p.Idle {
			continue
		}
		processes++
		for _, c := range p.Spec.Containers {
			if n, err := strconv.Atoi(env(c, "WORLD_SIZE")); err == nil {
				size = max(size, n)
			}
		}
	}
	return size, processes
}

func env(c workload.Container, name string) (value string) {
	for _, e := range c.Env {
		if e.Name == name {
			value = e.Value
		}
	}
	return value
}

// launchers start one process per local rank by themselves.
var launchers = []string{"torchrun", "torch.distributed.run", "torch.distributed.launch", "accelerate", "deepspeed", "horovodrun", "mpirun"}

// ranksMissing: the template promises more ranks than anything starts (nprocPerNode without torchrun).
func ranksMissing(s *Snapshot) *Finding {
	size, pods := s.world()
	if s.Ended || size <= pods || s.Metric.Points > 0 || s.primary().IsZero() || s.Now.Sub(s.primary()) < waitNote {
		return nil
	}
	for _, p := range s.Job.Pods {
		for _, c := range p.Spec.Containers {
			line := strings.Join(append(slices.Clone(c.Command), c.Args...), " ")
			if slices.ContainsFunc(launchers, func(l string) bool { return strings.Contains(line, l) }) {
				return nil
			}
		}
	}
	return &Finding{
		Code: "RanksMissing", Severity: Error,
		Message:  fmt.Sprintf("rank 0 waits for %d ranks, but only %d processes exist", size, pods),
		Evidence: []string{fmt.Sprintf("WORLD_SIZE=%d = replicas × nprocPerNode, and the command is not torchrun", size)},
		Fix:      "remove nprocPerNode, or start the script with torchrun",
	}
}

// rendezvousWaits: some ranks run and wait, and others do not run, for another reason than that they wait for them.
func rendezvousWaits(s *Snapshot) *Finding {
	if slices.ContainsFunc(s.Pods, func(p workload.PodStatus) bool { return p.WaitingForPeers }) {
		return nil
	}
	if s.Ended || len(s.Pods) < 2 || s.Metric.Points > 0 {
		return nil
	}
	var running, missing []string
	var last time.Time
	for i := range s.Pods {
		p := &s.Pods[i]
		up := false
		for _, c := range p.Containers {
			if c.Running != nil {
				up = true
				if c.Running.StartedAt.After(last) {
					last = c.Running.StartedAt
				}
			}
		}
		if up {
			running = append(running, p.Name)
		} else {
			missing = append(missing, p.Name+" is "+stateOf(p))
		}
	}
	if len(running) == 0 || len(missing) == 0 || s.Now.Sub(last) < waitNote {
		return nil
	}
	return &Finding{
		Code: "RendezvousIncomplete", Severity: Warning,
		Message:  fmt.Sprintf("%d of %d pods run and wait for the others", len(running), len(s.Pods)),
		Evidence: missing, Fix: "find out why the missing pods do not run: their logs, and what they wait for",
	}
}

// masterPort is the port that the first pod must listen on; 0 when the kind has none.
func (s *Snapshot) masterPort() (pod string, port int) {
	if s.Job == nil {
		return "", 0
	}
	for _, p := range s.Job.Pods {
		for _, c := range p.Spec.Containers {
			for _, name := range []string{"MASTER_PORT", "PET_MASTER_PORT", "COORDINATOR_PORT"} {
				if n, err := strconv.Atoi(env(c, name)); err == nil {
					return s.Job.Pods[0].Name, n
				}
			}
		}
	}
	return "", 0
}

// neverListens: every rank runs, and nobody listens where they are to meet.
func neverListens(s *Snapshot) *Finding {
	size, _ := s.world()
	pod, port := s.masterPort()
	since := s.primary()
	if s.Ended || s.Vitals == nil || size < 2 || port == 0 || since.IsZero() || s.Metric.Points > 0 || s.Now.Sub(since) < rendezvousNote {
		return nil
	}
	if slices.Contains(s.Vitals.Listening, port) {
		return nil
	}
	severity := Note
	if s.Now.Sub(since) >= rendezvousLimit {
		severity = Warning
	}
	f := &Finding{
		Code: "RendezvousNotListening", Severity: severity,
		Message: fmt.Sprintf("%s is not listening on port %d: its script never created the process group, or uses another port", pod, port),
		Fix:     "call init_process_group early in the script, with MASTER_ADDR and MASTER_PORT from the environment",
	}
	if len(s.Vitals.Listening) > 0 {
		f.Evidence = []string{fmt.Sprintf("ports that are listened on: %v", s.Vitals.Listening)}
	} else {
		f.Evidence = []string{"no port is listened on"}
	}
	return f
}

// neverJoins: every rank runs, the master listens, and yet training does not begin: a worker looks for it elsewhere, or something
// between them keeps them apart.
func neverJoins(s *Snapshot) *Finding {
	size, _ := s.world()
	pod, port := s.masterPort()
	since := s.primary()
	if s.Ended || size < 2 || port == 0 || since.IsZero() || s.Metric.Points > 0 || s.Now.Sub(since) < rendezvousLimit {
		return nil
	}
	share, known := s.busy()
	if !known || share > waitShare || !slices.Contains(s.Vitals.Listening, port) {
		return nil
	}
	f := &Finding{
		Code: "RendezvousIncomplete", Severity: Warning,
		Message: fmt.Sprintf("%s listens on port %d and waits: not all of the %d ranks have joined", pod, port, size),
		Fix:     "every rank must connect to MASTER_ADDR:MASTER_PORT of its environment: look for another name or port in the command and the script",
	}
	if word := s.otherPort(port); word != "" {
		f.Evidence = append(f.Evidence, word)
	}
	for _, l := range s.Logs {
		if l.Pod != pod && len(l.Tail) > 0 {
			f.Evidence = append(f.Evidence, l.Pod+" says: "+clip(strings.TrimSpace(l.Tail[len(l.Tail)-1])))
		}
	}
	f.Evidence = append(f.Evidence, fmt.Sprintf("all pods run and use %.0f %% of a processor", 100*share))
	return f
}

// otherPort finds a word of a command that sets the rendezvous to another port.
func (s *Snapshot) otherPort(port int) string {
	for _, p := range s.Job.Pods {
		for _, c := range p.Spec.Containers {
			for _, word := range append(slices.Clone(c.Command), c.Args...) {
				i := strings.Index(word, "MASTER_PORT=")
				if i >= 0 && !strings.HasPrefix(word[i+len("MASTER_PORT="):], strconv.Itoa(port)) {
					return fmt.Sprintf("%s sets %s", p.Name, clip(word))
				}
			}
		}
	}
	return ""
}

// peersNotReady: a pod waits for its master to listen.
func peersNotReady(s *Snapshot) *Finding {
	for i := range s.Pods {
		p := &s.Pods[i]
		if !p.WaitingForPeers || s.Ended || s.Now.Sub(s.Created) < waitNote {
			continue
		}
		f := &Finding{
			Code: "WaitingForPeer", Severity: Note, Message: p.Name + " waits until its master listens",
			Evidence: s.peerStates(p.Name), Fix: "see the log of the master: what does it do before it creates the process group?",
		}
		if s.Now.Sub(s.Created) > rendezvousLimit {
			f.Severity = Warning
		}
		if w := waitFor(s.Job, p.Name); w != nil {
			f.Message = fmt.Sprintf("%s waits until %s listens on port %d", p.Name, w.Pod, w.Port)
		}
		return f
	}
	return nil
}

func waitFor(j *workload.Job, pod string) *workload.WaitFor {
	if j == nil {
		return nil
	}
	for _, p := range j.Pods {
		if p.Name == pod {
			return p.WaitFor
		}
	}
	return nil
}
