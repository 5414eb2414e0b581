package provision

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestExpand(t *testing.T) {
	env := map[string]string{"A": "1", "B": "$(A)", "EMPTY": "", "X Y": "z"}
	look := func(n string) (string, bool) { v, ok := env[n]; return v, ok }
	for in, want := range map[string]string{
		"":                  "",
		"plain":             "plain",
		"$(A)":              "1",
		"--x=$(A),$(A)":     "--x=1,1",
		"$$(A)":             "$(A)",
		"$$$(A)":            "$1",
		"$$$$":              "$$",
		"$(NONE)":           "$(NONE)",
		"$(B)":              "$(A)", // what was inserted is not looked at again
		"$(EMPTY)":          "",
		"$":                 "$",
		"a$":                "a$",
		"$(":                "$(",
		"$(A":               "$(A",
		"$A ${A}":           "$A ${A}",
		"$()":               "$()",
		"$($(A))":           "$($(A))",
		"$(X Y)":            "z",
		"price: 5$ $(A)":    "price: 5$ 1",
		"$(A)$$(B)$(B)":     "1$(B)$(A)",
		"echo $$$$ > f.pid": "echo $$ > f.pid",
	} {
		if got := expand(in, look); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzExpand(f *testing.F) {
	for _, s := range []string{"$(A)", "$$(A)", "$($(A))", "$(", "a$", "$$$$$(A)$"} {
		f.Add(s, "v$(A)")
	}
	f.Fuzz(func(t *testing.T, s, value string) {
		none := func(string) (string, bool) { return "", false }
		if !strings.Contains(s, "$$") {
			if got := expand(s, none); got != s {
				t.Errorf("%q becomes %q without any variable", s, got)
			}
		}
		escaped := strings.ReplaceAll(s, "$", "$$")
		if got := expand(escaped, func(string) (string, bool) { return value, true }); got != s {
			t.Errorf("%q escaped as %q becomes %q", s, escaped, got)
		}
	})
}

func TestRewritePaths(t *testing.T) {
	binds := []Mount{{Target: "/data/set", Source: "/m/set"}, {Target: "/data", Source: "/m/data"}, {Target: "/m", Source: "/never"}}
	for in, want := range map[string]string{
		"/data":                        "/m/data",
		"/data/":                       "/m/data/",
		"--in=/data/x.csv":             "--in=/m/data/x.csv",
		"/data/set/1":                  "/m/set/1",
		"/data/settings":               "/m/data/settings",
		"/database":                    "/database",
		"/data.old":                    "/data.old",
		"/mnt/data":                    "/mnt/data",
		"/a:/data:/data/set":           "/a:/m/data:/m/set",
		"cd /data; cat '/data/set/x'":  "cd /m/data; cat '/m/set/x'",
		"https://host/data/x":          "https://host/data/x",
		"relative/data":                "relative/data",
		`{"a":"/data","b":["/data/"]}`: `{"a":"/m/data","b":["/m/data/"]}`,
	} {
		if got := rewritePaths(in, binds); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestQuoteMakesOneWord(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.String().Draw(t, "s")
		q := quote(s)
		var out strings.Builder // as a shell reads it
		for i := 0; i < len(q); {
			switch {
			case q[i] == '\'':
				end := strings.IndexByte(q[i+1:], '\'')
				out.WriteString(q[i+1 : i+1+end])
				i += end + 2
			case q[i] == '\\':
				out.WriteByte(q[i+1])
				i += 2
			default:
				t.Fatalf("%q is bare at %d", q, i)
			}
		}
		if out.String() != s {
			t.Fatalf("%q is read as %q", q, out.String())
		}
	})
}
