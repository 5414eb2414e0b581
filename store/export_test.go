package store

import (
	"io/fs"
	"testing/fstest"
)

// Migrations are those of this version with one more, for tests of what a later version will do.
func Migrations(next string) Options {
	first, err := fs.ReadFile(migrations, "00001_init.sql")
	if err != nil {
		panic(err)
	}
	return Options{migrations: fstest.MapFS{
		"00001_init.sql": {Data: first},
		"00002_next.sql": {Data: []byte("-- +goose Up\n" + next + "\nPRAGMA user_version = 2;\n")},
	}}
}

// CheckLibrary is checkLibrary.
var CheckLibrary = checkLibrary
