package storetest

import "testing"

func TestMemory(t *testing.T) {
	TestStore(t, func(*testing.T) func() Store {
		m := NewMemory()
		return func() Store { return m.Again() }
	})
}
