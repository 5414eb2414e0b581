// Package typo says how far a mistyped word is from one that exists. It knows letters only: what counts as near enough, and what
// the words are, is for those who ask.
package typo

// longest is the number of letters up to which words are compared: no name that is worth proposing is longer.
const longest = 128

// Distance is the number of letters to insert, delete, replace or swap with their neighbour that leads from one word to the other
// (the optimal string alignment distance). Words beyond 128 letters are not compared: they are as far apart as the longer one is
// long.
func Distance(from, to string) int {
	a, b := []rune(from), []rune(to)
	if len(a) > longest || len(b) > longest {
		return max(len(a), len(b))
	}
	var before, last, row [longest + 1]int
	for j := range len(b) + 1 {
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
		before, last = last, row
	}
	return last[len(b)]
}
