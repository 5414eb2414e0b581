package store_test

import (
	"context"
	"testing"

	"go.uber.org/goleak"

	"qalam/store"
	"qalam/store/storetest"
)

var ctx = context.Background()

func open(t testing.TB, dir string) *store.SQLite {
	t.Helper()
	s, err := store.Open(ctx, dir, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestSQLite(t *testing.T) {
	defer goleak.VerifyNone(t)
	storetest.TestStore(t, func(t *testing.T) func() storetest.Store {
		dir := t.TempDir()
		return func() storetest.Store { return open(t, dir) }
	})
}
