package metrics

import (
	"fmt"
	"time"
)

// Config says what a collector reads; the words are those of a Katib Experiment.
type Config struct {
	Kind     string         // StdOut, File, Custom (a file as well) or TensorFlowEvent; the other kinds have nothing to scan
	Format   string         // TEXT or JSON; "" is TEXT
	Names    []string       // the metrics to collect
	Filters  []string       // for TEXT
	Tag      string         // for TensorFlowEvent: the folder of the file (see NewTFEvent)
	Location *time.Location // for TEXT: of times that name no zone; nil is UTC
}

// New returns the Scanner for one source.
func New(c Config) (Scanner, error) {
	switch c.Kind {
	case "StdOut", "File", "Custom", "":
		switch c.Format {
		case "TEXT", "":
			return newText(c.Names, c.Filters, c.Location)
		case "JSON":
			return NewJSON(c.Names)
		}
		return nil, fmt.Errorf("metrics format %q is unknown: use TEXT or JSON", c.Format)
	case "TensorFlowEvent":
		return NewTFEvent(c.Names, c.Tag)
	case "PrometheusMetric":
		return nil, fmt.Errorf("a PrometheusMetric collector has pages, not a stream: use ParsePrometheus")
	case "Push", "None":
		return nil, fmt.Errorf("a collector of kind %s reads nothing", c.Kind)
	}
	return nil, fmt.Errorf("collector kind %q is unknown: use StdOut, File, TensorFlowEvent, PrometheusMetric, Custom, Push or None", c.Kind)
}
