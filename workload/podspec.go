package workload

import (
	"encoding/json"
	"strings"
)

// elsewhere says of fields of a pod's spec why they have no effect here. The scheduling fields are told in one line.
var elsewhere = map[string]string{
	"dnsPolicy":                     "names are resolved by this machine, the trial's own by its hosts file",
	"dnsConfig":                     "names are resolved by this machine, the trial's own by its hosts file",
	"enableServiceLinks":            "there are no services, and no variables that tell of them",
	"imagePullSecrets":              "no image is pulled",
	"automountServiceAccountToken":  "there is no cluster to ask: what calls its API will not work",
	"securityContext":               "containers run as the user who runs Qalam",
	"shareProcessNamespace":         "nothing here needs to see the processes of another container",
	"hostPID":                       "a trial sees its own processes",
	"hostIPC":                       "shared memory is this machine's",
	"hostUsers":                     "containers run as the user who runs Qalam",
	"readinessGates":                "a pod counts as ready when its containers run",
	"setHostnameAsFQDN":             "the host name is the short one",
	"resources":                     "limits are those of the containers",
	"os":                            "programs are this machine's",
	"ephemeralContainers":           "they are not part of a template",
	"serviceAccount":                "there is no cluster to ask: what calls its API will not work",
	"terminationGracePeriodSeconds": "it is no whole number of seconds",
}

var scheduling = []string{
	"nodeSelector", "nodeName", "affinity", "tolerations", "topologySpreadConstraints", "schedulerName", "priorityClassName", "priority",
	"preemptionPolicy", "runtimeClassName", "schedulingGates", "overhead", "resourceClaims",
}

var containerElsewhere = map[string]string{
	"imagePullPolicy":          "no image is pulled",
	"livenessProbe":            "the container is not probed: one that hangs is not restarted",
	"readinessProbe":           "the container is not probed: it counts as ready when it runs",
	"startupProbe":             "the container is not probed: it counts as started when it runs",
	"lifecycle":                "its hooks are not run",
	"securityContext":          "the container runs as the user who runs Qalam",
	"stdin":                    "standard input is empty",
	"stdinOnce":                "standard input is empty",
	"tty":                      "there is no terminal",
	"terminationMessagePolicy": "the message is what is written to terminationMessagePath",
	"resizePolicy":             "resources stay as they are",
	"restartPolicyRules":       "the pod's restart policy holds",
}

const unknownField = "it is no field that Qalam knows; check its spelling and place"

// unsupported collects the fields of a pod that have no effect here.
type unsupported struct {
	fields []string
	why    map[string]string
}

func (u *unsupported) add(field, why string) {
	if u.why == nil {
		u.why = map[string]string{}
	}
	if _, ok := u.why[field]; !ok {
		u.fields = append(u.fields, field)
		u.why[field] = why
	}
}

// podSpec reads a pod's spec.
func (n node) podSpec() PodSpec {
	var u unsupported
	s := PodSpec{
		RestartPolicy:      n.get("restartPolicy").text(),
		HostNetwork:        n.get("hostNetwork").boolean(),
		ServiceAccountName: n.get("serviceAccountName").text(),
		NodeName:           n.get("nodeName").text(),
	}
	s.TerminationGracePeriodSeconds = n.get("terminationGracePeriodSeconds").seconds(0)
	s.ActiveDeadlineSeconds = n.get("activeDeadlineSeconds").seconds(1)
	names := map[string]bool{}
	for _, c := range n.get("initContainers").list() {
		s.InitContainers = append(s.InitContainers, c.container(&u, "initContainers", names))
	}
	for _, c := range n.get("containers").list() {
		s.Containers = append(s.Containers, c.container(&u, "containers", names))
	}
	if len(s.Containers) == 0 && n.has() {
		n.r.fault(n.at("containers"), "give the pod at least one container", "is empty")
	}
	for _, v := range n.get("volumes").list() {
		s.Volumes = append(s.Volumes, v.volume())
	}
	for _, a := range n.get("hostAliases").list() {
		s.HostAliases = append(s.HostAliases, HostAlias{IP: a.get("ip").text(), Hostnames: a.get("hostnames").texts()})
	}
	var places []string
	for _, f := range scheduling {
		if n.get(f).has() {
			places = append(places, f)
		}
	}
	if len(places) > 0 {
		u.add(strings.Join(places, ", "), "there is one machine to run on")
	}
	if s.ServiceAccountName != "" {
		u.add("serviceAccountName", elsewhere["serviceAccount"])
	}
	for _, f := range n.others(append([]string{"restartPolicy", "hostNetwork", "serviceAccountName", "terminationGracePeriodSeconds",
		"activeDeadlineSeconds", "initContainers", "containers", "volumes", "hostAliases", "hostname", "subdomain"}, scheduling...)...) {
		why, ok := elsewhere[f]
		if !ok {
			why = unknownField
		}
		u.add(f, why)
	}
	s.Unsupported, s.Extra = u.fields, u.why
	return s
}

// seconds reads a number of seconds that is at least low.
func (n node) seconds(low int64) *int64 {
	const century = 100 * 366 * 24 * 3600
	if !n.has() {
		return nil
	}
	s := n.within(low, century, -1)
	if s < 0 {
		return nil
	}
	return &s
}

func (n node) container(u *unsupported, list string, names map[string]bool) Container {
	c := Container{
		Name:                   n.get("name").text(),
		Image:                  n.get("image").text(),
		Command:                n.get("command").texts(),
		Args:                   n.get("args").texts(),
		WorkingDir:             n.get("workingDir").text(),
		RestartPolicy:          n.get("restartPolicy").text(),
		TerminationMessagePath: n.get("terminationMessagePath").text(),
	}
	switch {
	case c.Name == "":
		n.r.fault(n.at("name"), "give the container a name", "is missing")
	case names[c.Name]:
		n.r.fault(n.at("name"), "give each container a name of its own", "%q is the name of another container of the pod", c.Name)
	}
	names[c.Name] = true
	for _, p := range n.get("ports").list() {
		port := p.get("containerPort").within(1, 65535, 0)
		if port == 0 && !p.get("containerPort").has() {
			n.r.fault(p.at("containerPort"), "give it a port from 1 to 65535", "is missing")
		}
		c.Ports = append(c.Ports, ContainerPort{Name: p.get("name").text(), ContainerPort: int(port)})
	}
	for _, e := range n.get("env").list() {
		c.Env = append(c.Env, e.envVar())
	}
	for _, e := range n.get("envFrom").list() {
		c.EnvFrom = append(c.EnvFrom, EnvFrom{
			Prefix: e.get("prefix").text(), ConfigMapRef: e.get("configMapRef").nameRef(), SecretRef: e.get("secretRef").nameRef(),
		})
	}
	for _, m := range n.get("volumeMounts").list() {
		c.VolumeMounts = append(c.VolumeMounts, VolumeMount{
			Name: m.get("name").text(), MountPath: m.get("mountPath").text(), SubPath: m.get("subPath").text(),
			SubPathExpr: m.get("subPathExpr").text(), ReadOnly: m.get("readOnly").boolean(),
		})
	}
	c.Resources = n.get("resources").resources()
	if n.get("volumeDevices").has() {
		n.r.fault(n.at("volumeDevices"), "mount the volume as a file system, or use --runner kubernetes", "raw block devices cannot be given to a container here")
	}
	for _, f := range n.others("name", "image", "command", "args", "workingDir", "ports", "env", "envFrom", "resources", "volumeMounts",
		"volumeDevices", "restartPolicy", "terminationMessagePath") {
		why, ok := containerElsewhere[f]
		if !ok {
			why = unknownField
		}
		u.add(list+"["+c.Name+"]."+f, why)
	}
	return c
}

func (n node) envVar() EnvVar {
	e := EnvVar{Name: n.get("name").text()}
	if e.Name == "" {
		n.r.fault(n.at("name"), "give the variable a name", "is missing")
	}
	e.Value = n.get("value").text()
	from := n.get("valueFrom")
	if !from.has() {
		return e
	}
	s := &ValueSource{}
	sources := 0
	if f := from.get("fieldRef"); f.has() {
		s.FieldRef = &FieldRef{FieldPath: f.get("fieldPath").text()}
		sources++
	}
	if f := from.get("resourceFieldRef"); f.has() {
		s.ResourceFieldRef = &ResourceRef{ContainerName: f.get("containerName").text(), Resource: f.get("resource").text()}
		if d := f.get("divisor"); d.has() {
			s.ResourceFieldRef.Divisor = string(d.quantity())
		}
		sources++
	}
	if s.ConfigMapKeyRef = from.get("configMapKeyRef").keyRef(); s.ConfigMapKeyRef != nil {
		sources++
	}
	if s.SecretKeyRef = from.get("secretKeyRef").keyRef(); s.SecretKeyRef != nil {
		sources++
	}
	for _, f := range from.others("fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef") {
		n.r.fault(from.at(f), "use fieldRef, resourceFieldRef, configMapKeyRef or secretKeyRef", "is no source that Qalam can take the value of %s from", e.Name)
	}
	if sources != 1 {
		n.r.fault(from.path, "name exactly one source", "names %d sources for the value of %s", sources, e.Name)
	}
	if e.Value != "" {
		n.r.fault(n.path, "keep one of value and valueFrom", "%s has both a value and a valueFrom", e.Name)
	}
	e.ValueFrom = s
	return e
}

func (n node) keyRef() *KeyRef {
	if !n.has() {
		return nil
	}
	return &KeyRef{Name: n.get("name").text(), Key: n.get("key").text(), Optional: n.get("optional").boolean()}
}

func (n node) nameRef() *NameRef {
	if !n.has() {
		return nil
	}
	return &NameRef{Name: n.get("name").text(), Optional: n.get("optional").boolean()}
}

func (n node) resources() Resources {
	return Resources{Requests: n.get("requests").quantities(), Limits: n.get("limits").quantities()}
}

func (n node) quantities() map[string]Quantity {
	var m map[string]Quantity
	for _, k := range n.keys() {
		q := n.get(k)
		if !q.has() {
			continue
		}
		if m == nil {
			m = map[string]Quantity{}
		}
		m[k] = q.quantity()
	}
	return m
}

func (n node) quantity() Quantity {
	var q Quantity
	switch v := n.value.(type) {
	case string:
		q = Quantity(strings.TrimSpace(v))
	case float64, int, int64, json.Number:
		q = Quantity(scalar(v))
	default:
		n.wrong("a quantity")
		return "0"
	}
	if v, err := q.MilliValue(); err != nil {
		n.r.fault(n.path, "", "%v", err)
		return "0"
	} else if v < 0 {
		n.r.fault(n.path, "give it a quantity of 0 or more", "%s is less than nothing", q)
	}
	return q
}

func (n node) volume() Volume {
	v := Volume{Name: n.get("name").text(), Source: map[string]json.RawMessage{}}
	if v.Name == "" {
		n.r.fault(n.at("name"), "give the volume a name", "is missing")
	}
	for _, k := range n.others("name") {
		raw, err := json.Marshal(n.object()[k])
		if err != nil {
			n.r.fault(n.at(k), "", "cannot be kept: %v", err)
			continue
		}
		v.Source[k] = raw
	}
	if len(v.Source) == 0 {
		if n.get("emptyDir").value == nil { // as in Kubernetes, a volume without a source is an empty one
			v.Source["emptyDir"] = json.RawMessage("{}")
		}
	}
	if len(v.Source) > 1 {
		n.r.fault(n.path, "keep one source", "volume %s has %d sources", v.Name, len(v.Source))
	}
	return v
}
