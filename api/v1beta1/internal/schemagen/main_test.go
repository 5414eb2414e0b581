package main

import (
	"bytes"
	"os"
	"testing"
)

func TestTheCommittedSchemaIsCurrent(t *testing.T) {
	t.Chdir("../..")
	got, err := generate(".")
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Error("experiment.schema.json differs from what the types and comments say: run go generate ./api/...")
	}
}
