package workload

import "encoding/json"

// PodSpec is the part of a Kubernetes pod specification that Qalam can run by itself. Decoding keeps what it does not know in
// Unsupported, so that nothing is ignored in silence.
type PodSpec struct {
	InitContainers                []Container       `json:"initContainers,omitempty"`
	Containers                    []Container       `json:"containers"`
	Volumes                       []Volume          `json:"volumes,omitempty"`
	RestartPolicy                 string            `json:"restartPolicy,omitempty"`
	TerminationGracePeriodSeconds *int64            `json:"terminationGracePeriodSeconds,omitempty"`
	ActiveDeadlineSeconds         *int64            `json:"activeDeadlineSeconds,omitempty"`
	HostNetwork                   bool              `json:"hostNetwork,omitempty"`
	HostAliases                   []HostAlias       `json:"hostAliases,omitempty"`
	ServiceAccountName            string            `json:"serviceAccountName,omitempty"`
	NodeName                      string            `json:"nodeName,omitempty"`
	Unsupported                   []string          `json:"-"` // field paths below the pod's spec that have no effect locally
	Extra                         map[string]string `json:"-"` // field path → why it has no effect, where there is more to say
}

// HostAlias adds names for an address to the pod's hosts file.
type HostAlias struct {
	IP        string   `json:"ip"`
	Hostnames []string `json:"hostnames"`
}

// Container is one container of a pod.
type Container struct {
	Name                   string          `json:"name"`
	Image                  string          `json:"image,omitempty"`
	Command                []string        `json:"command,omitempty"`
	Args                   []string        `json:"args,omitempty"`
	WorkingDir             string          `json:"workingDir,omitempty"`
	Ports                  []ContainerPort `json:"ports,omitempty"`
	Env                    []EnvVar        `json:"env,omitempty"`
	EnvFrom                []EnvFrom       `json:"envFrom,omitempty"`
	Resources              Resources       `json:"resources,omitzero"`
	VolumeMounts           []VolumeMount   `json:"volumeMounts,omitempty"`
	RestartPolicy          string          `json:"restartPolicy,omitempty"` // Always on an init container makes it a sidecar
	TerminationMessagePath string          `json:"terminationMessagePath,omitempty"`
}

// ContainerPort is a port that a container says it listens on.
type ContainerPort struct {
	Name          string `json:"name,omitempty"`
	ContainerPort int    `json:"containerPort"`
}

// EnvVar is one environment variable; ValueFrom is set where its value comes from elsewhere.
type EnvVar struct {
	Name      string       `json:"name"`
	Value     string       `json:"value,omitempty"`
	ValueFrom *ValueSource `json:"valueFrom,omitempty"`
}

// ValueSource names where a variable's value comes from; exactly one field is set.
type ValueSource struct {
	FieldRef         *FieldRef    `json:"fieldRef,omitempty"`
	ResourceFieldRef *ResourceRef `json:"resourceFieldRef,omitempty"`
	ConfigMapKeyRef  *KeyRef      `json:"configMapKeyRef,omitempty"`
	SecretKeyRef     *KeyRef      `json:"secretKeyRef,omitempty"`
}

// FieldRef names a field of the pod.
type FieldRef struct {
	FieldPath string `json:"fieldPath"`
}

// ResourceRef names a resource of a container.
type ResourceRef struct {
	ContainerName string `json:"containerName,omitempty"`
	Resource      string `json:"resource"`
	Divisor       string `json:"divisor,omitempty"`
}

// KeyRef names a key of a ConfigMap or Secret.
type KeyRef struct {
	Name     string `json:"name"`
	Key      string `json:"key"`
	Optional bool   `json:"optional,omitempty"`
}

// EnvFrom takes every key of a ConfigMap or Secret as a variable.
type EnvFrom struct {
	Prefix       string   `json:"prefix,omitempty"`
	ConfigMapRef *NameRef `json:"configMapRef,omitempty"`
	SecretRef    *NameRef `json:"secretRef,omitempty"`
}

// NameRef names a ConfigMap or Secret.
type NameRef struct {
	Name     string `json:"name"`
	Optional bool   `json:"optional,omitempty"`
}

// Resources holds quantities as the user wrote them ("500m", "1Gi", "1").
type Resources struct {
	Requests map[string]Quantity `json:"requests,omitempty"`
	Limits   map[string]Quantity `json:"limits,omitempty"`
}

// Quantity is a Kubernetes quantity in its written form; JSON numbers are accepted.
type Quantity string

// Volume is a volume of a pod. Source holds its one source field (emptyDir, configMap, …) as decoded JSON.
type Volume struct {
	Name   string                     `json:"name"`
	Source map[string]json.RawMessage `json:"-"`
}

// VolumeMount mounts a volume into a container.
type VolumeMount struct {
	Name        string `json:"name"`
	MountPath   string `json:"mountPath"`
	SubPath     string `json:"subPath,omitempty"`
	SubPathExpr string `json:"subPathExpr,omitempty"`
	ReadOnly    bool   `json:"readOnly,omitempty"`
}
