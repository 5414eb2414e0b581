-- +goose Up
-- Identities: trials.id = experiments.id << 32 | number, points.id = sources.id << 24 | chunk, so that all rows of an experiment
-- and all chunks of a source lie together without an index. "sum" columns hold CRC-32C of the row (row.go): SQLite itself does
-- not notice a flipped bit within a value.
PRAGMA application_id = 1902928237; -- "qlam"
PRAGMA user_version = 1;

CREATE TABLE meta (
  id       INTEGER PRIMARY KEY CHECK (id = 1),
  commits  INTEGER NOT NULL, -- transactions so far; the file "commits" says how many were acknowledged
  requests INTEGER NOT NULL  -- raised by everything users do: create, request, delete
);
INSERT INTO meta VALUES (1, 0, 0);

CREATE TABLE experiments (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  uid       TEXT NOT NULL UNIQUE,
  namespace TEXT NOT NULL,
  name      TEXT NOT NULL,
  seed      INTEGER NOT NULL,
  created   INTEGER NOT NULL, -- ns since 1970, as all times of trials and events; 0 means none
  source    BLOB NOT NULL,    -- what the user handed in
  sum       INTEGER NOT NULL,
  UNIQUE (namespace, name)
);

CREATE TABLE records ( -- apart from experiments, because they change often and sources are large
  experiment INTEGER PRIMARY KEY REFERENCES experiments (id),
  data       BLOB NOT NULL,
  sum        INTEGER NOT NULL
);

CREATE TABLE desires (
  experiment INTEGER PRIMARY KEY REFERENCES experiments (id),
  data       BLOB NOT NULL,
  sum        INTEGER NOT NULL
);

CREATE TABLE trials (
  id          INTEGER PRIMARY KEY,
  state       INTEGER NOT NULL, -- index into states (row.go)
  value       REAL,             -- of the objective; NULL when there is no finite one
  assignment  BLOB NOT NULL,    -- little-endian float64s
  name        TEXT NOT NULL,
  attempt     INTEGER NOT NULL,
  started     INTEGER NOT NULL,
  lost        INTEGER NOT NULL,
  not_before  INTEGER NOT NULL,
  created     INTEGER NOT NULL,
  running     INTEGER NOT NULL,
  completed   INTEGER NOT NULL,
  stopping    TEXT NOT NULL,
  stop_detail TEXT NOT NULL,
  reason      TEXT NOT NULL,
  message     TEXT NOT NULL,
  fix         TEXT NOT NULL,
  note        TEXT NOT NULL,
  labels      BLOB,             -- JSON
  observation BLOB,             -- JSON
  sum         INTEGER NOT NULL  -- what History reads in the lower half, the rest in the upper
);
CREATE INDEX trials_by_name ON trials (name);
CREATE INDEX trials_by_state ON trials (state);

CREATE TABLE sources (
  id        INTEGER PRIMARY KEY AUTOINCREMENT,
  trial     INTEGER NOT NULL REFERENCES trials (id),
  attempt   INTEGER NOT NULL,
  key       TEXT NOT NULL,
  epoch     INTEGER NOT NULL,
  position  INTEGER NOT NULL,
  points    INTEGER NOT NULL, -- number of points recorded
  chunk     INTEGER NOT NULL, -- the last chunk, -1 before the first, and its size
  size      INTEGER NOT NULL,
  summaries BLOB,             -- JSON
  sum       INTEGER NOT NULL,
  UNIQUE (trial, attempt, key)
);

CREATE TABLE points (
  id   INTEGER PRIMARY KEY,
  data BLOB NOT NULL -- segments (chunk.go)
);

CREATE TABLE events (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  time       INTEGER NOT NULL,
  experiment INTEGER NOT NULL REFERENCES experiments (id),
  trial      INTEGER NOT NULL, -- number; 0 means the experiment as a whole
  kind       TEXT NOT NULL,
  message    TEXT NOT NULL
);
CREATE INDEX events_by_experiment ON events (experiment);
