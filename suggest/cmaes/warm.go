package cmaes

import (
	"cmp"
	"math"
	"slices"

	"qalam/space"
	"qalam/suggest"
)

// warm begins the search where earlier experiments found the best:
//
//	M. Nomura, S. Watanabe, Y. Akimoto, Y. Ozaki, M. Onishi, "Warm starting CMA-ES for hyperparameter optimization", AAAI 2021
//	(arXiv 2012.06932), equations 4 to 6: around each of the best gamma of an experiment's trials lies a normal distribution of
//	standard deviation alpha; the search begins with the one normal distribution that is nearest to their mixture.
//
// It returns the best assignment of each experiment, at most a few, those of the latest experiments first.
func (d *drawer) warm(earlier [][]suggest.Outcome, s *start) (tops []space.Assignment) {
	const gamma, alpha, most = 0.1, 0.1, 3
	var best []*suggest.Record
	for _, outcomes := range slices.Backward(earlier) {
		h := suggest.NewHistory(d.space)
		h.Tell(outcomes)
		records := slices.DeleteFunc(slices.Clone(h.Records()), func(r *suggest.Record) bool {
			return math.IsNaN(r.Value) || r.State != suggest.Completed || !r.Feasible()
		})
		slices.SortStableFunc(records, func(a, b *suggest.Record) int { return cmp.Compare(a.Value, b.Value) })
		best = append(best, records[:int(math.Ceil(gamma*float64(len(records))))]...)
		if len(records) > 0 && len(tops) < most {
			tops = append(tops, records[0].Assignment)
		}
	}
	if len(best) == 0 {
		s.populous()
		return nil
	}
	dims, k := len(d.axes), float64(len(best))
	m, cov := make([]float64, dims), make([]float64, dims*dims)
	for _, r := range best {
		axpy(1/k, d.place(r).v, m)
	}
	for _, r := range best {
		v := d.place(r).v
		axpy(-1, m, v)
		for i := range v {
			axpy(v[i]/k, v, cov[i*dims:(i+1)*dims])
		}
	}
	for i := range m {
		cov[i*dims+i] += alpha * alpha
	}
	s.m = m
	s.spread(cov)
	s.q = d.shares(best)
	return tops
}

// spread makes sigma and C of a covariance: C has determinant 1.
func (s *start) spread(cov []float64) {
	d := len(s.m)
	if d == 0 {
		return
	}
	p := newGaussian(s.m, 1)
	for i := range p.cov {
		if len(p.cov) == d {
			p.cov[i] = cov[i*d+i]
		} else {
			p.cov[i] = cov[i]
		}
	}
	p.factor()
	logarithms := 0.0
	for _, D := range p.D {
		logarithms += math.Log(D)
	}
	s.sigma = math.Exp(logarithms / float64(d))
	s.cov = p.cov
	for i := range s.cov {
		s.cov[i] /= s.sigma * s.sigma
	}
}

// shares are the probabilities of categories after the best trials: their shares, with one more trial spread over all categories.
func (d *drawer) shares(best []*suggest.Record) [][]float64 {
	q := make([][]float64, len(d.cats))
	for i, K := range d.counts {
		q[i] = make([]float64, K)
		for k := range q[i] {
			q[i][k] = 1 / float64(K) / float64(len(best)+1)
		}
		for _, r := range best {
			q[i][int(r.Assignment[d.cats[i]])] += 1 / float64(len(best)+1)
		}
	}
	return q
}
