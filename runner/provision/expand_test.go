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

func TestQuantities(t *testing.T) {
	for in, want := range map[string][2]int64{
		"1": {1, 1000}, "500m": {1, 500}, "0.1": {1, 100}, "1.5Gi": {3 << 29, 3 << 29 * 1000}, "1e3": {1000, 1e6}, "2E": {2e18, 1<<63 - 1}, "128974848": {128974848, 128974848000},
		"129M": {129e6, 129e9}, "123Mi": {123 << 20, 123 << 20 * 1000}, "100u": {1, 1}, "007": {7, 7000}, "+2": {2, 2000}, ".5": {1, 500}, "": {0, 0}, "1E3": {1000, 1e6},
	} {
		if u, m := Units(qty(in)), Milli(qty(in)); u != want[0] || m != want[1] {
			t.Errorf("%q: %d units, %d milli, want %v", in, u, m, want)
		}
	}
	for _, in := range []string{"x", "1x", "1 Gi", "0x10", "1/2", "1_000", "1e99999999", "Gi", "--1", "1e3Gi", "NaN", "Inf", strings.Repeat("9", 100)} {
		if r, err := Amount(qty(in)); err == nil {
			t.Errorf("%q is read as %v", in, r)
		}
	}
}

func FuzzAmount(f *testing.F) {
	for _, s := range []string{"1", "500m", "1.5Gi", "1e3", "0x1p3", "1e-9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := Amount(qty(s)); err == nil && len(r.Num().Bytes()) > 100 {
			t.Errorf("%q becomes a number of %d bytes", s, len(r.Num().Bytes()))
		}
		Units(qty(s))
	})
}
