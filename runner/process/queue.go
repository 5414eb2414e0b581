package process

import (
	"sync"

	"qalam/runner"
)

// queue holds the newest report of each attempt until it is read, so that a slow reader never holds up a supervisor.
type queue struct {
	out    chan runner.Report
	wake   chan struct{}
	done   chan struct{}
	pumped sync.WaitGroup

	mu     sync.Mutex
	order  []runner.ID
	newest map[runner.ID]runner.Report
}

func newQueue() *queue {
	q := &queue{out: make(chan runner.Report), wake: make(chan struct{}, 1), done: make(chan struct{}), newest: map[runner.ID]runner.Report{}}
	q.pumped.Go(q.pump)
	return q
}

func (q *queue) put(r runner.Report) {
	q.mu.Lock()
	if _, waits := q.newest[r.ID]; !waits {
		q.order = append(q.order, r.ID)
	}
	q.newest[r.ID] = r
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

func (q *queue) take() (runner.Report, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.order) == 0 {
		q.order = nil // gives the memory of a burst back
		return runner.Report{}, false
	}
	id := q.order[0]
	q.order = q.order[1:]
	r := q.newest[id]
	delete(q.newest, id)
	return r, true
}

func (q *queue) pump() {
	defer close(q.out)
	for {
		r, ok := q.take()
		if !ok {
			select {
			case <-q.wake:
				continue
			case <-q.done:
				return
			}
		}
		select {
		case q.out <- r:
		case <-q.done:
			return
		}
	}
}

func (q *queue) close() {
	close(q.done)
	q.pumped.Wait()
}
