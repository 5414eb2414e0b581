package workload

import (
	"maps"
	"slices"
	"strings"
)

// stepLabel marks the replicated job of a training runtime that trains.
const stepLabel = "trainer.kubeflow.org/trainjob-ancestor-step"

// Short forms of what JSON decodes to.
type (
	object = map[string]any
	list   = []any
)

// builtin makes the runtimes that Kubeflow Trainer comes with, by name.
var builtin = map[string]func() object{
	"torch-distributed": func() object {
		return runtime(object{"torch": object{}}, trainer("pytorch/pytorch:2.13.0-cuda13.0-cudnn9-runtime", nil))
	},
	"jax-distributed": func() object {
		return runtime(object{"jax": object{}}, trainer("nvcr.io/nvidia/jax:25.10-py3", nil))
	},
	"xgboost-distributed": func() object {
		return runtime(object{"xgboost": object{}}, trainer("ghcr.io/kubeflow/trainer/xgboost-runtime", nil))
	},
	"deepspeed-distributed":  func() object { return mpiRuntime("ghcr.io/kubeflow/trainer/deepspeed-runtime") },
	"mlx-distributed":        func() object { return mpiRuntime("ghcr.io/kubeflow/trainer/mlx-runtime") },
	"torchtune-llama3.2-1b":  func() object { return tuneRuntime("llama3_2/1B_full", "Llama-3.2-1B-Instruct", llama) },
	"torchtune-llama3.2-3b":  func() object { return tuneRuntime("llama3_2/3B_full", "Llama-3.2-3B-Instruct", llama) },
	"torchtune-qwen2.5-1.5b": func() object { return tuneRuntime("qwen2_5/1.5B_full", "Qwen2.5-1.5B-Instruct", qwen) },
}

// runtimeNames are the names of the built-in runtimes.
func runtimeNames() []string { return slices.Sorted(maps.Keys(builtin)) }

func runtime(policy object, jobs ...any) object {
	policy["numNodes"] = int64(1)
	return object{"mlPolicy": policy, "template": object{"spec": object{"replicatedJobs": jobs}}}
}

// replicated is one replicated job with one container; step is "" for one that has none.
func replicated(name, step string, container object) object {
	t := object{"spec": object{"template": object{"spec": object{"containers": list{container}}}}}
	if step != "" {
		t["metadata"] = object{"labels": object{stepLabel: step}}
	}
	return object{"name": name, "template": t}
}

func trainer(image string, command list) object {
	c := object{"name": "node", "image": image}
	if command != nil {
		c["command"] = command
	}
	return replicated("node", "trainer", c)
}

func mpiRuntime(image string) object {
	node := replicated("node", "", object{"name": "node", "image": image, "command": list{"/usr/sbin/sshd"},
		"args": list{"-De", "-f", "/home/mpiuser/.sshd_config"}})
	launcher := replicated("launcher", "trainer", object{"name": "node", "image": image})
	launcher["dependsOn"] = list{object{"name": "node", "status": "Ready"}}
	r := runtime(object{"mpi": object{"numProcPerNode": int64(1), "mpiImplementation": "OpenMPI",
		"sshAuthMountPath": "/home/mpiuser/.ssh", "runLauncherAsNode": true}}, node, launcher)
	r["template"].(object)["spec"].(object)["successPolicy"] = object{"operator": "All", "targetReplicatedJobs": list{"launcher"}}
	return r
}

// model is what a torchtune runtime says of a family of models.
type model struct {
	organisation string
	tokenizer    list
}

var (
	llama = model{"meta-llama", list{"tokenizer.path=/workspace/model/original/tokenizer.model"}}
	qwen  = model{"Qwen", list{"tokenizer.path=/workspace/model/vocab.json", "tokenizer.merges_file=/workspace/model/merges.txt"}}
)

func tuneRuntime(config, name string, m model) object {
	command := list{"tune", "run", "--rdzv_endpoint=localhost:29500", "full_finetune_distributed", "--config", config,
		"dataset=torchtune.datasets.instruct_dataset", "dataset.source=parquet", "dataset.data_dir=/workspace/dataset/data",
		"output_dir=/workspace/output"}
	command = append(append(command, m.tokenizer...), "checkpointer.checkpoint_dir=/workspace/model")
	node := trainer("ghcr.io/kubeflow/trainer/torchtune-trainer", command)
	node["dependsOn"] = list{object{"name": "dataset-initializer", "status": "Complete"}, object{"name": "model-initializer", "status": "Complete"}}
	container := func(j object) object {
		return j["template"].(object)["spec"].(object)["template"].(object)["spec"].(object)["containers"].(list)[0].(object)
	}
	container(node)["resources"] = object{"limits": object{"nvidia.com/gpu": int64(2)}}
	data, weights := initializer("dataset", "hf://tatsu-lab/alpaca"), initializer("model", "hf://"+m.organisation+"/"+name)
	r := runtime(object{"torch": object{}}, data, weights, node)
	for _, j := range []object{data, weights, node} {
		container(j)["volumeMounts"] = list{object{"name": "initializer", "mountPath": "/workspace"}}
		spec := j["template"].(object)["spec"].(object)["template"].(object)["spec"].(object)
		spec["volumes"] = list{object{"name": "initializer", "persistentVolumeClaim": object{"claimName": "initializer"}}}
	}
	return r
}

func initializer(what, uri string) object {
	name := what + "-initializer"
	return replicated(name, name, object{"name": name, "image": "ghcr.io/kubeflow/trainer/" + name,
		"env": list{object{"name": "STORAGE_URI", "value": uri}}})
}

// findRuntime returns a copy of the spec of the runtime that a TrainJob refers to.
func findRuntime(spec node, o Options) (node, bool) {
	ref := spec.get("runtimeRef")
	name, kind := ref.get("name").text(), ref.get("kind").text()
	if name == "" {
		ref.r.fault("spec.runtimeRef.name", "name one of "+strings.Join(runtimeNames(), ", ")+", or a runtime of your own", "is missing")
		return node{}, false
	}
	if kind == "" {
		kind = "ClusterTrainingRuntime"
	}
	for _, r := range o.Runtimes {
		meta, _ := r["metadata"].(object)
		if r["kind"] == kind && meta["name"] == name {
			return node{spec.r, "spec.runtimeRef(" + name + ").spec", clone(r["spec"])}, true
		}
	}
	if built := builtin[name]; built != nil && kind == "ClusterTrainingRuntime" {
		return node{spec.r, "spec.runtimeRef(" + name + ").spec", built()}, true
	}
	ref.r.fault("spec.runtimeRef.name", "add the "+kind+" to the experiment's file as a document of its own, or name one of "+strings.Join(runtimeNames(), ", "),
		"there is no %s named %q", kind, name)
	return node{}, false
}

// mergeKeys are the lists of a pod's spec whose elements are merged by a key.
var mergeKeys = map[string]string{
	"containers": "name", "initContainers": "name", "volumes": "name", "env": "name", "volumeMounts": "mountPath",
	"replicatedJobs": "name", "ports": "containerPort", "imagePullSecrets": "name", "schedulingGates": "name",
}

// merge applies a strategic merge patch: objects are merged, lists of things with names by name, and all else is replaced.
func merge(base, patch any, field string) any {
	switch p := patch.(type) {
	case object:
		b, ok := base.(object)
		if !ok {
			return clone(p)
		}
		for k, v := range p {
			if v == nil {
				delete(b, k)
				continue
			}
			b[k] = merge(b[k], v, k)
		}
		return b
	case list:
		b, ok := base.(list)
		key := mergeKeys[field]
		if !ok || key == "" {
			return clone(p)
		}
		return mergeList(b, p, key)
	}
	return patch
}

func mergeList(base, patch list, key string) list {
	places := map[any]int{}
	for i, e := range base {
		if o, ok := e.(object); ok {
			if name, ok := o[key].(string); ok {
				places[name] = i
			}
		}
	}
	for _, e := range patch {
		if o, ok := e.(object); ok {
			if name, ok := o[key].(string); ok {
				if i, ok := places[name]; ok {
					base[i] = merge(base[i], e, "")
					continue
				}
			}
		}
		base = append(base, clone(e))
	}
	return base
}
