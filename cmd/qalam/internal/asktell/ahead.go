package asktell

import (
	"errors"
	"math"

	"qalam/suggest"
)

// searcher is the algorithm of a session, which is told outcomes and hands out one suggestion after the other.
type searcher interface {
	tell(o suggest.Outcome) error
	// insert tells a trial of the caller's own, which takes its number from what is handed out next.
	insert(o suggest.Outcome) error
	// next proposes up to n trials numbered from first.
	next(first, n int) ([]suggest.Suggestion, error)
	// prepare begins to make what is to be handed out next, after an answer is on its way.
	prepare()
	close()
}

// direct asks when it is asked.
type direct struct{ suggest.Suggester }

func (d direct) tell(o suggest.Outcome) error                    { return d.Tell([]suggest.Outcome{o}) }
func (d direct) insert(o suggest.Outcome) error                  { return d.tell(o) }
func (d direct) next(first, n int) ([]suggest.Suggestion, error) { return d.Ask(first, n) }
func (d direct) prepare()                                        {}
func (d direct) close()                                          {}

// ahead always has some suggestions prepared. One job after the other is done beside the session, in the order of the lines that
// led to them: a suggestion is made with what was told before the one was handed out that stands so many before it, whether that was
// long ago or just now. So the order of the lines decides what is suggested, and how fast they come does not.
type ahead struct {
	jobs    chan func(*preparer)
	results chan prepared
	count   int  // suggestions to have prepared
	under   int  // asked for and not taken yet
	dry     bool // when asked last, there was none: nothing is prepared until there is one again
}

// prepared is a suggestion, or why there is none.
type prepared struct {
	suggest.Suggestion
	err error
}

// preparer is used by the goroutine that does the jobs.
type preparer struct {
	suggester suggest.Suggester
	number    int               // of the next suggestion
	waiting   []suggest.Outcome // prepared last, by number: among them all that were not handed out
	count     int               // of these, at most
	err       error             // that ends the search
}

func newAhead(s suggest.Suggester, count int) *ahead {
	a := &ahead{jobs: make(chan func(*preparer), 1024), results: make(chan prepared, count+1), count: count}
	go func() {
		p := &preparer{suggester: s, number: 1, count: count}
		for job := range a.jobs {
			job(p)
		}
	}()
	a.prepare()
	return a
}

func (a *ahead) prepare() {
	for ; a.under < a.count && !a.dry; a.under++ {
		a.ask()
	}
}

func (a *ahead) ask() { a.jobs <- func(p *preparer) { a.results <- p.prepare() } }

func (a *ahead) tell(o suggest.Outcome) error {
	a.jobs <- func(p *preparer) { p.tell(o) }
	return nil
}

func (a *ahead) insert(o suggest.Outcome) error {
	a.jobs <- func(p *preparer) { p.insert(o) }
	return nil
}

// next takes what is prepared. Where nothing could be, because results were missing, it asks once more.
func (a *ahead) next(_, n int) (taken []suggest.Suggestion, err error) {
	for len(taken) < n {
		last := a.under == 0
		if last {
			a.ask()
			a.under++
		}
		r := <-a.results
		a.under--
		switch {
		case r.err == nil:
			taken, a.dry = append(taken, r.Suggestion), false
		case last, !errors.Is(r.err, suggest.ErrWait) && !errors.Is(r.err, suggest.ErrExhausted):
			a.dry = true
			return taken, r.err
		}
	}
	return taken, nil
}

func (a *ahead) close() { close(a.jobs) }

// prepare makes the next suggestion and tells it as pending.
func (p *preparer) prepare() prepared {
	if p.err != nil {
		return prepared{err: p.err}
	}
	all, err := p.suggester.Ask(p.number, 1)
	if len(all) == 0 {
		return prepared{err: err}
	}
	o := suggest.Outcome{Number: p.number, Assignment: all[0].Assignment, Value: math.NaN(), Labels: all[0].Labels}
	p.tell(o)
	p.waiting = append(p.waiting[max(0, len(p.waiting)-p.count):], o)
	p.number++
	return prepared{Suggestion: all[0], err: p.err}
}

func (p *preparer) tell(outcomes ...suggest.Outcome) {
	if p.err == nil {
		p.err = p.suggester.Tell(outcomes)
	}
}

// insert gives the numbers from that of the outcome on to the prepared suggestions once more, each the next one.
func (p *preparer) insert(o suggest.Outcome) {
	told := []suggest.Outcome{o}
	for i := range p.waiting {
		if w := &p.waiting[i]; w.Number >= o.Number {
			w.Number++
			told = append(told, *w)
		}
	}
	p.number = max(p.number+1, o.Number+1)
	p.waiting = told[1:]
	p.tell(told...)
}
