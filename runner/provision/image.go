package provision

import (
	"fmt"
	"path"
	"strings"
)

// Image returns what stands for an image, and whether anything does. An exact name beats a pattern, a longer pattern a shorter
// one, a later entry an earlier. docker.io/library/x, docker.io/x and x are the same; a name without tag means :latest.
func (c *Config) Image(name string) (Image, bool) {
	if name == "" {
		return Image{}, false
	}
	full := imageNames(name)
	best, found := -1, Image{}
	for _, im := range c.Images {
		if score := im.match(full); score >= 0 && score >= best {
			best, found = score, im
		}
	}
	return found, best >= 0
}

// exact is the score of an entry that names the image itself; patterns score the letters that are not wildcards.
const exact = 1 << 30

// match scores how well an entry's pattern fits one of an image's names; -1 means not at all.
func (im *Image) match(names []string) int {
	if !strings.ContainsAny(im.Image, "*?[") {
		for _, own := range imageNames(im.Image) {
			for _, n := range names {
				if own == n && strings.ContainsAny(lastPart(n), ":@") {
					return exact
				}
			}
		}
		return -1
	}
	pattern := shorten(im.Image)
	for _, n := range names {
		if matchGlob(pattern, n) {
			return len(strings.NewReplacer("*", "", "?", "").Replace(pattern))
		}
	}
	return -1
}

// imageNames lists the normal forms under which an image may be looked up: with tag and digest as given, without the digest, and
// with :latest where neither is given. Patterns without tag match the name alone.
func imageNames(name string) []string {
	short := shorten(name)
	base, _, digest := strings.Cut(short, "@")
	names := []string{short}
	if digest {
		names = append(names, base)
	}
	repo := base
	if i := strings.LastIndex(lastPart(base), ":"); i >= 0 {
		repo = base[:len(base)-len(lastPart(base))+i]
	} else {
		names = append(names, base+":latest")
	}
	return append(names, repo)
}

func lastPart(name string) string { return name[strings.LastIndex(name, "/")+1:] }

// shorten removes the registry and the namespace that are Docker's defaults.
func shorten(name string) string {
	for _, hub := range []string{"docker.io/", "index.docker.io/", "registry-1.docker.io/"} {
		if rest, ok := strings.CutPrefix(name, hub); ok {
			name = rest
			break
		}
	}
	if rest, ok := strings.CutPrefix(name, "library/"); ok && !strings.Contains(rest, "/") {
		name = rest
	}
	return name
}

func checkGlob(pattern string) error {
	if _, err := path.Match(strings.ReplaceAll(pattern, "/", "\x01"), ""); err != nil || pattern == "" {
		return fmt.Errorf("image %q is no valid pattern: *, ? and [a-z] are wildcards", pattern)
	}
	return nil
}

// matchGlob is path.Match with a * that matches / too.
func matchGlob(pattern, name string) bool {
	hide := func(s string) string { return strings.ReplaceAll(s, "/", "\x01") }
	ok, err := path.Match(hide(pattern), hide(name))
	return ok && err == nil
}
