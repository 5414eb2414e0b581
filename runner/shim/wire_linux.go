package shim

import (
	"encoding/base64"
	"strconv"
	"time"
)

// What a shim reads. The names are those of the fields' tags, which the engine writes by; a test compares the two.

func (s *Spec) parse(p *parser) {
	p.object(func(key string) {
		switch key {
		case "marker":
			s.Marker = p.string()
		case "namespaces":
			s.Namespaces = p.bool()
		case "pids":
			s.PIDs = p.bool()
		case "network":
			s.Network = p.bool()
		case "cgroups":
			s.Cgroups = p.strings()
		case "start":
			s.Start = parseRuns(p)
		case "final":
			s.Final = p.bool()
		case "tasks":
			s.Tasks = p.int()
		case "locks":
			s.Locks = int(p.int())
		case "shm":
			s.ShmMegabyte = int(p.int())
		default:
			p.skip() // the engine's own
		}
	})
}

func parseRuns(p *parser) []Run {
	var runs []Run
	p.array(func() {
		runs = append(runs, Run{})
		runs[len(runs)-1].parse(p)
	})
	return runs
}

func (r *Run) parse(p *parser) {
	p.object(func(key string) {
		switch key {
		case "pod":
			r.Pod = p.string()
		case "container":
			r.Container = p.string()
		case "number":
			r.Number = int(p.int())
		case "argv":
			r.Argv = p.strings()
		case "env":
			r.Env = p.strings()
		case "dir":
			r.Dir = p.string()
		case "log":
			r.Log = p.string()
		case "hostname":
			r.Hostname = p.string()
		case "mounts":
			p.array(func() {
				r.Mounts = append(r.Mounts, Mount{})
				r.Mounts[len(r.Mounts)-1].parse(p)
			})
		case "cgroups":
			r.Cgroups = p.strings()
		case "memory":
			r.Memory = p.int()
		default:
			p.skip()
		}
	})
}

func (m *Mount) parse(p *parser) {
	p.object(func(key string) {
		switch key {
		case "source":
			m.Source = p.string()
		case "target":
			m.Target = p.string()
		case "readOnly":
			m.ReadOnly = p.bool()
		case "size":
			m.Size = p.int()
		case "layer":
			m.Layer = p.string()
		case "own":
			m.Own = p.bool()
		case "keep":
			m.Keep = p.strings()
		default:
			p.skip()
		}
	})
}

func (c *Command) parse(p *parser) {
	p.object(func(key string) {
		switch key {
		case "start":
			c.Start = p.string()
		case "stop":
			c.Stop = p.strings()
		case "exit":
			c.Exit = p.string()
		case "fetch":
			c.Fetch = &Fetch{}
			c.Fetch.parse(p)
		case "grace":
			c.Grace = time.Duration(p.int())
		default:
			p.skip()
		}
	})
}

func (f *Fetch) parse(p *parser) {
	p.object(func(key string) {
		switch key {
		case "port":
			f.Port = int(p.int())
		case "request":
			f.Request = p.string()
		case "file":
			f.File = p.string()
		case "max":
			f.Max = int(p.int())
		default:
			p.skip()
		}
	})
}

// What a shim writes: a member of each is written with its comma, which the end of the object takes the place of.

type object []byte

func (o object) name(key string) object { return append(append(append(o, '"'), key...), '"', ':') }

func (o object) int(key string, n int64) object {
	return append(strconv.AppendInt(o.name(key), n, 10), ',')
}

func (o object) bool(key string, yes bool) object {
	return append(strconv.AppendBool(o.name(key), yes), ',')
}

// text needs no more than this for a reader that takes bytes which are no UTF-8 for what they are not.
func (o object) text(key, value string) object {
	o = append(o.name(key), '"')
	const digits = "0123456789abcdef"
	for i := range len(value) {
		switch c := value[i]; {
		case c == '"' || c == '\\':
			o = append(o, '\\', c)
		case c < ' ':
			o = append(o, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			o = append(o, c)
		}
	}
	return append(o, '"', ',')
}

func (o object) stamp(key string, s Stamp) object {
	o = append(o.name(key), `{"wall":"`...)
	o = append(s.Wall.AppendFormat(o, time.RFC3339Nano), `","boot":`...)
	return append(strconv.AppendInt(o, int64(s.Boot), 10), '}', ',')
}

func (o object) end() []byte { return append(o[:len(o)-1], '}', '\n') }

func (c Claim) line() []byte {
	o := object("{").int("pid", int64(c.PID))
	o = append(strconv.AppendUint(o.name("starttime"), c.StartTime, 10), ',')
	return o.text("bootID", c.BootID).end()
}

func (d Done) line() []byte { return object("{").text("why", d.Why).stamp("at", d.At).end() }

func (s Started) line() []byte {
	return object("{").int("pid", int64(s.PID)).stamp("started", s.Started).end()
}

func (e Exited) line() []byte {
	o := object("{").int("code", int64(e.Code))
	if e.Signal != 0 {
		o = o.int("signal", int64(e.Signal))
	}
	if e.OOM {
		o = o.bool("oom", true)
	}
	if e.Over != "" {
		o = o.text("over", e.Over)
	}
	if e.Error != "" {
		o = o.text("error", e.Error)
	}
	return o.stamp("started", e.Started).stamp("finished", e.Finished).end()
}

func (f Fetched) line() []byte {
	o := append(object("{").name("answer"), '"')
	o = append(base64.StdEncoding.AppendEncode(o, f.Answer), '"', ',')
	if f.Error != "" {
		o = o.text("error", f.Error)
	}
	return o.end()
}
