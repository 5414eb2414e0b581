package tpe

import (
	"math"
	"slices"

	"qalam/suggest/normal"
)

// memo keeps the tables of ordinal kernels: by value of the axis, ln h_ij less the logarithm of the kernel's mass over the interval of
// the value, relative to the interval's length. They are filled in as they are needed.
type memo struct {
	axes     []axis
	computed [][][]table // by axis and value
	logs     []float64   // tables: σ, then by value, NaN where it was not needed so far
}

// table is where that of a width begins.
type table struct {
	sigma float64
	at    int32
}

func newMemo(axes []axis, over []int) *memo {
	m := &memo{axes: axes}
	if len(over) > 0 {
		m.computed = make([][][]table, len(axes))
	}
	for _, j := range over {
		m.computed[j] = make([][]table, axes[j].count)
	}
	return m
}

// trim forgets all tables when they have become many, and reports whether it did.
func (m *memo) trim() bool {
	const most = 1 << 18 // 2 MiB
	if len(m.logs) <= most {
		return false
	}
	for _, tables := range m.computed {
		for value := range tables {
			tables[value] = nil
		}
	}
	m.logs = m.logs[:0]
	return true
}

// table finds where the table of a kernel begins in logs.
func (m *memo) table(j int, value int32, sigma float64) int32 {
	slot := &m.computed[j][value]
	for _, k := range slices.Backward(*slot) {
		if k.sigma == sigma {
			return k.at
		}
	}
	at := int32(len(m.logs))
	m.logs = append(m.logs, sigma)
	for range m.axes[j].count {
		m.logs = append(m.logs, math.NaN())
	}
	*slot = append(*slot, table{sigma, at})
	return at
}

// lost is by how much the logarithm of a kernel at a value of axis j is less than ln h_ij at another.
func (m *memo) lost(at int32, j int, own, its int32) float64 {
	v := &m.logs[at+1+its]
	if math.IsNaN(*v) {
		sigma, mu, edges := m.logs[at], m.axes[j].middle(own), m.axes[j].edges
		low, high := edges[its], edges[its+1]
		*v = math.Log((high-low)/(sqrt2Pi*sigma)) - normal.LogMass((low-mu)/sigma, (high-mu)/sigma)
	}
	return *v
}
