package metrics

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
)

// benchScan feeds a source of about 64 KiB, over and over, and reports lines (or records) per second.
func benchScan(b *testing.B, s Scanner, data []byte, lines, points int) {
	b.Helper()
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if p, n := s.Scan(data, 0, false); n != len(data) || len(p) != points {
			b.Fatalf("%d points, %d of %d bytes", len(p), n, len(data))
		}
	}
	b.ReportMetric(float64(lines)*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func repeat(line func(i int) string, n int) []byte {
	var b bytes.Buffer
	for i := range n {
		b.WriteString(line(i))
	}
	return b.Bytes()
}

func matching(i int) string { return fmt.Sprintf("epoch=%d loss=0.%06d accuracy=0.9%03d\n", i, i, i) }

func noise(i int) string {
	return fmt.Sprintf("INFO worker %d: loading shard %d of the training set from the cache\n", i, i)
}

func assigning(i int) string {
	return fmt.Sprintf("INFO lr=0.0%d momentum=0.9 batch_size=%d seed=1\n", i, i)
}

func BenchmarkText(b *testing.B) {
	const n = 1000
	user := `([\w|-]+)\s*[:=]\s*([+-]?\d*(\.\d+)?([Ee][+-]?\d+)?)`
	for _, c := range []struct {
		name   string
		line   func(int) string
		filter []string
		points int
		missed bool // no metric is found at all, so near misses are looked for
	}{
		{"matching", matching, nil, 2 * n, false},
		{"one_metric", func(i int) string { return fmt.Sprintf("loss=0.%06d\n", i) }, nil, n, false},
		{"timestamped", func(i int) string { return "2026-01-01T00:00:00.123Z INFO " + matching(i) }, nil, 2 * n, false},
		{"noise", noise, nil, 0, false},
		{"other_names", assigning, nil, 0, false},
		{"noise_unseen", noise, nil, 0, true},
		{"near_misses", func(i int) string { return fmt.Sprintf("Epoch %d: Loss: 0.%06d\n", i, i) }, nil, 0, true},
		{"ansi", func(i int) string { return fmt.Sprintf("\x1b[32mloss\x1b[0m=\x1b[1m0.%06d\x1b[0m\n", i) }, nil, n, false},
		{"progress_bar", func(i int) string { return fmt.Sprintf("\r%3d%%|####      | loss=0.%06d", i%100, i) }, nil, n - 1, false},
		{"user_matching", matching, []string{user}, 2 * n, false},
		{"user_noise", noise, []string{user}, 0, false},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := text0(b, "loss;accuracy", c.filter...)
			if !c.missed {
				s.Scan([]byte("loss=1 accuracy=1\n"), 0, false)
			}
			data := repeat(c.line, n)
			if c.name == "progress_bar" {
				data = data[:bytes.LastIndexByte(data, '\r')+1]
			}
			benchScan(b, s, data, n, c.points)
		})
	}
}

func BenchmarkJSON(b *testing.B) {
	line := func(i int) string {
		return fmt.Sprintf(`{"timestamp":"2026-01-01T00:00:00.5Z","epoch":%d,"loss":0.%06d,"accuracy":"0.9%03d","lr":[1e-3]}`+"\n", i, i, i)
	}
	benchScan(b, json0(b, "loss;accuracy"), repeat(line, 1000), 1000, 2000)
}

func BenchmarkTFEvent(b *testing.B) {
	line := func(i int) string { return string(record(scalarEvent("loss", int64(i), 1/float32(i+1)))) }
	benchScan(b, events(b, "", "loss"), repeat(line, 1000), 1000, 1000)
}

func BenchmarkPrometheus(b *testing.B) {
	page := repeat(func(i int) string { return fmt.Sprintf("metric_%d{rank=\"0\",phase=\"train\"} 0.%06d\n", i, i) }, 999)
	page = append(page, "loss{rank=\"0\"} 0.5\n"...)
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	at := time.Unix(1767225600, 0)
	for b.Loop() {
		if p := ParsePrometheus(page, []string{"loss"}, at); len(p) != 1 {
			b.Fatalf("%d points", len(p))
		}
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
}

func BenchmarkSummaryAdd(b *testing.B) {
	var s Summary
	p := Point{Name: "loss", Value: 1, Time: time.Unix(1767225600, 0)}
	b.ReportAllocs()
	for b.Loop() {
		p.Value += 0.5
		p.Time = p.Time.Add(time.Microsecond)
		s.Add(p)
	}
}

// BenchmarkDearFilter shows the worst that one long line and one short line can cost with the largest filter allowed.
func BenchmarkDearFilter(b *testing.B) {
	filter := `(\pL{1,480})\s*=\s*(\pN{1,480})`
	for _, c := range []struct{ name, line string }{
		{"long_line", "loss " + strings.Repeat("é", MaxLine/2-10) + "\n"},
		{"short_line", "loss " + strings.Repeat("é", 40) + "\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			benchScan(b, text0(b, "loss", filter), []byte(c.line), 1, 0)
		})
	}
}
