package provision

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestExamplesImageMap(t *testing.T) {
	c, err := Load("../../examples/images.yaml")
	if err != nil {
		t.Fatal(err)
	}
	im, ok := c.Image("docker.io/kubeflowkatib/pytorch-mnist-cpu:latest")
	if !ok || im.WorkingDir != "/opt/pytorch-mnist" || im.Env["PATH"] != "/usr/bin:/bin" {
		t.Fatalf("got %+v, %v", im, ok)
	}
	want, _ := filepath.Abs("../../examples/pytorch-mnist")
	if diff := cmp.Diff([]ImageMount{{Path: "/opt/pytorch-mnist", Source: want}}, im.Mounts); diff != "" {
		t.Error(diff)
	}
	if im, _ := c.Image("qalam.dev/examples/go-trial:latest"); len(im.Command) != 1 {
		t.Errorf("the Go trial's command is %q", im.Command)
	}
}

func TestParseComplains(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"typo", "imges: []", `m:1:1: unknown field "imges" in the image map: did you mean "images"?`},
		{"typo below", "images:\n  - image: a\n    mount: []", `m:3:5: unknown field "mount" in an image: did you mean "mounts"?`},
		{"swapped letters", "images:\n  - image: a\n    workignDir: /x", `did you mean "workingDir"?`},
		{"unknown", "colour: red", `known are env, images, passEnv, volumes`},
		{"no image", "images:\n  - env: {A: b}", "m:2:5: an image needs a name"},
		{"twice", "images:\n  - image: a\n    image: b", `m:3:5: "image" is given twice`},
		{"relative path", "images:\n  - {image: a, mounts: [{path: opt, source: .}]}", "absolute path below /"},
		{"root", "images:\n  - {image: a, mounts: [{path: /, source: .}]}", "absolute path below /"},
		{"half a mount", "images:\n  - {image: a, mounts: [{path: /a}]}", "needs both path"},
		{"not a list", "images: {a: b}", "images must be a list"},
		{"not a mapping", "- a", "must be a mapping"},
		{"forbidden and shared", "images:\n  - {image: a, shared: true, mounts: [{path: /a, source: b, readOnly: true, shared: true}]}", "or neither"},
		{"bad flag", "images:\n  - {image: a, mounts: [{path: /a, source: b, readOnly: maybe}]}", "true or false"},
		{"bad glob", "images:\n  - {image: 'a['}", "no valid pattern"},
		{"bad variable", "env: {'1A': b}", "no name for a variable"},
		{"bad pass", "passEnv: ['*']", "must be a variable's name"},
		{"volume root", "volumes: {/: /}", "root folder as a whole"},
		{"volume key", "volumes: {a/b/c: x}", "must be a claim"},
		{"two documents", "images: []\n---\nenv: {}", "one document"},
		{"broken", "a: [", "m: line 1"},
		{"cycle", "images: &a [*a]", "must be a mapping"},
		{"list in env", "env: {A: [b]}", "must be a text"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Parse("m", []byte(tc.in), "/base")
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want …%s…", err, tc.want)
			}
		})
	}
}

func TestParseTellsEveryFault(t *testing.T) {
	_, err := Parse("m", []byte("imges: []\nenv: {'1': a}\nvolumes: {/: b}"), "/")
	if n := strings.Count(err.Error(), "\n") + 1; n != 3 {
		t.Errorf("%d faults: %v", n, err)
	}
}

func TestParseBoundsAliases(t *testing.T) {
	var b strings.Builder
	b.WriteString("passEnv: &p [" + strings.Repeat("A,", 1000) + "A]\nimages:\n")
	for range 1000 {
		b.WriteString("  - {image: a, command: *p}\n")
	}
	if _, err := Parse("m", []byte(b.String()), "/"); err == nil || !strings.Contains(err.Error(), "more than 100000 entries") {
		t.Errorf("got %v", err)
	}
}

func TestParseEmpty(t *testing.T) {
	for _, in := range []string{"", "# nothing\n", "null", "images:\nenv:\n"} {
		if c, err := Parse("m", []byte(in), "/"); err != nil || len(c.Images) > 0 {
			t.Errorf("%q: %+v, %v", in, c, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	b, err := os.ReadFile("../../examples/images.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(b)
	f.Add([]byte("images: &a [*a]"))
	f.Add([]byte("? [a]\n: b"))
	f.Add([]byte("volumes: {data: ./x, /data: /y, ns/c: z}\npassEnv: [A, B_*]"))
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := Parse("m", in, "/base")
		if err != nil {
			return
		}
		for _, im := range c.Images {
			for _, m := range im.Mounts {
				if !filepath.IsAbs(m.Path) || !filepath.IsAbs(m.Source) {
					t.Errorf("mount %+v is not absolute", m)
				}
			}
			c.Image(im.Image)
		}
		for k, dir := range c.Volumes {
			if k == "" || !filepath.IsAbs(dir) {
				t.Errorf("volume %q is %q", k, dir)
			}
		}
	})
}

func TestImageMatching(t *testing.T) {
	c := Config{}
	for _, name := range []string{"*", "docker.io/me/train:*", "me/train:v2", "python", "ghcr.io/*/train:*", "host:5000/a/b"} {
		c.Images = append(c.Images, Image{Image: name})
	}
	for image, want := range map[string]string{
		"me/train:v1":                        "docker.io/me/train:*",
		"docker.io/me/train":                 "docker.io/me/train:*",
		"docker.io/me/train:v2":              "me/train:v2",
		"me/train:v2@sha256:0123":            "me/train:v2",
		"me/train@sha256:0123":               "docker.io/me/train:*",
		"docker.io/library/python":           "python",
		"python:latest":                      "python",
		"index.docker.io/library/python":     "python",
		"python:3":                           "*",
		"ghcr.io/team/sub/train:x":           "ghcr.io/*/train:*",
		"host:5000/a/b:latest":               "host:5000/a/b",
		"host:5000/a/b":                      "host:5000/a/b",
		"host:5000/a/b:1":                    "*",
		"quay.io/library/python":             "*",
		strings.Repeat("a/", 5000) + "b:c@d": "*",
	} {
		if got, ok := c.Image(image); !ok || got.Image != want {
			t.Errorf("%.60s: %q, want %q", image, got.Image, want)
		}
	}
	if _, ok := c.Image(""); ok {
		t.Error("no image at all is mapped")
	}
	later := Config{Images: []Image{{Image: "a:*", Venv: "/1"}, {Image: "a:*", Venv: "/2"}}}
	if im, _ := later.Image("a"); im.Venv != "/2" {
		t.Errorf("of two equal entries %s counts", im.Venv)
	}
}

func TestFlag(t *testing.T) {
	for in, want := range map[string]Image{
		"me/train:*=src":               {Image: "me/train:*", WorkingDir: "/base/src"},
		"me/train:*=./src:/opt/train/": {Image: "me/train:*", WorkingDir: "/opt/train", Mounts: []ImageMount{{Path: "/opt/train", Source: "/base/src"}}},
		"a=/b:/c":                      {Image: "a", WorkingDir: "/c", Mounts: []ImageMount{{Path: "/c", Source: "/b"}}},
	} {
		got, err := Flag(in, "/base")
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", in, err, diff)
		}
	}
	for _, in := range []string{"", "a", "=b", "a=", "a=b:/", "a[=b"} {
		if im, err := Flag(in, "/base"); err == nil {
			t.Errorf("%q: %+v", in, im)
		}
	}
}

func TestFind(t *testing.T) {
	home, work := t.TempDir(), t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	for _, p := range []string{filepath.Join(home, "qalam", "images.yaml"), filepath.Join(work, "images.yaml"), filepath.Join(work, "qalam.yaml")} {
		os.MkdirAll(filepath.Dir(p), 0o700)
		if err := os.WriteFile(p, []byte("env: {FROM: "+p+"}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found := Find(filepath.Join(work, "experiment.yaml"))
	c, err := Load(found...)
	if err != nil || len(found) != 3 || c.Env["FROM"] != filepath.Join(work, "qalam.yaml") {
		t.Errorf("found %q, %v, %v", found, c.Env, err)
	}
	if _, err := Load(work); err == nil {
		t.Error("a folder is read as an image map")
	}
}
