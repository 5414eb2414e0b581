package cmaes

import (
	"slices"
	"strconv"
	"strings"

	"qalam/suggest"
)

// Which trials make up a generation must follow from the outcomes and the numbers of the trials, not from when they were told. A
// walk goes through the trials by number and reconstructs what was known when each was proposed: the outcomes of all earlier
// trials but those that were then pending, which the trial's label names. What became known since the trial before enters the
// generation at hand, in the order of numbers; with lambda trials it is complete and the distribution moves on. So a late result
// never changes which distribution later trials were drawn from.
//
// Without the label every earlier trial that has ended counts as known. Then a late result changes the generations after it,
// which are made anew.
type walk struct {
	st      *state
	last    int       // number of the last trial that was gone through
	waiting []waiting // trials gone through that have not entered a generation
	members []*member // of the generation at hand
}

// waiting is a trial whose outcome was not known yet.
type waiting struct {
	number int
	asked  *state // what it was drawn from
	missed bool   // its outcome would have entered a generation, had there been one
}

// patience is for how many further trials a result is waited for.
const patience = 1000

// pendingLabel lists the trials that were pending when a trial was proposed: a number in base 16 of which bit i, from the right,
// from 0, stands for the trial i+1 before.
const pendingLabel = "qalam.dev/pending"

// labelReach is how many trials back the label reaches; 63 characters are allowed.
const labelReach = 4 * 63

// pendingSet is which of the trials before one were pending; nil means none.
type pendingSet []bool

// has reports whether the trial before was pending.
func (p pendingSet) has(before int) bool { return before >= 1 && before <= len(p) && p[before-1] }

// readPending reads the label; what it does not understand counts as not pending.
func readPending(labels map[string]string) pendingSet {
	text := labels[pendingLabel]
	if text == "" {
		return nil
	}
	p := make(pendingSet, 4*len(text))
	for i := range text {
		digit, err := strconv.ParseUint(text[len(text)-1-i:len(text)-i], 16, 8)
		if err != nil {
			return nil
		}
		for bit := range 4 {
			p[4*i+bit] = digit>>bit&1 == 1
		}
	}
	return p
}

// write is the label's text, "" where nothing is pending.
func (p pendingSet) write() string {
	var b strings.Builder
	for i := (min(len(p), labelReach)+3)/4 - 1; i >= 0; i-- {
		digit := 0
		for bit := range 4 {
			if p.has(4*i + bit + 1) {
				digit |= 1 << bit
			}
		}
		if digit > 0 || b.Len() > 0 {
			b.WriteString(strconv.FormatInt(int64(digit), 16))
		}
	}
	return b.String()
}

// clone makes a walk that can go on without changing this one.
func (w *walk) clone() *walk {
	return &walk{st: w.st, last: w.last, waiting: slices.Clone(w.waiting), members: slices.Clone(w.members)}
}

// learn takes in what was known when trial number was proposed: the outcomes of those waiting but for the pending ones. It reports
// whether the distribution moved.
func (s *search) learn(w *walk, number int, pending pendingSet) (moved bool) {
	kept := w.waiting[:0]
	for _, e := range w.waiting {
		switch {
		case number-e.number > patience:
			continue
		case pending.has(number - e.number):
			kept = append(kept, e)
			continue
		}
		r := s.history.Get(e.number)
		if r == nil || r.State == suggest.Pending {
			e.missed = true
			kept = append(kept, e)
			continue
		}
		moved = s.enter(w, e, r) || moved
	}
	clear(w.waiting[len(kept):])
	w.waiting = kept
	return moved
}

// enter makes an outcome a member of the generation at hand.
func (s *search) enter(w *walk, e waiting, r *suggest.Record) (moved bool) {
	if e.asked.descent.number != w.st.descent.number {
		return false // drawn where an earlier descent has ended
	}
	sample, drawn := s.drawer.find(e.asked, r)
	if !drawn {
		sample = s.drawer.place(r)
	}
	if !drawn || e.asked != w.st {
		w.st.gaussian.adopt(&sample, w.st.longest)
	}
	w.members = append(w.members, newMember(sample, r))
	if len(w.members) < w.st.lambda {
		return false
	}
	w.st = s.start.next(w.st, w.members, s.drawer.axes)
	w.members = nil
	return true
}

// step goes through one more trial, whose number is greater than that of the last.
func (s *search) step(w *walk, r *suggest.Record) (moved bool) {
	moved = s.learn(w, r.Number, readPending(r.Labels))
	w.waiting = append(w.waiting, waiting{number: r.Number, asked: w.st})
	w.last = r.Number
	return moved
}

// stands reports whether a walk is the same after a trial was told about.
func (w *walk) stands(c suggest.Change) bool {
	number := c.New.Number
	if number > w.last {
		return true
	}
	if c.Old == nil || c.Old.Labels[pendingLabel] != c.New.Labels[pendingLabel] {
		return false
	}
	i := slices.IndexFunc(w.waiting, func(e waiting) bool { return e.number == number })
	return i >= 0 && (!w.waiting[i].missed || c.New.State == suggest.Pending)
}
