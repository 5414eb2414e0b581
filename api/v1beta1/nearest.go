package v1beta1

import (
	"strings"

	"qalam/typo"
)

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
			d = typo.Distance(strings.ToLower(name), strings.ToLower(k))
		}
		if d < least {
			best, least = k, d
		}
	}
	return best
}
