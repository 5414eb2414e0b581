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

// Bar draws a share, from 0 to 1, as a bar of up to so many columns; with more than ASCII in eighths of a column.
func Bar(share float64, columns int, unicode bool) string {
	if !(share > 0) {
		return ""
	}
	if !unicode {
		return strings.Repeat("#", int(min(1, share)*float64(columns)+0.5))
	}
	eighths := int(min(1, share)*float64(8*columns) + 0.5)
	bar := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		bar += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return bar
}
