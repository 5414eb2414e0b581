package problem

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"qalam/space"
)

// column is one digit of a table's key.
type column struct {
	name   string
	values int
	order  bool // the values have an order: methods see whole numbers
}

func ordered(name string, values int) column   { return column{name, values, true} }
func unordered(name string, values int) column { return column{name, values, false} }

var (
	fcnetColumns = []column{
		unordered("activation_fn_1", 2), unordered("activation_fn_2", 2), ordered("batch_size", 4), ordered("dropout_1", 3), ordered("dropout_2", 3),
		ordered("init_lr", 6), unordered("lr_schedule", 2), ordered("n_units_1", 6), ordered("n_units_2", 6),
	}
	hpobenchColumns = []column{ordered("alpha", 10), ordered("batch_size", 10), ordered("depth", 3), ordered("lr", 10), ordered("width", 10)}
	nasbenchColumns = []column{
		unordered("Op0", 5), unordered("Op1", 5), unordered("Op2", 5), unordered("Op3", 5), unordered("Op4", 5), unordered("Op5", 5),
	}
)

// tables makes the problems whose values were measured on real models. Each configuration was trained several times; an
// observation is one of these runs, the truth their mean. Regret is in units of how far the median configuration is from the best.
func tables(data string) []Problem {
	entry := func(name, file string, columns []column, sign float64, logarithm bool) Problem {
		t := &table{path: filepath.Join(data, filepath.FromSlash(file)+".csv.gz"), columns: columns, sign: sign, logarithm: logarithm}
		return Problem{Name: name, Groups: []string{"suite", "tables", "tuning"}, Use: Tuning, Params: columnParams(columns), Objectives: 1, Open: t.open}
	}
	return []Problem{
		entry("fc_slice", "fcnet/slice_localization", fcnetColumns, 1, true), // errors over decades: everyone is told the logarithm
		entry("fc_protein", "fcnet/protein_structure", fcnetColumns, 1, true),
		entry("nb_c10", "nasbench201/cifar10", nasbenchColumns, -1, false),
		entry("nb_c100", "nasbench201/cifar100", nasbenchColumns, -1, false),
		entry("hb_vehicle", "hpobench/vehicle", hpobenchColumns, -1, false),
		entry("hb_phoneme", "hpobench/phoneme", hpobenchColumns, -1, false),
	}
}

func columnParams(columns []column) []space.Parameter {
	params := make([]space.Parameter, len(columns))
	for i, c := range columns {
		p := space.Parameter{Name: c.name, Type: space.Int, Max: float64(c.values - 1)}
		if !c.order {
			p = space.Parameter{Name: c.name, Type: space.Categorical}
			for k := range c.values {
				p.List = append(p.List, fmt.Sprintf("c%d", k))
			}
		}
		params[i] = p
	}
	return params
}

// table is read once, when it is first needed.
type table struct {
	path      string
	columns   []column
	sign      float64 // -1 where larger is better
	logarithm bool

	once         sync.Once
	err          error
	runs         int         // that a configuration has at most
	values       [][]float64 // of the runs of each configuration, in the order of the keys, smaller is better
	means        []float64
	best, median float64
}

func (t *table) open(seed int) (*Instance, error) {
	t.once.Do(func() { t.err = t.read() })
	if t.err != nil {
		return nil, t.err
	}
	rng := NewRandomState(uint32(tableSeed + seed))
	short := rand.New(rand.NewPCG(uint64(seed), tableSeed)) // for the few configurations with fewer runs than the others
	var drawn, drawnShort []int
	return &Instance{
		True: func(x space.Assignment) Result { return value((t.means[t.row(x)] - t.best) / (t.median - t.best)) },
		Observe: func(index int, x space.Assignment) Result {
			for len(drawn) <= index {
				drawn, drawnShort = append(drawn, rng.IntN(t.runs)), append(drawnShort, short.Int())
			}
			runs := t.values[t.row(x)]
			run := drawn[index]
			if len(runs) < t.runs {
				run = drawnShort[index] % len(runs)
			}
			v := runs[run]
			if t.logarithm {
				v = math.Log(v)
			}
			return value(v)
		},
	}, nil
}

func (t *table) row(x space.Assignment) int {
	row := 0
	for i, c := range t.columns {
		row = row*c.values + int(x[i])
	}
	return row
}

func (t *table) read() error {
	file, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the table %s is absent: name the folder of tables with -data or $QALAM_BENCHMARKS", t.path)
	} else if err != nil {
		return err
	}
	defer file.Close()
	unzipped, err := gzip.NewReader(bufio.NewReader(file))
	if err != nil {
		return fmt.Errorf("%s: %w", t.path, err)
	}
	size := 1
	for _, c := range t.columns {
		size *= c.values
	}
	t.means, t.values = make([]float64, size), make([][]float64, size)
	lines := bufio.NewScanner(unzipped)
	count := 0
	for lines.Scan() {
		if err := t.add(lines.Text()); err != nil {
			return fmt.Errorf("%s, line %d: %w", t.path, count+1, err)
		}
		count++
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", t.path, err)
	}
	if count != size {
		return fmt.Errorf("%s has %d configurations instead of %d: fetch it again", t.path, count, size)
	}
	sorted := slices.Sorted(slices.Values(t.means))
	t.best, t.median = sorted[0], (sorted[(size-1)/2]+sorted[size/2])/2
	return nil
}

// add takes one line: the digits of the key, then a value for each run.
func (t *table) add(line string) error {
	fields := strings.Split(line, ",")
	key, texts := fields[0], fields[1:]
	if len(key) != len(t.columns) || len(texts) == 0 {
		return fmt.Errorf("%q is no configuration with its values", line)
	}
	x := make(space.Assignment, len(key))
	for i := range key {
		x[i] = float64(key[i] - '0')
		if !(x[i] >= 0 && int(x[i]) < t.columns[i].values) {
			return fmt.Errorf("%q has no value of index %c", t.columns[i].name, key[i])
		}
	}
	row, sum := t.row(x), 0.0
	t.runs = max(t.runs, len(texts))
	for _, text := range texts {
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return err
		}
		t.values[row] = append(t.values[row], t.sign*v)
		sum += v
	}
	t.means[row] = t.sign * sum / float64(len(texts))
	return nil
}
