package provision

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"qalam/runner"
	"qalam/workload"
)

// job is a task of one pod with one container, which cases change.
func job(c workload.Container, volumes ...workload.Volume) runner.Task {
	if c.Name == "" {
		c.Name = "main"
	}
	return runner.Task{
		ID: runner.ID{Experiment: "e", Trial: "t-1", Attempt: 1},
		Job: &workload.Job{Kind: "Job", Name: "t-1", Namespace: "ns", UID: "u", Pods: []workload.Pod{{
			Name: "t-1-0", Names: []string{"t-1-0"}, Labels: map[string]string{"b": "2", "a": "1"}, Annotations: map[string]string{"k": "v"},
			Spec: workload.PodSpec{Containers: []workload.Container{c}, Volumes: volumes},
		}}},
		Primary:   runner.Primary{Pods: []string{"t-1-0"}, Container: "main"},
		Documents: map[string]runner.Document{},
	}
}

func vol(name, source string) workload.Volume {
	v := workload.Volume{Name: name}
	if err := json.Unmarshal([]byte(source), &v.Source); err != nil {
		panic(err)
	}
	return v
}

func mount(name, at string) workload.VolumeMount {
	return workload.VolumeMount{Name: name, MountPath: at}
}

func options(t *testing.T) Options {
	return Options{Tier: Namespaces, Home: t.TempDir(), Environ: []string{"PATH=/usr/bin:/bin", "HOME=/h", "SECRET_TOKEN=x", "KUBERNETES_SERVICE_HOST=1", "LC_ALL=C"},
		Node: "box", Cores: 4, Memory: 8 << 30}
}

func provision1(t *testing.T, o Options, task runner.Task) Container {
	t.Helper()
	p := New(o)
	if err := p.Check(task); err != nil {
		t.Fatalf("Check: %v", err)
	}
	all, err := p.Provision(task, task.Job.Pods[0], t.TempDir(), Grant{})
	if err != nil {
		t.Fatalf("Provision: %v", err)
	}
	return all[0]
}

func envOf(c Container) map[string]string {
	m := map[string]string{}
	for _, kv := range c.Process.Env {
		k, v, _ := strings.Cut(kv, "=")
		if _, twice := m[k]; twice {
			panic(k + " is there twice")
		}
		m[k] = v
	}
	return m
}

func TestEnvironment(t *testing.T) {
	ref := func(name string, f workload.ValueSource) workload.EnvVar {
		return workload.EnvVar{Name: name, ValueFrom: &f}
	}
	task := job(workload.Container{
		Command: []string{"/bin/echo", "$(A)-$(LATER)", "$$(A)", "$(HOSTNAME)"},
		Args:    []string{"$(SECRET)"},
		Resources: workload.Resources{Limits: map[string]workload.Quantity{"cpu": "1500m", "memory": "1Gi"},
			Requests: map[string]workload.Quantity{"memory": "512Mi"}},
		EnvFrom: []workload.EnvFrom{
			{Prefix: "CM_", ConfigMapRef: &workload.NameRef{Name: "cm"}},
			{SecretRef: &workload.NameRef{Name: "gone", Optional: true}},
		},
		Env: []workload.EnvVar{
			{Name: "A", Value: "first"}, {Name: "B", Value: "$(A)/$(LATER)/$(CM_k)"}, {Name: "LATER", Value: "l"}, {Name: "A", Value: "last"},
			{Name: "9bad", Value: "x"},
			ref("POD", workload.ValueSource{FieldRef: &workload.FieldRef{FieldPath: "metadata.name"}}),
			ref("LABEL", workload.ValueSource{FieldRef: &workload.FieldRef{FieldPath: "metadata.labels['a']"}}),
			ref("IP", workload.ValueSource{FieldRef: &workload.FieldRef{FieldPath: "status.podIP"}}),
			ref("NODE", workload.ValueSource{FieldRef: &workload.FieldRef{FieldPath: "spec.nodeName"}}),
			ref("CPU", workload.ValueSource{ResourceFieldRef: &workload.ResourceRef{Resource: "limits.cpu"}}),
			ref("MCPU", workload.ValueSource{ResourceFieldRef: &workload.ResourceRef{Resource: "limits.cpu", Divisor: "1m"}}),
			ref("MEM", workload.ValueSource{ResourceFieldRef: &workload.ResourceRef{Resource: "requests.memory", Divisor: "1Mi"}}),
			ref("KEY", workload.ValueSource{ConfigMapKeyRef: &workload.KeyRef{Name: "cm", Key: "k"}}),
			ref("GONE", workload.ValueSource{ConfigMapKeyRef: &workload.KeyRef{Name: "none", Key: "k", Optional: true}}),
			ref("SECRET", workload.ValueSource{SecretKeyRef: &workload.KeyRef{Name: "s", Key: "token"}}),
		},
	})
	task.Documents["ConfigMap/cm"] = runner.Document{Data: map[string][]byte{"k": []byte("$(A)"), "not ok": nil}}
	task.Documents["Secret/s"] = runner.Document{Secret: true, Data: map[string][]byte{"token": []byte("hunter2-hunter2")}}
	c := provision1(t, options(t), task)
	want := map[string]string{
		"PATH": "/usr/bin:/bin", "HOME": "/h", "LC_ALL": "C", "HOSTNAME": "t-1-0", "KATIB_TRIAL_NAME": "t-1",
		"OMP_NUM_THREADS": "2", "MKL_NUM_THREADS": "2", "CUDA_VISIBLE_DEVICES": "", "NVIDIA_VISIBLE_DEVICES": "void", "HIP_VISIBLE_DEVICES": "-1",
		"CM_k": "$(A)", "A": "last", "B": "first/$(LATER)/$(A)", "LATER": "l", "POD": "t-1-0", "LABEL": "1", "IP": "127.0.0.1", "NODE": "box",
		"CPU": "2", "MCPU": "1500", "MEM": "512", "KEY": "$(A)", "SECRET": "hunter2-hunter2",
	}
	if diff := cmp.Diff(want, envOf(c)); diff != "" {
		t.Error(diff)
	}
	if want := []string{"/bin/echo", "last-l", "$(A)", "$(HOSTNAME)", "hunter2-hunter2"}; !slices.Equal(c.Process.Argv, want) {
		t.Errorf("argv %q, want %q", c.Process.Argv, want)
	}
	if !slices.Equal(c.Process.Secrets, []string{"hunter2-hunter2"}) || c.Process.Limits != (Limits{MilliCPU: 1500, Memory: 1 << 30}) {
		t.Errorf("secrets %q, limits %+v", c.Process.Secrets, c.Process.Limits)
	}
	notes := strings.Join(New(options(t)).Notes(task), "\n")
	for _, part := range []string{`"9bad" is left out`, `"CM_not ok"`, "holds the secret in $(SECRET)"} {
		if part == `"CM_not ok"` {
			part = `key "not ok" of ConfigMap cm is left out`
		}
		if !strings.Contains(notes, part) {
			t.Errorf("notes lack %s:\n%s", part, notes)
		}
	}
}

func TestThreads(t *testing.T) {
	for _, tc := range []struct {
		milli          int64
		cores, sharers int
		want           int
	}{{0, 2, 6, 1}, {0, 2, 1, 2}, {0, 64, 6, 10}, {500, 64, 1, 1}, {1001, 64, 9, 2}, {8000, 4, 1, 4}, {0, 0, 0, 1}} {
		if got := Threads(tc.milli, tc.cores, tc.sharers); got != tc.want {
			t.Errorf("%+v: %d", tc, got)
		}
	}
	task := job(workload.Container{Command: []string{"/bin/true"}, Env: []workload.EnvVar{{Name: "MKL_NUM_THREADS", Value: "7"}}})
	if e := envOf(provision1(t, options(t), task)); e["MKL_NUM_THREADS"] != "7" || e["OMP_NUM_THREADS"] != "" {
		t.Errorf("the user's own choice is overruled: %v", e)
	}
	o := options(t)
	o.Parallel = func(string) int { return 3 }
	if e := envOf(provision1(t, o, job(workload.Container{Command: []string{"/bin/true"}}))); e["OMP_NUM_THREADS"] != "1" {
		t.Errorf("three trials on four cores get %s threads each", e["OMP_NUM_THREADS"])
	}
}

func TestEntrypoint(t *testing.T) {
	dir := t.TempDir()
	os.WriteFile(filepath.Join(dir, "run"), []byte("#!/bin/sh\n"), 0o755)
	o := options(t)
	o.Config = Config{Images: []Image{{Image: "me/x:*", Mounts: []ImageMount{{Path: "/opt/x", Source: dir}}, Command: []string{"/opt/x/run", "$(A)"}, WorkingDir: "/opt/x", Venv: dir, Env: map[string]string{"E": "image"}}}}
	c := provision1(t, o, job(workload.Container{Image: "me/x:1", Args: []string{"a"}, Env: []workload.EnvVar{{Name: "A", Value: "1"}}}))
	if !slices.Equal(c.Process.Argv, []string{"/opt/x/run", "$(A)", "a"}) || c.Process.Dir != "/opt/x" {
		t.Errorf("argv %q in %s", c.Process.Argv, c.Process.Dir)
	}
	if e := envOf(c); e["PATH"] != dir+"/bin:/usr/bin:/bin" || e["VIRTUAL_ENV"] != dir || e["E"] != "image" {
		t.Errorf("environment %v", e)
	}
	if diff := cmp.Diff([]Mount{{Source: dir, Target: "/opt/x"}}, c.Process.Mounts); diff != "" {
		t.Error(diff)
	}
	c = provision1(t, o, job(workload.Container{Image: "me/x:1", Command: []string{"/bin/true"}, Args: []string{"a"}}))
	if !slices.Equal(c.Process.Argv, []string{"/bin/true", "a"}) {
		t.Errorf("command does not replace the image's: %q", c.Process.Argv)
	}
}

func TestCheck(t *testing.T) {
	file := filepath.Join(t.TempDir(), "f")
	os.WriteFile(file, nil, 0o600)
	run := []string{"/bin/true"}
	key := func(kind string) []workload.EnvVar {
		f := &workload.ValueSource{ConfigMapKeyRef: &workload.KeyRef{Name: "cm", Key: "k"}}
		if kind == "Secret" {
			f = &workload.ValueSource{SecretKeyRef: &workload.KeyRef{Name: "cm", Key: "k"}}
		}
		return []workload.EnvVar{{Name: "A", ValueFrom: f}}
	}
	mounted := func(source, sub string) runner.Task {
		m := mount("v", "/mnt/v")
		m.SubPath = sub
		return job(workload.Container{Command: run, VolumeMounts: []workload.VolumeMount{m}}, vol("v", source))
	}
	data := mounted(`{"configMap":{"name":"cm","items":[{"key":"k","path":"../../x"}]}}`, "")
	data.Documents["ConfigMap/cm"] = runner.Document{Data: map[string][]byte{"k": nil}}
	dots := mounted(`{"configMap":{"name":"cm"}}`, "")
	dots.Documents["ConfigMap/cm"] = runner.Document{Data: map[string][]byte{"../k": nil}}
	for _, tc := range []struct {
		name string
		task runner.Task
		want string
	}{
		{"no command", job(workload.Container{Image: "a/b:1"}), `image "a/b:1" is not known on this machine: give the container a command; or write`},
		{"image without command", job(workload.Container{Image: "mapped:1"}), `no command for image "mapped:1"`},
		{"missing folder", job(workload.Container{Image: "gone:1", Command: run}), "there is no such file or folder"},
		{"missing program", job(workload.Container{Command: []string{"/opt/none/x"}}), "program /opt/none/x does not exist: install it, or map"},
		{"missing on PATH", job(workload.Container{Command: []string{"no-such-program"}}), "in none of the folders of PATH (/usr/bin:/bin)"},
		{"not executable", job(workload.Container{Command: []string{file}}), "chmod +x"},
		{"a folder", job(workload.Container{Command: []string{"/usr"}}), "is a folder, not a program"},
		{"ConfigMap", job(workload.Container{Command: run, Env: key("ConfigMap")}), `ConfigMap "cm" not found: add it to the experiment's file`},
		{"Secret", job(workload.Container{Command: run, Env: key("Secret")}), `Secret "cm" not found`},
		{"ConfigMap volume", mounted(`{"configMap":{"name":"cm"}}`, ""), `ConfigMap "cm" not found`},
		{"bad field", job(workload.Container{Command: run, Env: []workload.EnvVar{{Name: "A", ValueFrom: &workload.ValueSource{FieldRef: &workload.FieldRef{FieldPath: "spec.x"}}}}}), "none that a pod has"},
		{"unknown volume", job(workload.Container{Command: run, VolumeMounts: []workload.VolumeMount{mount("w", "/w")}}, vol("v", `{"emptyDir":{}}`)), `pod has none of that name: it has v`},
		{"nfs", mounted(`{"nfs":{"server":"s"}}`, ""), "nfs volumes cannot be mounted on this machine: name a folder"},
		{"hostPath", mounted(`{"hostPath":{"path":"/etc"}}`, ""), "allow it with --allow-host-path /etc"},
		{"hostPath climbs", mounted(`{"hostPath":{"path":"/ok/../etc"}}`, ""), "without .."},
		{"claim climbs", mounted(`{"persistentVolumeClaim":{"claimName":"../../x"}}`, ""), "cannot be the name of a claim"},
		{"item climbs", data, "leads out of the volume"},
		{"key climbs", dots, "cannot be the name of a file"},
		{"subPath climbs", mounted(`{"emptyDir":{}}`, "../x"), "leads out of the volume"},
		{"subPath absolute", mounted(`{"emptyDir":{}}`, "/etc"), "leads out of the volume"},
		{"volume climbs", job(workload.Container{Command: run, VolumeMounts: []workload.VolumeMount{mount("../v", "/v")}}, vol("../v", `{"emptyDir":{}}`)), "cannot be the name of a volume"},
		{"container climbs", job(workload.Container{Name: "../../x", Command: run}), "cannot be the name of a container"},
		{"mount over /", job(workload.Container{Command: run, VolumeMounts: []workload.VolumeMount{mount("v", "/")}}, vol("v", `{"emptyDir":{}}`)), "over / itself"},
		{"mount over /usr", job(workload.Container{Command: run, VolumeMounts: []workload.VolumeMount{mount("v", "/usr/")}}, vol("v", `{"emptyDir":{}}`)), "hide this machine's own programs"},
		{"relative mount", job(workload.Container{Command: run, VolumeMounts: []workload.VolumeMount{mount("v", "x")}}, vol("v", `{"emptyDir":{}}`)), "absolute path without .."},
		{"mount climbs", job(workload.Container{Command: run, VolumeMounts: []workload.VolumeMount{mount("v", "/a/../../b")}}, vol("v", `{"emptyDir":{}}`)), "absolute path without .."},
		{"relative workingDir", job(workload.Container{Command: run, WorkingDir: "x"}), "must be an absolute path"},
		{"quantity", job(workload.Container{Command: run, Resources: workload.Resources{Limits: map[string]workload.Quantity{"cpu": "two"}}}), "is no quantity"},
		{"zero byte", job(workload.Container{Command: []string{"/bin/echo", "a\x00b"}}), "zero byte"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := options(t)
			o.Config = Config{Images: []Image{{Image: "mapped:*"}, {Image: "gone:*", Mounts: []ImageMount{{Path: "/opt/g", Source: "/no/such"}}}}}
			for _, tier := range []Tier{Namespaces, Plain} {
				o.Tier = tier
				p := New(o)
				if err := p.Check(tc.task); err == nil || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("%s: got %v, want …%s…", tier, err, tc.want)
				}
				p.Notes(tc.task)
			}
		})
	}
}

func TestVolumes(t *testing.T) {
	o := options(t)
	host := t.TempDir()
	o.Config.Volumes = map[string]string{"/srv/sets": host}
	task := job(workload.Container{Command: []string{"/bin/true"}, VolumeMounts: []workload.VolumeMount{
		mount("scratch", "/scratch"), mount("cm", "/etc/conf"), mount("all", "/all"), mount("claim", "/claims/data"), mount("host", "/sets"), mount("shm", "/dev/shm"),
		{Name: "scratch", MountPath: "/sub", SubPathExpr: "$(WHO)/x"}, {Name: "cm", MountPath: "/one.txt", SubPath: "a.txt", ReadOnly: true},
		{Name: "nested", MountPath: "/scratch/inner"},
	}, Env: []workload.EnvVar{{Name: "WHO", Value: "me"}}},
		vol("scratch", `{"emptyDir":{}}`), vol("nested", `{"emptyDir":{}}`),
		vol("cm", `{"configMap":{"name":"c","defaultMode":493}}`),
		vol("all", `{"projected":{"sources":[{"secret":{"name":"s","items":[{"key":"k","path":"deep/er/k","mode":256}]}},{"downwardAPI":{"items":[{"path":"labels","fieldRef":{"fieldPath":"metadata.labels"}}]}},{"serviceAccountToken":{"path":"token"}}]}}`),
		vol("claim", `{"persistentVolumeClaim":{"claimName":"data"}}`), vol("host", `{"hostPath":{"path":"/srv/sets/mnist","type":"DirectoryOrCreate"}}`),
		vol("shm", `{"emptyDir":{"medium":"Memory","sizeLimit":"64Mi"}}`))
	task.Documents["ConfigMap/c"] = runner.Document{Data: map[string][]byte{"a.txt": []byte("A"), "run.sh": []byte("#!/bin/sh")}}
	task.Documents["Secret/s"] = runner.Document{Secret: true, Data: map[string][]byte{"k": []byte("top-secret-value\n")}}
	p := New(o)
	if err := p.Check(task); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for range 2 { // it may be asked for again
		all, err := p.Provision(task, task.Job.Pods[0], dir, Grant{})
		if err != nil {
			t.Fatal(err)
		}
		c := all[0]
		want := []Mount{
			{Source: dir + "/volumes/all", Target: "/all", ReadOnly: true},
			{Source: o.Home + "/volumes/ns/data", Target: "/claims/data"},
			{Source: "tmpfs", Target: "/dev/shm", Size: 64 << 20},
			{Source: dir + "/volumes/cm", Target: "/etc/conf", ReadOnly: true},
			{Source: dir + "/volumes/cm/a.txt", Target: "/one.txt", ReadOnly: true},
			{Source: dir + "/volumes/scratch", Target: "/scratch"},
			{Source: dir + "/volumes/nested", Target: "/scratch/inner"},
			{Source: host + "/mnist", Target: "/sets"},
			{Source: dir + "/volumes/scratch/me/x", Target: "/sub"},
		}
		if diff := cmp.Diff(want, c.Process.Mounts); diff != "" {
			t.Fatal(diff)
		}
		for _, m := range want {
			if m.Source != "tmpfs" && !exists(m.Source) {
				t.Errorf("%s was not made", m.Source)
			}
		}
		if !exists(dir + "/volumes/scratch/inner") {
			t.Error("the mount point inside the volume was not made")
		}
		for file, want := range map[string]string{"volumes/cm/run.sh": "-rwx------ #!/bin/sh", "volumes/all/deep/er/k": "-r-------- top-secret-value\n", "volumes/all/labels": "-rw------- a=\"1\"\nb=\"2\""} {
			b, _ := os.ReadFile(filepath.Join(dir, file))
			info, err := os.Stat(filepath.Join(dir, file))
			if err != nil || info.Mode().String()+" "+string(b) != want {
				t.Errorf("%s: %v %q, %v", file, info.Mode(), b, err)
			}
		}
		if !slices.Equal(c.Process.Secrets, []string{"top-secret-value\n", "top-secret-value"}) {
			t.Errorf("secrets %q", c.Process.Secrets)
		}
		if got := c.Host("/sub/f"); got != dir+"/volumes/scratch/me/x/f" {
			t.Errorf("/sub/f lies at %s", got)
		}
		if c.Host("/dev/shm/x") != "" || c.Host("/elsewhere") != "/elsewhere" {
			t.Error("Host is wrong about memory or unmounted paths")
		}
	}
}

// A container of an earlier run may have put links where folders are expected.
func TestLinksAreNotFollowedOut(t *testing.T) {
	outside := t.TempDir()
	os.WriteFile(filepath.Join(outside, "passwd"), []byte("mine"), 0o600)
	for _, tc := range []struct{ name, link, sub string }{
		{"subPath is a link", "volumes/v/sub", "sub"},
		{"subPath below a link", "volumes/v/a", "a/b"},
		{"subPath is a file outside", "volumes/v/f", "f/passwd"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			os.MkdirAll(filepath.Join(dir, filepath.Dir(tc.link)), 0o700)
			if err := os.Symlink(outside, filepath.Join(dir, tc.link)); err != nil {
				t.Fatal(err)
			}
			m := mount("v", "/v")
			m.SubPath = tc.sub
			task := job(workload.Container{Command: []string{"/bin/true"}, VolumeMounts: []workload.VolumeMount{m}}, vol("v", `{"emptyDir":{}}`))
			if all, err := New(options(t)).Provision(task, task.Job.Pods[0], dir, Grant{}); err == nil {
				t.Errorf("mounts %+v", all[0].Process.Mounts)
			}
		})
	}
	t.Run("a volume of files is a link", func(t *testing.T) {
		dir := t.TempDir()
		os.MkdirAll(filepath.Join(dir, "volumes"), 0o700)
		os.Symlink(outside, filepath.Join(dir, "volumes", "v"))
		task := job(workload.Container{Command: []string{"/bin/true"}, VolumeMounts: []workload.VolumeMount{mount("v", "/v")}}, vol("v", `{"configMap":{"name":"c"}}`))
		task.Documents["ConfigMap/c"] = runner.Document{Data: map[string][]byte{"passwd": []byte("theirs")}}
		if _, err := New(options(t)).Provision(task, task.Job.Pods[0], dir, Grant{}); err == nil {
			t.Error("it was written through")
		}
		if b, _ := os.ReadFile(filepath.Join(outside, "passwd")); string(b) != "mine" {
			t.Errorf("the file outside is now %q", b)
		}
	})
}

func TestCollectorPath(t *testing.T) {
	run := workload.Container{Command: []string{"/bin/true", "--out", "/katib/x.json"}}
	for _, tc := range []struct {
		name, kind, path, under string // under: where the file must lie, below the pod's folder
	}{
		{"new folder", "File", "/katib/x.json", "collect/main/folder/x.json"},
		{"folder with more in it", "File", "/etc/x.json", "collect/main/file/x.json"},
		{"events", "TensorFlowEvent", "/var/log/katib/tfevent", "collect/main/folder"},
		{"stdout", "StdOut", "/var/log/katib/metrics.log", ""},
		{"prometheus", "PrometheusMetric", "/metrics", ""},
	} {
		for _, tier := range []Tier{Namespaces, Plain} {
			t.Run(tc.name+" "+string(tier), func(t *testing.T) {
				o := options(t)
				o.Tier = tier
				task := job(run)
				task.Collect = runner.Collect{Kind: tc.kind, Path: tc.path}
				dir := t.TempDir()
				all, err := New(o).Provision(task, task.Job.Pods[0], dir, Grant{})
				if err != nil {
					t.Fatal(err)
				}
				want := tc.path
				if tc.under != "" {
					want = filepath.Join(dir, tc.under)
				}
				if got := all[0].Host(tc.path); got != want {
					t.Errorf("it lies at %s, want %s", got, want)
				}
				if tc.under != "" && !exists(filepath.Dir(want)) {
					t.Error("its folder was not made")
				}
				if tier == Plain && tc.name == "new folder" && all[0].Process.Argv[2] != want {
					t.Errorf("the command line says %s", all[0].Process.Argv[2])
				}
			})
		}
	}
	task := job(workload.Container{Command: []string{"/bin/true"}, VolumeMounts: []workload.VolumeMount{mount("v", "/katib")}}, vol("v", `{"emptyDir":{"medium":"Memory"}}`))
	task.Collect = runner.Collect{Kind: "File", Path: "/katib/x"}
	if c := provision1(t, options(t), task); c.Host("/katib/x") == "" || len(c.Process.Mounts) != 1 {
		t.Errorf("points are to be read from memory: %+v", c.Process.Mounts)
	}
}

func TestWorkingFolderIsNeverHidden(t *testing.T) {
	task := job(workload.Container{Command: []string{"/bin/true"}, VolumeMounts: []workload.VolumeMount{mount("v", "/tmp"), mount("v", "/zz")}}, vol("v", `{"emptyDir":{}}`))
	dir, err := os.MkdirTemp("/tmp", "qalam-test")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	all, err := New(options(t)).Provision(task, task.Job.Pods[0], dir, Grant{})
	if err != nil {
		t.Fatal(err)
	}
	var targets []string
	for _, m := range all[0].Process.Mounts {
		targets = append(targets, m.Target)
	}
	if want := []string{"/qalam", "/zz", "/tmp"}; !slices.Equal(targets, want) || all[0].Process.Dir != "/qalam" {
		t.Errorf("mounts %q, want %q; starts in %s", targets, want, all[0].Process.Dir)
	}
}

func TestDevices(t *testing.T) {
	task := job(workload.Container{Command: []string{"/bin/true"}})
	for name, tc := range map[string]struct {
		granted []Device
		want    map[string]string
	}{
		"none":   {nil, map[string]string{"CUDA_VISIBLE_DEVICES": "", "NVIDIA_VISIBLE_DEVICES": "void"}},
		"nvidia": {[]Device{{"nvidia.com/gpu", "GPU-1"}, {"nvidia.com/gpu", "GPU-2"}}, map[string]string{"CUDA_VISIBLE_DEVICES": "GPU-1,GPU-2", "NVIDIA_VISIBLE_DEVICES": "GPU-1,GPU-2"}},
		"amd":    {[]Device{{"amd.com/gpu", "3"}}, map[string]string{"ROCR_VISIBLE_DEVICES": "3", "HIP_VISIBLE_DEVICES": "0", "CUDA_VISIBLE_DEVICES": "0"}},
	} {
		all, err := New(options(t)).Provision(task, task.Job.Pods[0], t.TempDir(), Grant{Devices: map[string][]Device{"t-1-0/main": tc.granted}})
		if err != nil {
			t.Fatal(err)
		}
		e := envOf(all[0])
		for k, v := range tc.want {
			if got, ok := e[k]; !ok || got != v {
				t.Errorf("%s: %s=%q, want %q", name, k, got, v)
			}
		}
	}
}

// mpi is the MPIJob of the examples as the operator lays it out.
func mpi() runner.Task {
	pod := func(name, replica string, c workload.Container) workload.Pod {
		c.Name = "mpi"
		return workload.Pod{Name: name, Names: []string{name, name + ".ns"}, Replica: replica, Default: "mpi", Idle: replica == "worker",
			Spec: workload.PodSpec{Containers: []workload.Container{c}, Volumes: []workload.Volume{vol("scratch", `{"emptyDir":{}}`)}}}
	}
	files := []workload.File{{Path: "/etc/mpi/hostfile", Mode: 0o444, Content: "j-worker-0 slots=1\n", Pods: []string{"j-launcher"}},
		{Path: "/etc/mpi/kubexec.sh", Mode: 0o555, Content: "kubectl", Pods: []string{"j-launcher"}}}
	return runner.Task{ID: runner.ID{Experiment: "e", Trial: "j", Attempt: 1}, Job: &workload.Job{Kind: "MPIJob", Name: "j", Namespace: "ns", Files: files, Pods: []workload.Pod{
		pod("j-launcher", "launcher", workload.Container{Command: []string{"/bin/true"}, Env: []workload.EnvVar{{Name: "LAUNCHER", Value: "1"}, {Name: "OMPI_MCA_plm_rsh_agent", Value: "/etc/mpi/kubexec.sh"}}}),
		pod("j-worker-0", "worker", workload.Container{Env: []workload.EnvVar{{Name: "WHO", Value: "it's $HOME `id` \"0\"\nline"}}}),
		pod("j-worker-1", "worker", workload.Container{Env: []workload.EnvVar{{Name: "WHO", Value: "1"}, {Name: "not.a.shell.name", Value: "x"}},
			VolumeMounts: []workload.VolumeMount{mount("scratch", "/scratch")}}),
	}}}
}

func TestAgentRunsCommandsOfWorkers(t *testing.T) {
	task, dir, o := mpi(), t.TempDir(), options(t)
	o.Tier = Plain
	p := New(o)
	if err := p.Check(task); err != nil {
		t.Fatal(err)
	}
	all, err := p.Provision(task, task.Job.Pods[0], dir, Grant{})
	if err != nil {
		t.Fatal(err)
	}
	agent := envOf(all[0])["OMPI_MCA_plm_rsh_agent"]
	if agent != dir+"/files/etc/mpi/kubexec.sh" {
		t.Fatalf("the agent is %s", agent)
	}
	call := func(args ...string) (string, error) {
		cmd := exec.Command(agent, args...)
		cmd.Env = []string{"LAUNCHER=1", "QALAM_ATTEMPT=mark"}
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := call("j-worker-0", "printf", "%s", `"$WHO|$LAUNCHER|$QALAM_ATTEMPT|$HOSTNAME"`)
	if want := "it's $HOME `id` \"0\"\nline||mark|j-worker-0"; err != nil || out != want {
		t.Errorf("got %q, %v, want %q", out, err, want)
	}
	if out, err := call("j-worker-1.ns", "echo $WHO; pwd; exit 3"); err == nil || !strings.HasPrefix(out, "1\n"+dir+"/peers/j-worker-1/work.mpi\n") {
		t.Errorf("got %q, %v", out, err)
	}
	if out, err := call("j-worker-9", "true"); err == nil || !strings.Contains(out, "no worker j-worker-9") {
		t.Errorf("got %q, %v", out, err)
	}
	if !exists(all[0].Host("/scratch")) || !strings.HasPrefix(all[0].Host("/scratch"), dir) {
		t.Errorf("the worker's volume lies at %s", all[0].Host("/scratch"))
	}
	if info, err := os.Stat(dir + "/files/etc/mpi/j-worker-0.sh"); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the worker's variables can be read by others: %v, %v", info, err)
	}
	o.Tier = Namespaces
	all, err = New(o).Provision(task, task.Job.Pods[0], t.TempDir(), Grant{})
	if err != nil || !slices.ContainsFunc(all[0].Process.Mounts, func(m Mount) bool { return m.Target == "/etc/mpi" && m.ReadOnly }) {
		t.Errorf("mounts %+v, %v", all[0].Process.Mounts, err)
	}
}

func TestTerminationMessage(t *testing.T) {
	if c := provision1(t, options(t), job(workload.Container{Command: []string{"/bin/true"}})); c.Termination != "" || len(c.Process.Mounts) > 0 {
		t.Errorf("a program that has no last words costs a mount: %+v", c)
	}
	for _, c := range []workload.Container{{Command: []string{"/bin/sh", "-c", "echo > /dev/termination-log"}}, {Command: []string{"/bin/true"}, TerminationMessagePath: "/dev/last"}} {
		got := provision1(t, options(t), job(c))
		if !exists(got.Termination) || len(got.Process.Mounts) != 1 || got.Process.Mounts[0].Source != got.Termination {
			t.Errorf("%+v", got)
		}
	}
}

func TestNotes(t *testing.T) {
	task := job(workload.Container{Image: "me/x:1", Command: []string{"python3", "/opt/none/train.py"}})
	task.Job.Pods[0].Spec.Unsupported = []string{"nodeSelector", "affinity"}
	task.Job.Pods[0].Spec.Extra = map[string]string{"affinity": "there is one machine only"}
	task.Job.Notes = []string{"a note of the job"}
	notes := strings.Join(New(options(t)).Notes(task), "\n")
	for _, want := range []string{"a note of the job", "nodeSelector has no effect here", "affinity has no effect here: there is one", "image \"me/x:1\" is not mapped",
		"python3 will not find /opt/none/train.py on this machine: map the image to the folder that has it (--image 'me/x:1=DIR:/opt/none')"} {
		if !strings.Contains(notes, want) {
			t.Errorf("notes lack %s:\n%s", want, notes)
		}
	}
}
