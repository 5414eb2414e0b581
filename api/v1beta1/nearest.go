package v1beta1

import "strings"

// Nearest is the known name that a mistyped one most likely stands for: the same but for case, hyphens and underscores, or
// at most one edit away for each four letters (an edit inserts, deletes, replaces or swaps neighbours). It is "" when there
// is none. The first of equally near names wins.
func Nearest(name string, known []string) string {
	plain := strings.NewReplacer("-", "", "_", "").Replace
	best, least := "", 1+max(1, len(name)/4)
	if len(name) < 3 {
		least = 1
	}
	for _, k := range known {
		d := 0
		if !strings.EqualFold(plain(name), plain(k)) {
			d = edits(name, k, least)
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}

// edits is the number of edits that lead from one text to another, or limit when it is that or more.
func edits(from, to string, limit int) int {
	a, b := []rune(strings.ToLower(from)), []rune(strings.ToLower(to))
	if len(a)-len(b) >= limit || len(b)-len(a) >= limit {
		return limit
	}
	before, last, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return min(last[len(b)], limit)
}
