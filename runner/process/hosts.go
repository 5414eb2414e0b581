package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"qalam/workload"
)

// hostsFile is where the hosts file of a pod lies: pods without aliases of their own share one.
func (a *attempt) hostsFile(spec *workload.Pod) string {
	if len(spec.Spec.HostAliases) == 0 {
		return filepath.Join(a.dir, "hosts")
	}
	return filepath.Join(a.dir, "hosts."+spec.Name)
}

// writeHosts writes the hosts files: every name by which pods know each other.
func (a *attempt) writeHosts() error {
	var b strings.Builder
	if a.grant.HostNetwork {
		if own, err := os.ReadFile("/etc/hosts"); err == nil {
			b.WriteString(strings.TrimRight(string(own), "\n") + "\n")
		}
	} else {
		b.WriteString("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n")
	}
	for i := range a.task.Job.Pods {
		p := &a.task.Job.Pods[i]
		names := p.Names
		if len(names) == 0 {
			names = []string{p.Name}
		}
		fmt.Fprintf(&b, "%s %s\n", a.grant.Addresses[p.Name], strings.Join(names, " "))
	}
	written := map[string]bool{}
	for i := range a.task.Job.Pods {
		p := &a.task.Job.Pods[i]
		path, text := a.hostsFile(p), b.String()
		for _, alias := range p.Spec.HostAliases {
			text += alias.IP + " " + strings.Join(alias.Hostnames, " ") + "\n"
		}
		if written[path] {
			continue
		}
		written[path] = true
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			return fmt.Errorf("writing the hosts file: %w", err)
		}
	}
	return nil
}
