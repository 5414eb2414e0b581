package workload

import (
	"encoding/json"
	"testing"
	"time"
)

// FuzzExpand hands any JSON to all that reads a job: nothing panics, and no job has more pods than one may have.
func FuzzExpand(f *testing.F) {
	for _, s := range []string{
		pytorchJob(`"elasticPolicy": {"rdzvConf": [{"key": "a"}]}, "runPolicy": {"backoffLimit": 1}`, "Master 1", "Worker 3"),
		tfJob(`"enableDynamicWorker": true`, "Chief 1", "PS 2", "Worker 2", "Evaluator 1"),
		job("kubeflow.org/v1", "MPIJob", group("mpiReplicaSpecs", "m", `"slotsPerWorker": 2`, "Launcher 1", "Worker 2")),
		job("kubeflow.org/v2beta1", "MPIJob", group("mpiReplicaSpecs", "m", `"mpiImplementation": "Intel"`, "Launcher 1", "Worker 2")),
		job("kubeflow.org/v1", "XGBoostJob", group("xgbReplicaSpecs", "xgboost", "", "Master 1", "Worker 2")),
		job("kubeflow.org/v1", "PaddleJob", group("paddleReplicaSpecs", "paddle", "", "Master 0", "Worker 2")),
		job("kubeflow.org/v1", "JAXJob", group("jaxReplicaSpecs", "jax", "", "Worker 2")),
		trainJob2("deepspeed-distributed", `{"numNodes": 3, "numProcPerNode": 2}`), trainJob2("torchtune-llama3.2-1b", `{"command": ["tune", "run"]}`),
		batchJob("Never", `"completions": 3, "parallelism": 2, "completionMode": "Indexed", `),
		`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}], "ports": [{"containerPort": 1}]}], "volumes": [{"name": "v"}]}}`,
		`{"kind": "TrainJob", "apiVersion": "trainer.kubeflow.org/v1alpha1", "metadata": {"name": "t"}, "spec": {"runtimeRef": {"name": "torch-distributed"}, "runtimePatches": [{"trainingRuntimeSpec": {"template": {"spec": {"replicatedJobs": [1, {"name": 2}]}}}}]}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var o map[string]any
		if json.Unmarshal(data, &o) != nil {
			return
		}
		before, _ := json.Marshal(o)
		Lint(o, LintOptions{PrimaryContainer: "c", PrimaryPodLabels: map[string]string{labelRole: "master"}, Parallel: 2,
			Retain: true, Capacity: map[string]Quantity{"cpu": "1"}})
		runtimes := []map[string]any{o, {"kind": "ClusterTrainingRuntime", "metadata": map[string]any{"name": "torch-distributed"}, "spec": o["spec"]}}
		for _, options := range []Options{{}, {Runtimes: runtimes}} {
			j, err := Expand(o, options)
			if err != nil {
				continue
			}
			if len(j.Pods) == 0 || len(j.Pods) > maxPods {
				t.Fatalf("%d pods", len(j.Pods))
			}
			v := j.Judge(Status{}, time.Time{})
			if _, err := json.Marshal(j.Object(v, Status{})); err != nil {
				t.Fatal(err)
			}
			PrimaryPods(j, map[string]string{"job-role": "master"})
		}
		if after, _ := json.Marshal(o); string(before) != string(after) {
			t.Fatal("the object was changed")
		}
	})
}

// FuzzQuantity reads any text as a quantity.
func FuzzQuantity(f *testing.F) {
	for _, s := range []string{"500m", "1.5Gi", "1e3", "-1E-3", "1E", "0x1", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := Quantity(s).Value()
		m, err2 := Quantity(s).MilliValue()
		if (err == nil) != (err2 == nil) {
			t.Fatalf("%v, %v", err, err2)
		}
		if err == nil && v > 0 && m < v {
			t.Fatalf("%d, %d", v, m)
		}
	})
}

// FuzzJudge judges any status.
func FuzzJudge(f *testing.F) {
	f.Add([]byte(`{"Pods": [{"name": "j-master-0", "phase": "Failed"}, {"name": "j-worker-0", "phase": "Running", "containerStatuses": [{"name": "pytorch", "terminated": {"exitCode": 1}, "restartCount": 3}]}]}`), int64(1e9))
	f.Fuzz(func(t *testing.T, data []byte, now int64) {
		var s Status
		if json.Unmarshal(data, &s) != nil {
			return
		}
		for _, text := range []string{
			pytorchJob(`"runPolicy": {"backoffLimit": 2, "activeDeadlineSeconds": 9}`, "Master 1", "Worker 1"), tfJob("", "Worker 2"), batchJob("OnFailure", `"completions": 3, `),
		} {
			j := mustExpand(t, text, Options{})
			v := j.Judge(s, time.Unix(0, now))
			j.Object(v, s)
			if v.Phase == "" {
				t.Fatal("no phase")
			}
		}
	})
}
