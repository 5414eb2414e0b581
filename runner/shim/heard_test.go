package shim

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A shim hears of an engine only as long as that lives and holds its stderr for it.
func TestHeard(t *testing.T) {
	const told = "heard: "
	if os.Getenv("QALAM_TEST_HEARD") != "" {
		fmt.Println(told, heard())
		return
	}
	trouble, err := os.Create(filepath.Join(t.TempDir(), "trouble"))
	if err != nil {
		t.Fatal(err)
	}
	hears := func() string {
		cmd := exec.Command("/proc/self/exe", "-test.run=^TestHeard$")
		cmd.Env, cmd.Stderr = append(os.Environ(), "QALAM_TEST_HEARD=yes"), trouble
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		_, said, _ := strings.Cut(string(out), told)
		said, _, _ = strings.Cut(said, "\n")
		return strings.TrimSpace(said)
	}
	if said := hears(); said != "false" {
		t.Errorf("before there is an engine: %q", said)
	}
	if err := Hear(trouble); err != nil {
		t.Fatal(err)
	}
	if said := hears(); said != "true" {
		t.Errorf("while there is one: %q", said)
	}
	again, err := os.Open(trouble.Name())
	if err != nil {
		t.Fatal(err)
	}
	again.Close() // as the end of this process would, it gives up what is held of the file
	if said := hears(); said != "false" {
		t.Errorf("when it is gone: %q", said)
	}
}
