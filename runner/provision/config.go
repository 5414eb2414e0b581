package provision

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Config says what stands for the things of a cluster on this machine.
type Config struct {
	Images  []Image           // in the order of the files; of equally good matches the last counts
	Env     map[string]string // for every container, below what its image and its spec set
	PassEnv []string          // names, or beginnings that end in *, of variables of the user's that trials get besides PassedEnv
	// Volumes is by claim ("name" or "namespace/name"), by the name of a pod's nfs, csi or other volume, or by the absolute path of
	// a hostPath; the value is a folder of this machine. A hostPath covers everything below it.
	Volumes map[string]string
}

// Image says what stands for an image.
type Image struct {
	Image      string            // name with *, ? and […] as in path.Match, but * matches / too
	Mounts     []ImageMount      // what the image holds
	Env        map[string]string // as ENV in a Dockerfile
	WorkingDir string            // as WORKDIR: a path that a mount provides, or any folder of this machine
	Venv       string            // folder of a Python environment; its bin comes first in PATH
	Command    []string          // as ENTRYPOINT
	Shared     bool              // trials write to the folders of the mounts and to WorkingDir themselves: see ImageMount
}

// ImageMount makes a folder or file of this machine appear at a path of an image. What a trial writes into the folder is its own,
// and gone with it, unless the folder is Shared: then it lands in Source, for all trials to see.
type ImageMount struct {
	Path, Source string
	ReadOnly     bool
	Shared       bool
}

// maxConfig is the size of the largest configuration file that is read, in bytes.
const maxConfig = 1 << 20

// Load reads configuration files and joins them: a later file counts where two speak of the same thing. Relative folders are
// relative to the file that names them. The error names every fault with its file, line and column.
func Load(paths ...string) (Config, error) {
	var all Config
	var faults []error
	for _, p := range paths {
		c, err := loadFile(p)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		all = all.Join(c)
	}
	return all, errors.Join(faults...)
}

func loadFile(name string) (Config, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return Config{}, err
	}
	info, err := os.Stat(abs)
	if err != nil {
		return Config{}, err
	}
	if !info.Mode().IsRegular() {
		return Config{}, fmt.Errorf("%s is not a file", name)
	}
	if info.Size() > maxConfig {
		return Config{}, fmt.Errorf("%s has %d bytes: an image map has at most %d", name, info.Size(), maxConfig)
	}
	b, err := os.ReadFile(abs)
	if err != nil {
		return Config{}, err
	}
	return Parse(name, b, filepath.Dir(abs))
}

// Join returns c with o on top.
func (c Config) Join(o Config) Config {
	return Config{
		Images:  slices.Concat(c.Images, o.Images),
		Env:     joined(c.Env, o.Env),
		PassEnv: slices.Concat(c.PassEnv, o.PassEnv),
		Volumes: joined(c.Volumes, o.Volumes),
	}
}

func joined(a, b map[string]string) map[string]string {
	if len(a)+len(b) == 0 {
		return nil
	}
	m := maps.Clone(a)
	if m == nil {
		m = map[string]string{}
	}
	maps.Copy(m, b)
	return m
}

// Flag reads an image map of the form GLOB=DIR[:PATH], as --image takes it: the folder DIR, relative to base, stands for PATH
// inside the images that GLOB matches. Without PATH the folder is their working directory only.
func Flag(value, base string) (Image, error) {
	const form = "--image takes IMAGE=DIR or IMAGE=DIR:PATH, for example 'docker.io/me/train:*=./src:/opt/train'"
	glob, where, ok := strings.Cut(value, "=")
	if !ok || glob == "" || where == "" {
		return Image{}, fmt.Errorf("%q: %s", value, form)
	}
	if err := checkGlob(glob); err != nil {
		return Image{}, err
	}
	dir, at := where, ""
	if i := strings.LastIndex(where, ":/"); i > 0 {
		dir, at = where[:i], path.Clean(where[i+1:])
	}
	if at == "/" {
		return Image{}, fmt.Errorf("%q: a folder cannot stand for / as a whole: map its parts one by one", value)
	}
	dir = absolute(base, dir)
	im := Image{Image: glob, WorkingDir: dir}
	if at != "" {
		im.WorkingDir = at
		im.Mounts = []ImageMount{{Path: at, Source: dir}}
	}
	return im, nil
}

// ConfigNames are the names under which an image map is found without being asked for.
var ConfigNames = []string{"qalam.yaml", "images.yaml"}

// Find lists the image maps that apply to an experiment's file when none is given, least important first: qalam.yaml and
// images.yaml in the user's configuration folder ($XDG_CONFIG_HOME/qalam, ~/.config/qalam), then those beside the file; "-" and
// "" stand for the working directory.
func Find(file string) []string {
	var dirs []string
	if dir, err := os.UserConfigDir(); err == nil {
		dirs = append(dirs, filepath.Join(dir, "qalam"))
	}
	if file == "" || file == "-" {
		file = "./-"
	}
	dirs = append(dirs, filepath.Dir(file))
	var found []string
	for _, dir := range dirs {
		for _, name := range slices.Backward(ConfigNames) {
			p := filepath.Join(dir, name)
			if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
				found = append(found, p)
			} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
				found = append(found, p) // Load says what is wrong with it
			}
		}
	}
	return found
}

func absolute(base, dir string) string {
	if rest, ok := strings.CutPrefix(dir, "~/"); ok {
		if home, err := os.UserHomeDir(); err == nil {
			return filepath.Join(home, rest)
		}
	}
	if filepath.IsAbs(dir) {
		return filepath.Clean(dir)
	}
	return filepath.Join(base, dir)
}
