package main

import (
	"fmt"

	"qalam/space"
)

// ahead is one of our algorithms with suggestions prepared, as with qalam asktell --ahead: each is made when the one that stands
// count before it is handed out, and knows nothing of what is told after that.
type ahead struct {
	ours
	count int
}

func (a ahead) name() string { return fmt.Sprintf("%s+ahead%d", a.ours.name(), a.count) }

func (a ahead) open(t task) (session, error) {
	inner, err := a.ours.open(t)
	if err != nil {
		return nil, err
	}
	return &prepared{session: inner, number: 1, count: a.count}, nil
}

// prepared is a session that has suggestions ready.
type prepared struct {
	session
	number int // of the next suggestion to be made
	count  int
	ready  []space.Assignment
}

func (p *prepared) ask(_, n int) (out []space.Assignment, all cost, err error) {
	for len(out) < n {
		for len(p.ready) == 0 || len(p.ready) < p.count && p.number <= p.count {
			took, err := p.prepare()
			all.wall, all.cpu = all.wall+took.wall, all.cpu+took.cpu
			if err != nil && len(p.ready) == 0 {
				return out, all, err
			}
		}
		out, p.ready = append(out, p.ready[0]), p.ready[1:]
		if took, err := p.prepare(); err == nil {
			all.wall, all.cpu = all.wall+took.wall, all.cpu+took.cpu
		}
	}
	return out, all, nil
}

// prepare makes the next suggestion.
func (p *prepared) prepare() (cost, error) {
	made, took, err := p.session.ask(p.number, 1)
	p.number += len(made)
	p.ready = append(p.ready, made...)
	return took, err
}
