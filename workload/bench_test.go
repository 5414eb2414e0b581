package workload

import (
	"os"
	"testing"
)

func BenchmarkExpand(b *testing.B) {
	text, err := os.ReadFile("testdata/tutorial.json")
	if err != nil {
		b.Fatal(err)
	}
	for name, text := range map[string]string{"tutorial": string(text), "500 tasks": tfJob("", "PS 100", "Worker 400")} {
		o := decode(b, text)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Expand(o, Options{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkJudge(b *testing.B) {
	j := mustExpand(b, pytorchJob("", "Master 1", "Worker 1"), Options{})
	s := observe(b, j, "run", "run")
	b.ReportAllocs()
	for b.Loop() {
		j.Judge(s, at(5))
	}
}
