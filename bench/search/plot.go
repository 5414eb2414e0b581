package main

import (
	"bytes"
	"fmt"
	"html"
	"math"
	"os"
	"slices"
	"strings"
)

// Measures of the picture, in pixels.
const (
	plotWidth, plotHeight     = 760, 430
	plotLeft, plotRight       = 64, 190 // margins; at the right stand the names of the lines
	plotTop, plotBottom       = 24, 46
	labelHeight               = 15.0
	innerWidth, innerHeight   = plotWidth - plotLeft - plotRight, plotHeight - plotTop - plotBottom
	plotStyle                 = `text{font:12px system-ui,sans-serif;fill:#333}.grid{stroke:#ddd}.peer{stroke:#8a8f98}.ours{stroke-width:2.5}path{fill:none;stroke-width:1.5}`
	plotPeers, plotOursColors = "4 3|1 3|8 3|8 3 2 3|2 6|12 4|6 2 2 2", "#0b63ce|#c2410c|#15803d|#7c3aed|#be185d|#0e7490|#92400e"
)

// curve is one line of the picture: the mean logarithm of a contender's regret relative to random's, by number of trials.
type curve struct {
	of     contender
	at     []int
	log10s []float64
}

// curves are those of all contenders that searched every problem.
func (t *tables) curves(all []contender) []curve {
	base := contender{"random", 1}
	var out []curve
	for _, c := range all {
		line := curve{of: c}
		for _, trials := range t.at {
			logs := t.logRatios(c, base, trials)
			if len(logs) < len(t.problems)*3/4 {
				continue
			}
			sum := 0.0
			for _, v := range logs {
				sum += v
			}
			line.at = append(line.at, trials)
			line.log10s = append(line.log10s, sum/float64(len(logs))/math.Ln10)
		}
		if len(line.at) > 1 {
			out = append(out, line)
		}
	}
	return out
}

// plot writes a picture of the curves, in which lines differ by their dashes and their labels too, not by colour alone.
func (t *tables) plot(path string) error {
	t.prepare()
	lines := t.curves(t.contenders())
	if len(lines) == 0 {
		return fmt.Errorf("%s: there is nothing to draw: runs of random and of another method are needed, at two numbers of trials or more", path)
	}
	low, first, last := -0.5, math.Inf(1), 0.0
	for _, l := range lines {
		low = min(low, slices.Min(l.log10s))
		first, last = min(first, float64(l.at[0])), max(last, float64(l.at[len(l.at)-1]))
	}
	low = math.Floor(low)
	const high = 0.2
	x := func(trials float64) float64 {
		return plotLeft + innerWidth*math.Log(trials/first)/math.Log(last/first)
	}
	y := func(v float64) float64 { return plotTop + innerHeight*(high-v)/(high-low) }
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img"><style>%s</style><rect width="100%%" height="100%%" fill="#fff"/>`+"\n",
		plotWidth, plotHeight, plotStyle)
	fmt.Fprintf(&b, "<title>Regret relative to random search, by number of trials; lower is better</title>\n")
	for v := low; v <= 0; v++ {
		fmt.Fprintf(&b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%[3]f"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`+"\n",
			plotLeft, plotLeft+innerWidth, y(v), plotLeft-8, y(v)+4, brief(math.Pow(10, v)))
	}
	for _, trials := range t.at {
		if v := float64(trials); v >= first && v <= last {
			fmt.Fprintf(&b, `<text x="%.1f" y="%d" text-anchor="middle">%d</text>`+"\n", x(v), plotTop+innerHeight+18, trials)
		}
	}
	fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">trials</text><text x="8" y="14">regret relative to random search (geometric mean of %d problems; lower is better)</text>`+"\n",
		plotLeft+innerWidth/2, plotHeight-8, len(t.problems))
	drawLines(&b, lines, x, y)
	b.WriteString("</svg>\n")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		return fmt.Errorf("draw the curves: %w", err)
	}
	return nil
}

// drawLines draws the curves, ours last, and their names where they end, one below the other.
func drawLines(b *bytes.Buffer, lines []curve, x, y func(float64) float64) {
	slices.SortStableFunc(lines, func(p, q curve) int {
		switch {
		case p.of.ours() == q.of.ours():
			return 0
		case p.of.ours():
			return 1
		}
		return -1
	})
	type label struct {
		at, from float64
		text     string
		ours     string // its colour
	}
	var labels []label
	dashes, colors := strings.Split(plotPeers, "|"), strings.Split(plotOursColors, "|")
	peers, mine := 0, 0
	for _, l := range lines {
		var d strings.Builder
		for i, trials := range l.at {
			fmt.Fprintf(&d, "%s%.1f %.1f", map[bool]string{true: "M", false: " L"}[i == 0], x(float64(trials)), y(l.log10s[i]))
		}
		end := label{y(l.log10s[len(l.at)-1]), x(float64(l.at[len(l.at)-1])), l.of.String(), ""}
		if l.of.ours() {
			end.ours = colors[mine%len(colors)]
			mine++
			fmt.Fprintf(b, `<path class="ours" stroke="%s" d="%s"/>`+"\n", end.ours, d.String())
		} else {
			fmt.Fprintf(b, `<path class="peer" stroke-dasharray="%s" d="%s"/>`+"\n", dashes[peers%len(dashes)], d.String())
			peers++
		}
		labels = append(labels, end)
	}
	slices.SortFunc(labels, func(p, q label) int { return int(math.Copysign(1, p.at-q.at)) })
	lowest := float64(plotTop)
	for _, l := range labels {
		at := max(l.at, lowest)
		lowest = at + labelHeight
		style := ""
		if l.ours != "" {
			style = fmt.Sprintf(` style="fill:%s;font-weight:600"`, l.ours)
		}
		fmt.Fprintf(b, `<line class="grid" x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f"/><text x="%.1f" y="%.1f"%s>%s</text>`+"\n",
			l.from+2, l.at, l.from+14, at, l.from+18, at+4, style, html.EscapeString(l.text))
	}
}
