package metrics

// The words that a position in training follows, most telling first: what counts over the whole training comes before what
// begins again with each epoch. Where several stand in a line the first of this list decides.
var stepWords = [...]string{"global_step", "epoch", "step", "iteration", "iter"}

// findStep finds the position in training that a line tells: one of stepWords in any case, standing as a word of its own
// (neither max_epoch nor epochs), then up to eight bytes of blanks, quotes and : = # [ (, then a whole number, which may be
// followed by a total: "epoch=3", "Epoch: 3", "Train Epoch: 3 [640/60000]", "Epoch [3/10]", "iter 30", `"global_step": 5`.
func findStep(line []byte) int64 {
	step, best := NoStep, len(stepWords)
	for i := 0; i < len(line); i++ {
		if !stepStart[line[i]] || i > 0 && wordByte(line[i-1]) {
			continue
		}
		for k := range best {
			if !hasFold(line[i:], stepWords[k]) {
				continue
			}
			if n, ok := stepNumber(line[i+len(stepWords[k]):]); ok {
				step, best = n, k
			}
			break
		}
	}
	return step
}

var stepStart = func() (start [256]bool) {
	for _, w := range stepWords {
		start[w[0]], start[w[0]&^0x20] = true, true
	}
	return start
}()

// hasFold reports whether b starts with the lower-case word, whatever its case; blank, dash and underscore are the same.
func hasFold(b []byte, word string) bool {
	if len(b) < len(word) {
		return false
	}
	for i := range len(word) {
		if fold(b[i]) != fold(word[i]) {
			return false
		}
	}
	return true
}

// fold maps what people write for the same name to one byte: the case of letters, and what joins words.
func fold(c byte) byte {
	switch {
	case 'A' <= c && c <= 'Z':
		return c | 0x20
	case c == '-' || c == ' ' || c == '/' || c == '.':
		return '_'
	}
	return c
}

// stepNumber reads the number behind a step word.
func stepNumber(b []byte) (int64, bool) {
	const widest = 8
	i := 0
	for i < len(b) && i < widest && stepJoin(b[i]) {
		i++
	}
	end := digitsEnd(b, i)
	if i == 0 || end == i || end-i > 18 {
		return 0, false
	}
	if end < len(b) && wordByte(b[end]) {
		return 0, false
	}
	if end+1 < len(b) && (b[end] == '.' || b[end] == ',' || b[end] == '-') && digit(b[end+1]) { // 0.33, 1,000, 2024-01-01
		return 0, false
	}
	var n int64
	for _, c := range b[i:end] {
		n = 10*n + int64(c-'0')
	}
	return n, true
}

func stepJoin(c byte) bool {
	switch c {
	case ' ', '\t', ':', '=', '#', '[', '(', '"', '\'':
		return true
	}
	return false
}
