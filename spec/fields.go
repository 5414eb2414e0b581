package spec

import (
	"maps"
	"slices"
	"strings"

	"qalam/api/v1beta1"
)

// The fields of the parts of jobs in which a slip of the pen changes what runs without a word from anyone.
var (
	documentFields = strings.Fields("apiVersion kind metadata spec status")
	jobFields      = strings.Fields(`activeDeadlineSeconds backoffLimit backoffLimitPerIndex completionMode completions managedBy manualSelector
		maxFailedIndexes parallelism podFailurePolicy podReplacementPolicy selector successPolicy suspend template ttlSecondsAfterFinished`)
	replicaFields = strings.Fields("replicas template restartPolicy")
	podFields     = strings.Fields(`activeDeadlineSeconds affinity automountServiceAccountToken containers dnsConfig dnsPolicy enableServiceLinks
		ephemeralContainers hostAliases hostIPC hostNetwork hostPID hostUsers hostname imagePullSecrets initContainers nodeName nodeSelector os
		overhead preemptionPolicy priority priorityClassName readinessGates resourceClaims resources restartPolicy runtimeClassName
		schedulerName schedulingGates securityContext serviceAccount serviceAccountName setHostnameAsFQDN shareProcessNamespace subdomain
		terminationGracePeriodSeconds tolerations topologySpreadConstraints volumes hostnameOverride workloadRef`)
	containerFields = strings.Fields(`args command env envFrom image imagePullPolicy lifecycle livenessProbe name ports readinessProbe resizePolicy
		resources restartPolicy restartPolicyRules securityContext startupProbe stdin stdinOnce terminationMessagePath
		terminationMessagePolicy tty volumeDevices volumeMounts workingDir`)
)

// misspeltFields looks for fields of the job that do not exist. Katib does so for Jobs alone, and refuses them; for other kinds
// a field that resembles a known one is refused, any other is warned of.
func (b *builder) misspeltFields(kind string) {
	b.known("", b.template, documentFields, false)
	job := kind == "Job"
	switch kind {
	case "Job":
		b.known("spec", object(b.template, "spec"), jobFields, true)
	case "Pod":
	default:
		r, ok := replicatedKinds[kind]
		if !ok {
			return
		}
		for name, replica := range object(b.template, "spec", r.field) {
			b.known(field("spec."+r.field, name), object(replica), replicaFields, false)
		}
	}
	for _, p := range b.pods(kind) {
		b.known(p.specPath, p.spec, podFields, job)
		for _, list := range []string{"containers", "initContainers"} {
			for i, c := range objects(p.spec[list]) {
				b.known(item(p.specPath+"."+list, i), c, containerFields, job)
			}
		}
	}
}

// known checks the fields of one part of the job against those it can have. strict makes every other one an error.
func (b *builder) known(path string, part map[string]any, names []string, strict bool) {
	for _, name := range slices.Sorted(maps.Keys(part)) {
		if slices.Contains(names, name) {
			continue
		}
		at := name
		if path != "" {
			at = field(path, name)
		}
		near := v1beta1.Nearest(name, names)
		switch {
		case near != "" && part[near] == nil:
			b.templateFault(SeverityError, at, "did you mean "+near+"?", "invalid spec.trialTemplate: unknown field %q", name)
		case strict || b.strict:
			b.templateFault(SeverityError, at, "remove it", "invalid spec.trialTemplate: unknown field %q", name)
		default:
			b.templateFault(SeverityWarning, at, "it has no effect", "unknown field %q", name)
		}
	}
}
