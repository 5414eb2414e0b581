package view

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"qalam/experiment"
)

// Style says what the terminal can show.
type Style struct {
	Width, Height int  // columns and rows; 0 means 80 and 24
	Color         bool // it may be coloured; no meaning is told by colour alone
	Unicode       bool // it shows more than ASCII
}

// maxLines is the height of the drawing, whatever the terminal's.
const maxLines = 12

// The colours, as the terminal's own palette has them.
const (
	bold   = "1"
	dim    = "2"
	red    = "31"
	green  = "32"
	yellow = "33"
)

// canvas collects the lines of one drawing.
type canvas struct {
	Style
	lines []string
}

// part is a piece of a line in one colour.
type part struct{ text, color string }

// line adds a line of parts, cut to the terminal's width.
func (c *canvas) line(parts ...part) {
	var b strings.Builder
	left := c.Width - 1 // the last column makes some terminals wrap
	for _, p := range parts {
		text := p.text
		if !c.Unicode {
			text = ascii(text)
		}
		clipped := Clip(text, left)
		if !c.Unicode {
			clipped = ascii(clipped)
		}
		left -= Width(clipped)
		if clipped != "" && c.Color && p.color != "" {
			clipped = "\x1b[" + p.color + "m" + clipped + "\x1b[0m"
		}
		b.WriteString(clipped)
		if left <= 0 || clipped == "" && text != "" {
			break
		}
	}
	c.lines = append(c.lines, strings.TrimRight(b.String(), " "))
}

// ascii replaces what is not ASCII.
func ascii(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '…':
			return '~'
		case r == '·':
			return '-'
		case r > '~':
			return '?'
		}
		return r
	}, text)
}

// Lines draws the progress at a moment, in at most 12 lines that fit the terminal.
func (p *Progress) Lines(style Style, now time.Time) []string {
	if style.Width <= 0 {
		style.Width = 80
	}
	if style.Height <= 0 {
		style.Height = 24
	}
	c := &canvas{Style: style}
	height := max(1, min(maxLines, style.Height-1))
	p.head(c)
	p.tally(c, now)
	p.top(c)
	p.curve(c)
	footer := 0
	if p.note != "" {
		footer = 1
	}
	p.trials(c, height-len(c.lines)-footer, now)
	if p.note != "" {
		c.line(part{Clean(p.note), dim})
	}
	if len(c.lines) > height {
		c.lines = slices.Delete(c.lines, height-min(footer, height), len(c.lines)-footer)
	}
	return c.lines[:min(len(c.lines), height)]
}

func (p *Progress) head(c *canvas) {
	algorithm := p.algorithm
	if p.stopRule != "" {
		algorithm += " + " + p.stopRule
	}
	goal := ""
	if p.objective.Goal != nil {
		goal = "  goal " + Number(*p.objective.Goal)
	}
	c.line(part{Clean(p.name), bold}, part{fmt.Sprintf("   %s  %s %s%s", Clean(algorithm), p.objective.Direction, Clean(p.objective.Metric), goal), ""})
}

func (p *Progress) tally(c *canvas, now time.Time) {
	done := fmt.Sprintf("%d done", p.done())
	if p.most != nil {
		done = fmt.Sprintf("%d/%d done", p.done(), *p.most)
	}
	parts := []part{{done, bold}}
	narrow := c.Width < 60
	if narrow { // the time is worth more than the counts
		parts = append(parts, part{"  " + Clock(now.Sub(p.began)), ""})
	}
	count := func(n int, what, color string) {
		if n > 0 {
			parts = append(parts, part{fmt.Sprintf("  %d %s", n, what), color})
		}
	}
	count(p.counts.Running, "running", "")
	count(p.counts.Pending, "pending", "")
	count(p.counts.Failed, "failed", red)
	count(p.counts.MetricsUnavailable, "without metric", red)
	count(p.counts.EarlyStopped, "stopped early", yellow)
	count(p.counts.Killed, "killed", yellow)
	if !narrow {
		parts = append(parts, part{"   " + Clock(now.Sub(p.began)) + " elapsed", ""})
	}
	if left, ok := p.left(now); ok {
		parts = append(parts, part{"  ~" + about(left) + " left", dim})
	}
	c.line(parts...)
}

// top is the line of the best trial.
func (p *Progress) top(c *canvas) {
	if p.best == nil {
		c.line(part{"best -  no trial has a value yet", ""})
		return
	}
	ago := p.done() - p.bestAt
	var since []string
	if !math.IsNaN(p.gain) {
		since = append(since, fmt.Sprintf("%+.4g", p.gain))
	}
	switch {
	case ago == 1:
		since = append(since, "1 trial ago")
	case ago > 1:
		since = append(since, fmt.Sprintf("%d trials ago", ago))
	}
	detail := fmt.Sprintf("  trial %d", p.best.Number)
	if len(since) > 0 {
		detail += "  (" + strings.Join(since, ", ") + ")"
	}
	c.line(part{"best " + p.value(p.best), bold + ";" + green}, part{detail, ""},
		part{"  " + Pairs(Named(p.space, p.best.Assignment, Idle), true), ""})
}

// value is the best trial's value; an objective may be a text.
func (p *Progress) value(o *experiment.Optimal) string {
	if !math.IsNaN(o.Value) {
		return Number(o.Value)
	}
	for _, m := range o.Observation {
		if m.Name == p.objective.Metric {
			return Short(m.Latest)
		}
	}
	return "-"
}

// curve is the line of the best value so far.
func (p *Progress) curve(c *canvas) {
	low, high := extent(p.history)
	if len(p.history) < 2 || low == high {
		return
	}
	scale := fmt.Sprintf("  %s .. %s", Number(low), Number(high))
	width := min(40, c.Width-1-len("history  ")-len(scale))
	if width < 8 {
		return
	}
	c.lines = append(c.lines, "history  "+Sparkline(p.history, width, c.Unicode)+scale)
}

// trials draws the active trials and then the failed ones, in as many lines as there are.
func (p *Progress) trials(c *canvas, room int, now time.Time) {
	if room <= 0 {
		return
	}
	shown := slices.Clone(p.active)
	// Those that somebody should look at come first, then those that run, then those that wait.
	rank := func(a activeTrial) int {
		switch {
		case a.Fix != "":
			return 0
		case a.State == experiment.TrialRunning:
			return 1
		}
		return 2
	}
	slices.SortStableFunc(shown, func(a, b activeTrial) int { return rank(a) - rank(b) })
	bad := min(len(p.bad), maxBad, max(0, room-len(shown)))
	if bad == 0 && len(p.bad) > 0 && room > 2 {
		bad = 1
	}
	room -= bad
	hidden := 0
	if len(shown) > room && room > 1 {
		room--
		hidden = len(shown) - room
	}
	for _, a := range shown[:min(len(shown), room)] {
		p.activeLine(c, a, now)
	}
	if hidden > 0 {
		c.line(part{fmt.Sprintf("  and %d more trials under way", hidden), dim})
	}
	for _, t := range p.bad[len(p.bad)-bad:] {
		c.line(part{fmt.Sprintf("  #%-3d ", t.Number), ""}, part{pad(stateWord(t), 9), red}, part{because(t), ""})
	}
}

func (p *Progress) activeLine(c *canvas, a activeTrial, now time.Time) {
	number := part{fmt.Sprintf("  #%-3d ", a.Number), ""}
	named := Pairs(Named(p.space, a.Assignment, Idle), true)
	if a.Fix != "" {
		c.line(number, part{pad(stateWord(a.Trial), 9), yellow}, part{because(a.Trial), ""})
		return
	}
	switch {
	case a.State != experiment.TrialRunning:
		why := ""
		if a.Reason != experiment.ReasonTrialCreated {
			why = Clean(a.Message) + "  "
		}
		c.line(number, part{pad(stateWord(a.Trial), 9), dim}, part{why + named, ""})
	case math.IsNaN(a.value):
		c.line(number, part{pad(stateWord(a.Trial), 9), ""}, part{pad("", 20) + pad(Clock(now.Sub(a.Running)), 8) + named, ""})
	default:
		step := ""
		if a.step > 0 {
			step = fmt.Sprintf("step %d", a.step)
		}
		c.line(number, part{pad(stateWord(a.Trial), 9), ""},
			part{pad(Clip(step, 10), 11) + pad(Number(a.value), 9) + pad(Clock(now.Sub(a.Running)), 8) + named, ""})
	}
}

// stateWord is a trial's state in a word for people.
func stateWord(t experiment.Trial) string {
	switch {
	case t.Stopping != "" && !t.State.Terminal():
		return "stopping"
	case t.State == experiment.TrialMetricsUnavailable:
		return "no metric"
	case t.State == experiment.TrialEarlyStopped:
		return "stopped"
	}
	return strings.ToLower(string(t.State))
}

// because is why a trial is in its state, and what to do.
func because(t experiment.Trial) string {
	text := strings.TrimSpace(Clean(t.Message))
	if t.Fix != "" {
		text += " · " + strings.TrimSpace(Clean(t.Fix))
	}
	return text
}
