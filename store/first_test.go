package store

import (
	"context"
	"database/sql"
	"testing"

	"qalam/experiment"
	"qalam/space"
)

// TestFirstVersion reads trials that were written under schema version 1, whose checksums cover less.
func TestFirstVersion(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s, err := Open(ctx, dir, Options{migrations: firstMigrations("00001_init.sql")})
	check(err)
	check(s.Create(ctx, Experiment{UID: "u", Namespace: "n", Name: "one"}))
	check(s.Close())
	want := experiment.Trial{Number: 3, Name: "one-3", State: experiment.TrialSucceeded, Assignment: space.Assignment{0.5, 2},
		Labels: map[string]string{"a": "b"}, Observation: experiment.Observation{{Name: "loss", Latest: "1", Value: 1}, {Name: "size", Latest: "7", Value: 7}}}
	r, err := encodeTrial(want)
	check(err)
	r.id, r.step, r.others = trialID(1, want.Number), sql.NullInt64{}, nil
	_, r.sum = r.checksum(nil)
	values := r.values()
	values = append(values[:20], r.sum)
	db, err := sql.Open("sqlite", dir+"/store.db")
	check(err)
	_, err = db.Exec(`INSERT INTO trials VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, values...)
	check(err)
	check(db.Close())

	s, err = Open(ctx, dir, Options{})
	check(err)
	defer s.Close()
	for p, err := range s.History(ctx, "u") {
		check(err)
		if p.Number != 3 || p.Value != 1 || p.Others != nil || p.Step != 0 || p.Labels["a"] != "b" {
			t.Errorf("history %+v", p)
		}
	}
	for got, err := range s.Trials(ctx, "u", Query{}) {
		check(err)
		if got.Name != want.Name || len(got.Observation) != 2 || got.Observation[1].Value != 7 || got.Labels["a"] != "b" {
			t.Errorf("trial %+v", got)
		}
	}
}
