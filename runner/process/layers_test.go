package process

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"qalam/runner"
	"qalam/runner/provision"
	"qalam/workload"
)

// folder makes a folder with files.
func folder(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// content lists what is in a folder and below, with the text of files.
func content(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all[strings.TrimPrefix(path, dir+"/")] = string(b)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// image is a trial whose container has an image and runs a script.
func image(trial, name, text string) runner.Task {
	one := script(trial, text)
	one.Job.Pods[0].Spec.Containers[0].Image = name
	return one
}

// What a trial writes into the folder that stands for its image disturbs neither its siblings nor the user.
func TestImageFolderStaysClean(t *testing.T) {
	files := map[string]string{"train.sh": "cat state", "state": "user's", "old/x": "1", "old/y": "2", "a,b:c/z": "3"}
	// Each trial waits until the other one has written too.
	const write = `set -e; cat state; echo; echo $KATIB_TRIAL_NAME > state; mkdir data; echo $KATIB_TRIAL_NAME > data/x; rm -r old; mkdir old; echo new > old/z
		touch /meet/$KATIB_TRIAL_NAME; until [ -e /meet/a ] && [ -e /meet/b ]; do sleep 0.02; done; sh train.sh; cat data/x; ls old`
	for name, config := range map[string]func(src string) provision.Image{
		"mounted": func(src string) provision.Image {
			return provision.Image{WorkingDir: "/opt/app", Mounts: []provision.ImageMount{{Path: "/opt/app", Source: src}}}
		},
		"odd name": func(src string) provision.Image {
			odd := filepath.Join(filepath.Dir(src), "o,d:d=\\ name")
			if err := os.Symlink(src, odd); err != nil {
				panic(err)
			}
			return provision.Image{WorkingDir: "/opt/app", Mounts: []provision.ImageMount{{Path: "/opt/app", Source: odd}}}
		},
		"working directory": func(src string) provision.Image { return provision.Image{WorkingDir: src} },
	} {
		for where, within := range map[string]string{"home beside": "home", "home inside": "src/.home"} {
			t.Run(name+", "+where, func(t *testing.T) {
				dir := t.TempDir()
				src, meet := folder(t, filepath.Join(dir, "src"), files), folder(t, filepath.Join(dir, "meet"), map[string]string{"here": ""})
				im := config(src)
				im.Image = "me/train:*"
				b := real(t, filepath.Join(dir, within), provision.Namespaces, nil, provision.Config{Images: []provision.Image{im}, Volumes: map[string]string{"meet": meet}})
				if !b.options.Isolation.Layers {
					t.Skip(b.options.Isolation.Why)
				}
				both := []runner.Task{image("a", "me/train:1", write), image("b", "me/train:1", write)}
				for i := range both {
					spec := &both[i].Job.Pods[0].Spec
					spec.Volumes = []workload.Volume{{Name: "meet", Source: map[string]json.RawMessage{"persistentVolumeClaim": json.RawMessage(`{"claimName":"meet"}`)}}}
					spec.Containers[0].VolumeMounts = []workload.VolumeMount{{Name: "meet", MountPath: "/meet"}}
					b.start(both[i])
				}
				for _, one := range both {
					r := b.untilEnded(one.ID)
					want := fmt.Sprintf("user's\n%[1]s\n%[1]s\nz\n", one.ID.Trial)
					if log := b.log(one.ID, "pod/main/0.log"); r.Verdict.Phase != workload.Succeeded || r.Lost || log != want {
						t.Errorf("log %q, want %q; %+v; %s", log, want, r, b.shims())
					}
				}
				b.close(false)
				os.RemoveAll(filepath.Join(src, ".home"))
				if got := content(t, src); fmt.Sprint(got) != fmt.Sprint(files) {
					t.Errorf("the user's folder is now %v", got)
				}
			})
		}
	}
}

// A folder that is shared takes what trials write, one that is read-only refuses it, and the bytecode of Python lands in neither
// tier beside the user's sources.
func TestImageFolderKinds(t *testing.T) {
	tiers(t, func(t *testing.T, tier provision.Tier) {
		src := folder(t, t.TempDir(), map[string]string{"own/helper.py": "x = 1", "shared/y": "", "fixed/y": ""})
		im := provision.Image{Image: "me/train", WorkingDir: "/opt/own", Mounts: []provision.ImageMount{
			{Path: "/opt/own", Source: src + "/own"}, {Path: "/opt/shared", Source: src + "/shared", Shared: true}, {Path: "/opt/fixed", Source: src + "/fixed", ReadOnly: true}}}
		b := real(t, t.TempDir(), tier, nil, provision.Config{Images: []provision.Image{im}})
		if tier == provision.Namespaces && !b.options.Isolation.Layers {
			t.Skip(b.options.Isolation.Why)
		}
		text := "echo s > /opt/shared/new; echo f > /opt/fixed/new; echo over"
		want := []string{"fixed/y", "own/helper.py", "shared/new", "shared/y"}
		if tier == provision.Plain { // where nothing is mounted, nothing is read-only
			want = slices.Insert(want, 0, "fixed/new")
		}
		if _, err := exec.LookPath("/usr/bin/python3"); err == nil {
			text = "python3 -c 'import helper; print(helper.x)'; " + text
		}
		one := image("one", "me/train", text)
		b.start(one)
		if r := b.untilEnded(one.ID); r.Verdict.Phase != workload.Succeeded {
			t.Errorf("%+v", r)
		}
		if log := b.log(one.ID, "pod/main/0.log"); !strings.HasSuffix(log, "over\n") || tier == provision.Namespaces != strings.Contains(log, "Read-only file system") {
			t.Errorf("log %q", log)
		}
		var got []string
		for name := range content(t, src) {
			got = append(got, name)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("the user's folder has %v, want %v", got, want)
		}
	})
}

// Trials that write to the same names in /tmp do not meet there, wherever the home and the folders of images lie.
func TestOwnTmp(t *testing.T) {
	mark, err := os.CreateTemp("/tmp", "qalam-test-")
	if err != nil {
		t.Fatal(err)
	}
	mark.Close()
	defer os.Remove(mark.Name())
	for _, below := range []string{"/tmp", "/var/tmp"} {
		t.Run(strings.ReplaceAll(below, "/", "_"), func(t *testing.T) {
			dir, err := os.MkdirTemp(below, "qalam-own-")
			if err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(dir)
			meet := folder(t, filepath.Join(dir, "meet"), map[string]string{"here": ""})
			src := folder(t, filepath.Join(dir, "src"), map[string]string{"run.sh": `set -e; test ! -e ` + mark.Name() + `; echo loss=$1 > /tmp/qalam-same; echo $1 > /tmp/volume/x
				touch /meet/$1; until [ -e /meet/a ] && [ -e /meet/b ]; do sleep 0.02; done; cat /tmp/qalam-same /tmp/volume/x; cat /tmp/qalam-same >> /tmp/metrics.log; pwd; echo w > own; ls`})
			b := real(t, filepath.Join(dir, "home"), provision.Namespaces, nil, provision.Config{
				Images:  []provision.Image{{Image: "me/train", Mounts: []provision.ImageMount{{Path: "/opt/app", Source: src}}}},
				Volumes: map[string]string{"meet": meet},
			})
			var both []runner.Task
			for _, name := range []string{"a", "b"} {
				one := image(name, "me/train", "")
				spec := &one.Job.Pods[0].Spec
				spec.Containers[0].Command = []string{"sh", "/opt/app/run.sh", name}
				spec.Volumes = []workload.Volume{{Name: "meet", Source: map[string]json.RawMessage{"persistentVolumeClaim": json.RawMessage(`{"claimName":"meet"}`)}}, {Name: "v"}}
				spec.Containers[0].VolumeMounts = []workload.VolumeMount{{Name: "meet", MountPath: "/meet"}, {Name: "v", MountPath: "/tmp/volume"}}
				one.Collect = runner.Collect{Kind: "File", Path: "/tmp/metrics.log"}
				b.start(one)
				both = append(both, one)
			}
			for _, one := range both {
				r := b.untilEnded(one.ID)
				work := filepath.Join(Folder(b.options.Home, one.ID), "pods", "pod", "work.main")
				want := fmt.Sprintf("loss=%[1]s\n%[1]s\n%[2]s\nown\n", one.ID.Trial, work)
				if log := b.log(one.ID, "pod/main/0.log"); r.Verdict.Phase != workload.Succeeded || log != want {
					t.Errorf("log %q, want %q; %+v", log, want, r)
				}
				outs, err := b.Outputs(one.ID, one.Collect)
				if err != nil || len(outs) != 1 || b.log(one.ID, outs[0].Key) != "loss="+one.ID.Trial+"\n" {
					t.Errorf("outputs %+v, %v", outs, err)
				}
				own := filepath.Join(Folder(b.options.Home, one.ID), "pods", "pod", "tmp.main", "qalam-same")
				if _, err := os.Stat(own); err != nil {
					t.Error(err)
				}
				if err := b.Release(one.ID, true); err != nil {
					t.Error(err)
				}
				if _, err := os.Stat(own); err == nil {
					t.Error("what a trial left in /tmp stays")
				}
			}
			if _, err := os.Stat("/tmp/qalam-same"); err == nil {
				t.Error("a trial wrote to the machine's /tmp")
			}
		})
	}
}

// A command of no mapped image runs with this machine's files, also with those of which it speaks in /tmp.
func TestOwnTmpShowsWhatIsNamed(t *testing.T) {
	dir, err := os.MkdirTemp("/tmp", "qalam named ")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	folder(t, dir, map[string]string{"run.sh": "echo ran; ls /tmp"})
	b := limits(t, provision.Namespaces, nil)
	one := task("one", pods(onePod("pod", workload.Container{Name: "main", Command: []string{"sh", dir + "/run.sh"}})))
	b.start(one)
	r := b.untilEnded(one.ID)
	shown := strings.Fields(strings.ReplaceAll(b.log(one.ID, "pod/main/0.log"), " ", "_"))
	if r.Verdict.Phase != workload.Succeeded || len(shown) > 3 || !slices.Contains(shown, strings.ReplaceAll(filepath.Base(dir), " ", "_")) {
		t.Errorf("shows %q; %+v", shown, r)
	}
}

// BenchmarkOwnFolders shows what a /tmp of its own, and a layer over its image's folder, cost a trial of /bin/true.
func BenchmarkOwnFolders(b *testing.B) {
	src := b.TempDir()
	for _, name := range []string{"neither", "tmp", "tmp and layer"} {
		b.Run(name, func(b *testing.B) {
			home := b.TempDir()
			iso := benchIsolation(b, provision.Namespaces)
			config := provision.Config{Images: []provision.Image{{Image: "me/train", Mounts: []provision.ImageMount{{Path: "/opt", Source: src}}, Shared: name != "tmp and layer"}}}
			r, err := New(Options{Home: home, Isolation: iso, Pool: &pool{held: map[runner.ID]bool{}}, Provisioner: provision.New(provision.Options{
				Config: config, Tier: iso.Tier, Home: home, Environ: []string{"PATH=/usr/bin:/bin"}, Cores: 2, Layers: iso.Layers, OwnTmp: name != "neither"})})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close(false, 0)
			before := processorTime()
			for i := range b.N {
				one := image(fmt.Sprint("t", i), "me/train", "")
				one.Job.Pods[0].Spec.Containers[0].Command = []string{"/bin/true"}
				if err := r.Start(b.Context(), one); err != nil {
					b.Fatal(err)
				}
				for report := range r.Reports() {
					if report.Ended {
						break
					}
				}
				if err := r.Release(one.ID, true); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((processorTime()-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}
