package engine

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"qalam/experiment"
	"qalam/runner"
	"qalam/store"
	"qalam/suggest"
)

// checkpoints are the folders of trials that are over, as far as any may have to go. Where the algorithm says of which trials it
// will have none continued any more, these go. What goes is decided anew whenever a trial has ended and all that is known is
// recorded, from what is recorded alone: so a folder that a crash saved goes later, and none goes that is needed after a crash.
type checkpoints struct {
	keeper  runner.Checkpoints // nil where trials have none
	limited bool               // the algorithm says of which trials it will have none continued
	numbers []int              // of trials that are over and may have a folder; empty where it does not
	due     bool               // a trial has ended since they were last looked at
}

// findCheckpoints finds what earlier engines left.
func (r *run) findCheckpoints() error {
	keeper, ok := r.e.runner.(runner.Checkpoints)
	if !ok || r.state.Spec.CheckpointDir() == "" {
		return nil
	}
	r.checkpoints = checkpoints{keeper: keeper, limited: suggest.MayBeParent(r.suggester) != nil, due: true}
	if !r.checkpoints.limited {
		return nil
	}
	names, err := keeper.Kept(r.state.UID)
	if err != nil {
		return fmt.Errorf("list the checkpoints of experiment %s: %w", r.state.Spec.Name, err)
	}
	slices.Sort(names)
	for n := 1; n < r.state.Next && len(names) > 0; n++ {
		_, found := slices.BinarySearch(names, experiment.TrialName(r.state.Spec.Name, r.state.UID, n))
		if _, active := r.state.ActiveTrial(n); found && !active {
			r.checkpoints.numbers = append(r.checkpoints.numbers, n)
		}
	}
	return nil
}

// concludeCheckpoint takes note of a trial that is over. Nobody goes on from one that failed, whatever the algorithm.
func (r *run) concludeCheckpoint(t experiment.Trial) {
	c := &r.checkpoints
	failed := t.State == experiment.TrialFailed || t.State == experiment.TrialMetricsUnavailable
	switch {
	case c.limited:
		c.numbers, c.due = append(c.numbers, t.Number), true
	case c.keeper != nil && failed:
		r.effects = append(r.effects, func(context.Context) error {
			r.discard(t.Number)
			return nil
		})
	}
}

// discardCheckpoints removes the checkpoints that nobody needs: not the optimal trial's, which people want, not that of the
// parent of a trial that is not over, which may have to start again, and none that the algorithm may have continued. It must be
// called when nothing waits to be recorded.
func (r *run) discardCheckpoints() {
	c := &r.checkpoints
	if !c.limited || !c.due || r.asking { // an algorithm that is being asked may be naming a parent
		return
	}
	c.due = false
	needed := map[int]bool{}
	if best := r.state.Optimal; best != nil {
		needed[best.Number] = true
	}
	for _, t := range r.state.Active {
		if parent, err := strconv.Atoi(t.Labels[suggest.ParentLabel]); err == nil {
			needed[parent] = true
		}
	}
	mayBeParent := suggest.MayBeParent(r.suggester)
	c.numbers = slices.DeleteFunc(c.numbers, func(n int) bool {
		if needed[n] || mayBeParent(n) {
			return false
		}
		r.discard(n)
		return true
	})
}

// discard removes the checkpoint of a trial. What cannot be removed holds nothing up: it is told, and tried by the next engine.
func (r *run) discard(number int) {
	name := experiment.TrialName(r.state.Spec.Name, r.state.UID, number)
	if err := r.checkpoints.keeper.Discard(r.state.UID, name); err != nil {
		r.batch.Events = append(r.batch.Events, store.Event{Time: time.Now(), Trial: number, Kind: "CheckpointLeft", Message: err.Error()})
		r.recordDirty = true
	}
	failpoint("discarded")
}
