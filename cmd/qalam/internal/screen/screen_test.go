package screen

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// terminal understands as much of a terminal as Screen needs: it holds what a person would see.
type terminal struct {
	rows   []string
	row    int
	col    int
	writes int
	cursor bool
}

func (t *terminal) Write(p []byte) (int, error) {
	t.writes++
	text := string(p)
	for len(text) > 0 {
		switch {
		case strings.HasPrefix(text, "\x1b["):
			end := 2 + strings.IndexFunc(text[2:], func(r rune) bool { return r >= '@' && r <= '~' })
			t.sequence(text[2:end+1], text[end])
			text = text[end+1:]
		case text[0] == '\r':
			t.col, text = 0, text[1:]
		case text[0] == '\n':
			t.row, t.col, text = t.row+1, 0, text[1:]
			t.grow()
		default:
			t.grow()
			line := []rune(t.rows[t.row])
			for len(line) <= t.col {
				line = append(line, ' ')
			}
			r := []rune(text)[0]
			line[t.col] = r
			t.rows[t.row] = string(line)
			t.col++
			text = text[len(string(r)):]
		}
	}
	return len(p), nil
}

func (t *terminal) grow() {
	for len(t.rows) <= t.row {
		t.rows = append(t.rows, "")
	}
}

func (t *terminal) sequence(s string, final byte) {
	t.grow()
	line := []rune(t.rows[t.row])
	switch final {
	case 'A':
		n := 1
		if len(s) > 1 {
			n, _ = strconv.Atoi(s[:len(s)-1])
		}
		t.row = max(0, t.row-n)
	case 'K':
		t.rows[t.row] = string(line[:min(len(line), t.col)])
	case 'J':
		t.rows[t.row] = string(line[:min(len(line), t.col)])
		t.rows = t.rows[:t.row+1]
	case 'h', 'l':
		if strings.HasPrefix(s, "?25") {
			t.cursor = final == 'h'
		}
	}
}

// seen is what stands on the terminal, without blanks at the ends.
func (t *terminal) seen() []string {
	out := slices.Clone(t.rows)
	for i := range out {
		out[i] = strings.TrimRight(out[i], " ")
	}
	for len(out) > 0 && out[len(out)-1] == "" {
		out = out[:len(out)-1]
	}
	return out
}

func TestDrawShowsTheLinesWhateverWasThereBefore(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	for range 300 {
		term := &terminal{rows: []string{"$ qalam run"}, row: 1, cursor: true}
		s := New(term)
		printed := []string{"$ qalam run"}
		var lines []string
		for range 20 {
			if rng.IntN(4) == 0 {
				text := fmt.Sprintf("said %d", rng.IntN(100))
				printed = append(printed, text)
				if err := s.Print(text + "\n"); err != nil {
					t.Fatal(err)
				}
			} else {
				lines = nil
				for range rng.IntN(6) {
					lines = append(lines, "\x1b[1m"+strings.Repeat("x", 1+rng.IntN(5))+"\x1b[0m"+strconv.Itoa(rng.IntN(3)))
				}
				if err := s.Draw(lines, 80); err != nil {
					t.Fatal(err)
				}
			}
			want := slices.Clone(printed)
			for _, l := range lines {
				want = append(want, strings.NewReplacer("\x1b[1m", "", "\x1b[0m", "").Replace(l))
			}
			if d := cmp.Diff(want, term.seen()); d != "" {
				t.Fatal(d)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if !term.cursor {
			t.Fatal("the cursor stayed hidden")
		}
	}
}

func TestDrawIsOneWriteAndNoneWithoutChange(t *testing.T) {
	term := &terminal{}
	s := New(term)
	for i, want := range []int{1, 1, 2} {
		lines := []string{"a", "b"}
		if i == 2 {
			lines[1] = "c"
		}
		if err := s.Draw(lines, 40); err != nil {
			t.Fatal(err)
		}
		if term.writes != want {
			t.Errorf("draw %d: %d writes so far, want %d", i, term.writes, want)
		}
	}
}

func TestANarrowerTerminalIsClearedAsAWhole(t *testing.T) {
	term := &terminal{rows: []string{"$", "1234567890", "abcdefghij", "klm"}, row: 4}
	s := New(term)
	s.last, s.width, s.hidden = []string{"1234567890", "abcdefghijklm"}, 20, true
	if err := s.Draw([]string{"12345", "abc"}, 10); err != nil { // the terminal has broken the second line in two
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"$", "12345", "abc"}, term.seen()); d != "" {
		t.Error(d)
	}
}

func TestColumns(t *testing.T) {
	if n := columns("\x1b[1;32mbest\x1b[0m ▁█…"); n != 8 {
		t.Errorf("%d columns", n)
	}
}
