-- +goose Up
-- What search algorithms are told of a trial beside the value of its objective, and what they learn from other experiments.
ALTER TABLE trials ADD COLUMN step   INTEGER; -- of the last report, 0 where unknown; NULL in rows of schema version 1
ALTER TABLE trials ADD COLUMN others BLOB;    -- values of the second and further metrics, little-endian float64s; NULL when there are none

CREATE TABLE earlier ( -- written once, when the experiment is created
  experiment INTEGER PRIMARY KEY REFERENCES experiments (id),
  data       BLOB NOT NULL,
  sum        INTEGER NOT NULL
);

PRAGMA user_version = 2;
