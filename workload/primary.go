package workload

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// obsolete maps label keys that the operators set before version 1.4 to those they set now.
var obsolete = map[string]string{
	"job-role": labelRole, "job-name": labelJob, "replica-type": labelReplica, "replica-index": labelIndex,
	"mpi-job-role": labelReplica, "mpi_role_type": labelReplica, "mpi-job-name": labelJob, "mpi_job_name": labelJob,
	"pytorch-replica-type": labelReplica, "pytorch-replica-index": labelIndex, "pytorch-job-name": labelJob,
	"tf-replica-type": labelReplica, "tf-replica-index": labelIndex, "tf-job-name": labelJob,
}

// PrimaryPods returns the names of the pods that have the labels of a trial's primaryPodLabels, in the job's order; without
// labels, of all that run. Labels that the operators set no longer, and Katib's defaults where they miss the kind, are taken as they
// are meant, with a note in job.Notes. nil means that no pod has the labels.
func PrimaryPods(job *Job, labels map[string]string) []string {
	if found := job.labelled(labels); found != nil {
		return found
	}
	meant := map[string]string{}
	for _, key := range slices.Sorted(maps.Keys(labels)) {
		value := labels[key]
		if now, ok := obsolete[key]; ok {
			job.noteOnce(fmt.Sprintf("primaryPodLabels: operators have not set %s since version 1.4; it is taken as %s", key, now))
			key = now
		}
		if key != "controller-name" && key != "group-name" {
			meant[key] = value
		}
	}
	if found := job.labelled(meant); found != nil {
		return found
	}
	switch {
	case job.Kind == "MPIJob" && meant[labelRole] == "master": // Katib's default; the mpi-operator says launcher
		meant[labelRole] = "launcher"
	case job.Kind == "TrainJob" && meant[labelReplicatedJob] == "node": // Katib's default, which in an MPI runtime is a node that sleeps
		meant[labelReplicatedJob] = "launcher"
	default:
		return nil
	}
	found := job.labelled(meant)
	if found != nil {
		job.noteOnce("primaryPodLabels: no pod that trains has " + labelText(labels) + "; the launcher is taken for the primary pod")
	}
	return found
}

// labelled lists the pods that run and have labels.
func (j *Job) labelled(labels map[string]string) []string {
	var names []string
	for i := range j.Pods {
		p := &j.Pods[i]
		match := !p.Idle
		for k, v := range labels {
			got, ok := p.Labels[k]
			match = match && ok && got == v
		}
		if match {
			names = append(names, p.Name)
		}
	}
	return names
}

func (j *Job) noteOnce(note string) {
	if !slices.Contains(j.Notes, note) {
		j.Notes = append(j.Notes, note)
	}
}

// labelText writes labels as kubectl does.
func labelText(labels map[string]string) string {
	words := make([]string, 0, len(labels))
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		words = append(words, k+"="+labels[k])
	}
	return strings.Join(words, ",")
}
