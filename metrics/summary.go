package metrics

import "time"

// Summary is what counts of the points of one metric. The zero Summary is that of no points. Min, Max and Latest are over the
// finite points and mean nothing while Finite is 0; what is no finite number is counted and its last text is kept, but it
// never becomes any of the three.
//
// The latest point is the one with the greatest Time, and of equal times the one that was added last. The caller fills in the
// time of arrival where the source says none, before it adds; a point without any time is older than every point with one.
type Summary struct {
	Count  int64 `json:"count"`  // points
	Finite int64 `json:"finite"` // of these, finite numbers

	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
	Latest float64 `json:"latest"`

	LatestTime time.Time `json:"latestTime,omitzero"`
	LatestAt   int64     `json:"latestAt,omitempty"` // which of the points Latest is, from 1; 0 when there is none

	Text     string    `json:"text,omitempty"` // of the latest point that is no finite number
	TextTime time.Time `json:"textTime,omitzero"`
	TextAt   int64     `json:"textAt,omitempty"`
}

// Add takes a point in. The order of points with different times does not matter.
func (s *Summary) Add(p Point) {
	s.Count++
	if !p.Finite() {
		if newer(p.Time, s.Count, s.TextTime, s.TextAt) {
			s.Text, s.TextTime, s.TextAt = p.Text, p.Time, s.Count
		}
		return
	}
	if s.Finite++; s.Finite == 1 {
		s.Min, s.Max = p.Value, p.Value
	}
	s.Min, s.Max = min(s.Min, p.Value), max(s.Max, p.Value)
	if newer(p.Time, s.Count, s.LatestTime, s.LatestAt) {
		s.Latest, s.LatestTime, s.LatestAt = p.Value, p.Time, s.Count
	}
}

// Merge takes in the summary of points that come after those of s: the result is that of adding them all in turn.
func (s *Summary) Merge(after Summary) {
	if after.LatestAt > 0 {
		if s.Finite == 0 {
			s.Min, s.Max = after.Min, after.Max
		}
		s.Min, s.Max = min(s.Min, after.Min), max(s.Max, after.Max)
		if at := s.Count + after.LatestAt; newer(after.LatestTime, at, s.LatestTime, s.LatestAt) {
			s.Latest, s.LatestTime, s.LatestAt = after.Latest, after.LatestTime, at
		}
	}
	if after.TextAt > 0 {
		if at := s.Count + after.TextAt; newer(after.TextTime, at, s.TextTime, s.TextAt) {
			s.Text, s.TextTime, s.TextAt = after.Text, after.TextTime, at
		}
	}
	s.Count += after.Count
	s.Finite += after.Finite
}

// EndsInText reports whether the latest point of all is no finite number: the series went to nan, or never held numbers.
func (s Summary) EndsInText() bool {
	return s.TextAt > 0 && newer(s.TextTime, s.TextAt, s.LatestTime, s.LatestAt)
}

// newer reports whether the point number n with time t comes after the point number m (0 for none) with time u.
func newer(t time.Time, n int64, u time.Time, m int64) bool {
	if m == 0 {
		return true
	}
	if c := t.Compare(u); c != 0 {
		return c > 0
	}
	return n > m
}
