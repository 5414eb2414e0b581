package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// columns begin as files of peers' curves do, and end with what those do not have.
var columns = []string{
	"method", "problem", "seed", "trials", "regret_20", "regret_30", "regret_50", "regret_75", "regret_100", "regret_200", "ask_s", "tell_s",
	"regret_10", "workers", "time", "path",
}

// failureMark begins a line about a search that broke.
const failureMark = "# failed: "

// records are searches by what identifies them.
type records struct {
	list     []*record
	index    map[recordKey]*record
	failures []failure
}

type recordKey struct {
	method, problem string
	seed, workers   int
}

// failure is a search that broke.
type failure struct{ method, problem, seed, why string }

func (r *record) key() recordKey { return recordKey{r.method, r.problem, r.seed, r.workers} }

func newRecords() *records { return &records{index: map[recordKey]*record{}} }

// add takes a record in the place of one of the same search, unless that was longer.
func (rs *records) add(r *record) {
	old := rs.index[r.key()]
	switch {
	case old == nil:
		rs.list = append(rs.list, r)
	case old.trials > r.trials:
		return
	default:
		rs.list[slices.Index(rs.list, old)] = r
	}
	rs.index[r.key()] = r
}

// row writes a record as a line.
func (r *record) row() string {
	regret := func(trials int) string {
		v, ok := r.at(min(trials, r.trials))
		if !ok {
			return ""
		}
		return short(v)
	}
	path := make([]string, len(r.path))
	for i, s := range r.path {
		path[i] = fmt.Sprintf("%d:%s", s.trial, short(s.regret))
	}
	fields := []string{r.method, r.problem, strconv.Itoa(r.seed), strconv.Itoa(r.trials)}
	for _, t := range []int{20, 30, 50, 75, 100, 200} {
		fields = append(fields, regret(t))
	}
	fields = append(fields, fmt.Sprintf("%.3f", r.ask.Seconds()), fmt.Sprintf("%.3f", r.tell.Seconds()),
		regret(10), strconv.Itoa(r.workers), short(r.time), strings.Join(path, ";"))
	return strings.Join(fields, ",")
}

// short writes a number with six digits.
func short(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }

// read adds the records of a file, which may be compressed by gzip.
func (rs *records) read(path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		unzipped, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if data, err = io.ReadAll(unzipped); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
	}
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	var names []string
	for number := 1; lines.Scan(); number++ {
		line := lines.Text()
		if text, ok := strings.CutPrefix(line, failureMark); ok {
			parts := append(strings.SplitN(text, ",", 4), "", "", "")
			rs.failures = append(rs.failures, failure{parts[0], parts[1], parts[2], parts[3]})
			continue
		}
		fields := strings.Split(line, ",")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case fields[0] == columns[0]:
			names = fields
		case names == nil:
			return fmt.Errorf("%s, line %d: no line before it names the columns: begin the file with %s", path, number, strings.Join(columns, ","))
		default:
			r, err := parse(names, fields)
			if err != nil {
				return fmt.Errorf("%s, line %d: %w", path, number, err)
			}
			rs.add(r)
		}
	}
	return lines.Err()
}

// parse reads one line of a file whose columns have these names.
func parse(names, fields []string) (*record, error) {
	if len(fields) > len(names) {
		return nil, fmt.Errorf("it has %d fields, more than the %d columns", len(fields), len(names))
	}
	r := &record{workers: 1, fixed: map[int]float64{}}
	var errs []error
	number := func(text string) float64 {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			errs = append(errs, err)
		}
		return v
	}
	for i, text := range fields {
		name := names[i]
		at, isRegret := strings.CutPrefix(name, "regret_")
		switch {
		case text == "":
		case name == "method":
			r.method = text
		case name == "problem":
			r.problem = text
		case name == "seed":
			r.seed = int(number(text))
		case name == "trials":
			r.trials = int(number(text))
		case name == "workers":
			r.workers = int(number(text))
		case name == "time":
			r.time = number(text)
		case name == "ask_s":
			r.ask = time.Duration(number(text) * float64(time.Second))
		case name == "tell_s":
			r.tell = time.Duration(number(text) * float64(time.Second))
		case isRegret:
			r.fixed[int(number(at))] = number(text)
		case name == "path":
			for part := range strings.SplitSeq(text, ";") {
				trials, regret, _ := strings.Cut(part, ":")
				r.path = append(r.path, step{int(number(trials)), number(regret)})
			}
		}
	}
	if r.path != nil {
		r.fixed = nil
	}
	if r.method == "" || r.problem == "" || r.trials == 0 {
		errs = append(errs, errors.New("method, problem or trials are missing"))
	}
	return r, errors.Join(errs...)
}

// output appends records to a file as they are made.
type output struct {
	file *os.File
}

// openOutput continues a file of records, of which it reads what it holds, or begins it. No path means no file.
func openOutput(path string, known *records) (*output, error) {
	if path == "" {
		return nil, nil
	}
	if err := known.read(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && info.Size() == 0 {
		_, err = fmt.Fprintln(file, strings.Join(columns, ","))
	}
	return &output{file}, err
}

func (o *output) write(r *record) error {
	if o == nil {
		return nil
	}
	_, err := fmt.Fprintln(o.file, r.row())
	return err
}

func (o *output) fail(f failure) error {
	if o == nil {
		return nil
	}
	_, err := fmt.Fprintln(o.file, failureMark+strings.Join([]string{f.method, f.problem, f.seed, strings.Join(strings.Fields(f.why), " ")}, ","))
	return err
}

// close ends the file.
func (o *output) close() error {
	if o == nil {
		return nil
	}
	return o.file.Close()
}

// positive replaces what has no logarithm.
func positive(v, floor float64) float64 {
	if math.IsNaN(v) {
		return v
	}
	return max(v, floor)
}
