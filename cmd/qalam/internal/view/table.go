package view

import (
	"strings"
)

// Table lines up rows under their titles, two spaces between columns. Cells must be clean; a width above 0 cuts the lines.
func Table(titles []string, rows [][]string, width int) string {
	widths := make([]int, len(titles))
	for _, row := range append([][]string{titles}, rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], Width(cell))
		}
	}
	var b strings.Builder
	line := func(row []string) {
		var l strings.Builder
		for i, cell := range row {
			if i < len(row)-1 {
				cell = pad(cell, widths[i]+2)
			}
			l.WriteString(cell)
		}
		text := strings.TrimRight(l.String(), " ")
		if width > 0 {
			text = Clip(text, width)
		}
		b.WriteString(text + "\n")
	}
	line(titles)
	for _, row := range rows {
		line(row)
	}
	return b.String()
}
