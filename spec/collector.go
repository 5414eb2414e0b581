package spec

import (
	"path"
	"regexp"
	"strings"

	"qalam/api/v1beta1"
)

// maxFilter is the length of a filter in bytes: longer ones are no filters but accidents.
const maxFilter = 1 << 10

func (b *builder) collector() {
	m := b.wire.Spec.MetricsCollectorSpec
	const at = "spec.metricsCollectorSpec"
	c := &b.out.Collector
	c.Kind, c.Format = m.Collector.Kind, string(v1beta1.TextFormat)
	source := m.Source
	if source == nil {
		source = &v1beta1.SourceSpec{}
	}
	file := source.FileSystemPath
	filePath := at + ".source.fileSystemPath"
	switch c.Kind {
	case v1beta1.NoneCollector, v1beta1.PushCollector:
		c.Kind = v1beta1.PushCollector
		m.Collector.Kind = c.Kind
		return
	case v1beta1.StdOutCollector:
		c.Path = ""
	case v1beta1.FileCollector:
		b.filePath(file, filePath, v1beta1.FileKind, "file path where metrics file exists is required")
		c.Path, c.Format = file.Path, string(file.Format)
		switch {
		case file.Format != v1beta1.TextFormat && file.Format != v1beta1.JSONFormat:
			b.err(filePath+".format", oneOf(string(file.Format), "TEXT", "JSON"), "format of metrics file is required for metrics collector")
		case file.Format == v1beta1.JSONFormat && source.Filter != nil:
			b.err(at+".source.filter", "remove the filter, or write TEXT", "filter must be nil when format of metrics file is json")
		}
	case v1beta1.TfEventCollector:
		b.filePath(file, filePath, v1beta1.DirectoryKind, "directory path where tensorflow event files exist is required")
		c.Path = file.Path
		if file.Format != "" {
			b.err(filePath+".format", "remove it", "must be empty")
		}
	case v1beta1.PrometheusMetricCollector:
		b.page(source.HttpGet, at+".source.httpGet")
	case v1beta1.CustomCollector:
		if m.Collector.CustomCollector == nil {
			b.err(at+".collector.customCollector", "", "metrics collector kind: Custom is required")
		}
		c.Custom = m.Collector.CustomCollector
		if file != nil {
			c.Path = file.Path
			if !path.IsAbs(file.Path) || file.Kind != v1beta1.DirectoryKind && file.Kind != v1beta1.FileKind {
				b.err(filePath, "give an absolute path, and kind File or Directory", ".spec.metricsCollectorSpec.source is invalid")
			}
		}
	default:
		b.err(at+".collector.kind", oneOf(string(c.Kind), "StdOut", "File", "TensorFlowEvent", "PrometheusMetric", "Custom", "Push"),
			"invalid metrics collector kind: %s", c.Kind)
	}
	if source.Filter != nil {
		b.filters(source.Filter.MetricsFormat, at+".source.filter.metricsFormat")
	}
}

func (b *builder) filePath(file *v1beta1.FileSystemPath, at string, kind v1beta1.FileSystemKind, problem string) {
	if file.Kind != kind {
		b.err(at+".kind", "write "+string(kind), "%s", problem)
	}
	if !path.IsAbs(file.Path) {
		b.err(at+".path", "give an absolute path", "%s", problem)
	}
}

// page checks where a container shows its metrics.
func (b *builder) page(get *v1beta1.HTTPGetAction, at string) {
	port, problem := integer(string(*get.Port), 32)
	if problem != "" || port <= 0 || port > 65535 {
		b.err(at+".port", "1 to 65535", "must be a positive integer value for metrics collector kind: PrometheusMetric")
	}
	if !strings.HasPrefix(get.Path, "/") {
		b.err(at+".path", "begin it with a /", "path is invalid for metrics collector kind: PrometheusMetric")
	}
	b.out.Collector.Path, b.out.Collector.Port = get.Path, int(port)
}

// filters checks regular expressions: two groups, the first of which is the metric's name and the second its value.
func (b *builder) filters(list []string, at string) {
	for i, text := range list {
		p := item(at, i)
		if len(text) > maxFilter {
			b.err(p, "", "a filter may not be longer than %d characters", maxFilter)
			continue
		}
		re, err := regexp.Compile(text)
		switch {
		case err != nil:
			b.err(p, "see https://golang.org/s/re2syntax", "invalid filter: %v", err)
		case re.NumSubexp() < 2:
			b.err(p, `put the name and the value in brackets each, as in (\w+)=(\S+)`, "two top subexpressions are required")
		}
	}
	b.out.Collector.Filters = list
}
