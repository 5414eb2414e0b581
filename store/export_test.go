package store

import (
	"io/fs"
	"testing/fstest"
)

// Migrations are those of this version with one more, for tests of what a later version will do.
func Migrations(next string) Options {
	all := firstMigrations("00001_init.sql", "00002_learned.sql")
	all["00003_next.sql"] = &fstest.MapFile{Data: []byte("-- +goose Up\n" + next + "\nPRAGMA user_version = 3;\n")}
	return Options{migrations: all}
}

// firstMigrations are some of those of this version.
func firstMigrations(names ...string) fstest.MapFS {
	some := fstest.MapFS{}
	for _, name := range names {
		data, err := fs.ReadFile(migrations, name)
		if err != nil {
			panic(err)
		}
		some[name] = &fstest.MapFile{Data: data}
	}
	return some
}

// CheckLibrary is checkLibrary.
var CheckLibrary = checkLibrary
