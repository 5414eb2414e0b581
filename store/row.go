package store

import (
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"
	"strconv"
	"time"

	"qalam/experiment"
	"qalam/space"
)

// states are the states of trials as they are written; what is written stays, new ones go to the end.
var states = []experiment.TrialState{
	experiment.TrialPending, experiment.TrialRunning, experiment.TrialSucceeded, experiment.TrialFailed,
	experiment.TrialKilled, experiment.TrialEarlyStopped, experiment.TrialMetricsUnavailable,
}

// live is the number of states, from the first, that are not terminal.
const live = 2

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// errSum says that a row is not what was written.
var errSum = errors.New("checksum mismatch")

// summer collects the values of a row for its checksum; lengths go in too, so that nothing can move from value to value.
type summer []byte

func (s *summer) int(v int64) { *s = binary.LittleEndian.AppendUint64(*s, uint64(v)) }
func (s *summer) str(v string) {
	s.int(int64(len(v)))
	*s = append(*s, v...)
}
func (s *summer) bytes(v []byte) {
	s.int(int64(len(v)))
	*s = append(*s, v...)
}
func (s summer) sum() int64 { return int64(crc32.Checksum(s, castagnoli)) }

// trialID joins the row of an experiment and the number of a trial.
func trialID(exp int64, number int) int64 { return exp<<32 | int64(number) }

// maxNumber is the highest number that fits a trialID.
const maxNumber = math.MaxInt32

// trialRow is a trial as its columns.
type trialRow struct {
	id         int64
	state      int64
	value      sql.NullFloat64
	assignment []byte
	step       sql.NullInt64 // not valid in rows of schema version 1
	others     []byte

	name                                  string
	attempt, started, lost                int64
	notBefore, created, running, complete int64
	stopping, detail, reason, message     string
	fix, note                             string
	labels, observation                   []byte
	sum                                   int64
}

// trialColumns are the columns of a trialRow, in the order of its fields.
const trialColumns = `id, state, value, assignment, name, attempt, started, lost, not_before, created, running, completed,
	stopping, stop_detail, reason, message, fix, note, labels, observation, step, others, sum`

func (r *trialRow) fields() []any {
	return []any{&r.id, &r.state, &r.value, &r.assignment, &r.name, &r.attempt, &r.started, &r.lost, &r.notBefore, &r.created,
		&r.running, &r.complete, &r.stopping, &r.detail, &r.reason, &r.message, &r.fix, &r.note, &r.labels, &r.observation, &r.step, &r.others, &r.sum}
}

func (r *trialRow) values() []any {
	return []any{r.id, r.state, r.value, r.assignment, r.name, r.attempt, r.started, r.lost, r.notBefore, r.created,
		r.running, r.complete, r.stopping, r.detail, r.reason, r.message, r.fix, r.note, r.labels, r.observation, r.step, r.others, r.sum}
}

// coreSum covers what History reads.
func (r *trialRow) coreSum(buf summer) (summer, int64) {
	buf = buf[:0]
	buf.int(r.id)
	buf.int(r.state)
	if r.value.Valid {
		buf.int(int64(math.Float64bits(r.value.Float64)))
	}
	buf.bytes(r.assignment)
	if r.step.Valid {
		buf.int(r.step.Int64)
		buf.bytes(r.others)
		buf.bytes(r.labels)
	}
	return buf, buf.sum()
}

// checksum computes what the sum column must hold.
func (r *trialRow) checksum(buf summer) (summer, int64) {
	buf, core := r.coreSum(buf)
	buf = buf[:0]
	for _, v := range []int64{r.id, r.attempt, r.started, r.lost, r.notBefore, r.created, r.running, r.complete} {
		buf.int(v)
	}
	for _, v := range []string{r.name, r.stopping, r.detail, r.reason, r.message, r.fix, r.note} {
		buf.str(v)
	}
	buf.bytes(r.labels)
	buf.bytes(r.observation)
	return buf, buf.sum()<<32 | core
}

// metricJSON is a Metric as it is written: JSON numbers cannot be NaN or infinite.
type metricJSON struct {
	Name   string `json:"n"`
	Min    string `json:"a"`
	Max    string `json:"z"`
	Latest string `json:"l"`
	Value  string `json:"v"`
}

// encodeTrial turns a trial into its columns; its experiment is not known yet.
func encodeTrial(t experiment.Trial) (trialRow, error) {
	state := slices.Index(states, t.State)
	switch {
	case state < 0:
		return trialRow{}, fmt.Errorf("trial %d: state %q is not known", t.Number, t.State)
	case t.Number < 1 || t.Number > maxNumber:
		return trialRow{}, fmt.Errorf("trial number %d is not between 1 and %d", t.Number, maxNumber)
	case t.Name == "":
		return trialRow{}, fmt.Errorf("trial %d has no name", t.Number)
	}
	r := trialRow{
		id: int64(t.Number), state: int64(state), assignment: encodeFloats(t.Assignment), name: t.Name,
		attempt: int64(t.Attempt), lost: int64(t.Lost), notBefore: nanos(t.NotBefore), created: nanos(t.Created),
		running: nanos(t.Running), complete: nanos(t.Completed), stopping: string(t.Stopping), detail: t.StopDetail,
		reason: t.Reason, message: t.Message, fix: t.Fix, note: t.Note, step: sql.NullInt64{Int64: t.Step, Valid: true},
	}
	if t.Started {
		r.started = 1
	}
	var err error
	if len(t.Labels) > 0 {
		if r.labels, err = json.Marshal(t.Labels); err != nil {
			return r, fmt.Errorf("labels of trial %d: %w", t.Number, err)
		}
	}
	if len(t.Observation) == 0 {
		return r, nil
	}
	if v := t.Observation[0].Value; !math.IsNaN(v) && !math.IsInf(v, 0) {
		r.value = sql.NullFloat64{Float64: v + 0, Valid: true}
	}
	r.others = encodeFloats(further(t.Observation))
	list := make([]metricJSON, len(t.Observation))
	for i, m := range t.Observation {
		list[i] = metricJSON{m.Name, m.Min, m.Max, m.Latest, strconv.FormatFloat(m.Value, 'g', -1, 64)}
	}
	if r.observation, err = json.Marshal(list); err != nil {
		return r, fmt.Errorf("observation of trial %d: %w", t.Number, err)
	}
	return r, nil
}

// further are the values of all metrics but the first, NaN where they are not finite.
func further(o experiment.Observation) []float64 {
	values := make([]float64, len(o)-1)
	for i, m := range o[1:] {
		if values[i] = m.Value; math.IsInf(m.Value, 0) {
			values[i] = math.NaN()
		}
	}
	return values
}

// sound reports whether the values that History reads are such as are written.
func (r *trialRow) sound() bool {
	return r.state >= 0 && r.state < int64(len(states)) && len(r.assignment)%8 == 0 && len(r.others)%8 == 0
}

// past is what History tells of a row.
func (r *trialRow) past() (Past, error) {
	p := Past{Number: int(r.id & math.MaxUint32), State: states[r.state], Assignment: decodeFloats(r.assignment), Value: math.NaN(),
		Others: decodeFloats(r.others), Step: r.step.Int64}
	if r.value.Valid {
		p.Value = r.value.Float64
	}
	if r.labels == nil {
		return p, nil
	}
	if err := json.Unmarshal(r.labels, &p.Labels); err != nil {
		return p, fmt.Errorf("labels of trial %d: %w", p.Number, err)
	}
	return p, nil
}

// decode checks a row that was read and turns it into a trial.
func (r *trialRow) decode(buf summer) (experiment.Trial, summer, error) {
	buf, sum := r.checksum(buf)
	if sum != r.sum || !r.sound() {
		return experiment.Trial{}, buf, fmt.Errorf("row of trial %d: %w", r.id&maxNumber, errSum)
	}
	t := experiment.Trial{
		Number: int(r.id & math.MaxUint32), Name: r.name, Assignment: decodeFloats(r.assignment), Note: r.note,
		State: states[r.state], Reason: r.reason, Message: r.message, Fix: r.fix, Attempt: int(r.attempt), Started: r.started != 0,
		Lost: int(r.lost), NotBefore: instant(r.notBefore), Stopping: experiment.StopReason(r.stopping), StopDetail: r.detail,
		Created: instant(r.created), Running: instant(r.running), Completed: instant(r.complete), Step: r.step.Int64,
	}
	if r.labels != nil {
		if err := json.Unmarshal(r.labels, &t.Labels); err != nil {
			return t, buf, fmt.Errorf("labels of trial %d: %w", t.Number, err)
		}
	}
	if r.observation == nil {
		return t, buf, nil
	}
	var list []metricJSON
	if err := json.Unmarshal(r.observation, &list); err != nil {
		return t, buf, fmt.Errorf("observation of trial %d: %w", t.Number, err)
	}
	t.Observation = make(experiment.Observation, len(list))
	for i, m := range list {
		v, err := strconv.ParseFloat(m.Value, 64)
		if err != nil {
			return t, buf, fmt.Errorf("observation of trial %d: %w", t.Number, err)
		}
		t.Observation[i] = experiment.Metric{Name: m.Name, Min: m.Min, Max: m.Max, Latest: m.Latest, Value: v}
	}
	return t, buf, nil
}

func encodeFloats(values []float64) []byte {
	b := make([]byte, 0, 8*len(values))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

func decodeFloats(b []byte) space.Assignment {
	if len(b) == 0 {
		return nil
	}
	values := make(space.Assignment, len(b)/8)
	for i := range values {
		values[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
	}
	return values
}

// nanos is a time as it is written; 0 means none.
func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func instant(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}
