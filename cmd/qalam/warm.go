package main

import (
	"context"
	"errors"
	"fmt"

	"qalam/engine"
	"qalam/experiment"
	"qalam/store"
)

// warm takes over what the experiments that a new one is to learn from have found, and says how much that is.
func warm(ctx context.Context, st engine.Library, k *kept) (notes []string, err error) {
	if k.Record.Earlier, notes, err = learn(ctx, st, k.state.Spec); err != nil {
		return nil, err
	}
	k.state.Spec.Earlier, err = engine.ReadEarlier(k.Record.Earlier)
	return notes, err
}

// learn gathers what the experiments that spec.warmStart names have found.
func learn(ctx context.Context, st engine.Library, s experiment.Spec) (data []byte, notes []string, err error) {
	data, taken, err := engine.Earlier(ctx, st, s, registry())
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil, &exitError{exitNotFound, err}
	}
	for _, t := range taken {
		notes = append(notes, fmt.Sprintf("it learns from %d of %s of experiment %s", t.Trials, plural(t.Of, "trial"), t.Experiment))
	}
	return data, notes, err
}

// learnAtHome is learn from the home, for those who have not opened it.
func (a *app) learnAtHome(ctx context.Context, s *experiment.Spec) (notes []string, err error) {
	if len(s.WarmStart) == 0 {
		return nil, nil
	}
	err = a.with(ctx, func(st *store.SQLite) error {
		var data []byte
		if data, notes, err = learn(ctx, st, *s); err != nil {
			return err
		}
		s.Earlier, err = engine.ReadEarlier(data)
		return err
	})
	return notes, err
}
