package main_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"latchkey/vendors"
)

// listed is what this test reads of `go list -json`.
type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
	Deps                               []string
}

func goList(t *testing.T, env []string, args ...string) []listed {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-json"}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	var all []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// technology says which room alone may import a dependency (by prefix). Others
// get what they need through the words of package bridge.
var technology = map[string][]string{
	"github.com/eclipse/paho.mqtt.golang": {"bridge/mqtt", "bridge/bridgetest"},
	"github.com/gorilla/websocket":        {"bridge/mqtt"},
	"go.etcd.io/bbolt":                    {"bridge/store"},
	"go.yaml.in/yaml":                     {"bridge/config"},
	"github.com/fsnotify/fsnotify":        {"bridge/config"},
	"golang.org/x/oauth2":                 {"bridge/oauth"},
	"github.com/lmittmann/tint":           {"bridge/logging"},
	"github.com/prometheus":               {"bridge/web"},
	"github.com/itchyny/gojq":             {"bridge/operations"},
	"github.com/vektah/gqlparser":         {"bridge/operations", "sim"},
	"github.com/mochi-mqtt/server":        {"bridge/testbroker"},
	"golang.org/x/sync":                   {"bridge/engine", "bridge/daemon"},
	"golang.org/x/time":                   {"bridge/engine", "bridge/cloud", "bridge/oauth"},
	"go.uber.org/goleak":                  {"test"},
	"pgregory.net/rapid":                  {"test"},
	"github.com/google/go-cmp":            {"test", "bridge/bridgetest"},
	"github.com/rogpeppe/go-internal":     {"test"},
}

func isSim(pkg string) bool {
	return strings.HasPrefix(pkg, "vendors/") && strings.HasSuffix(pkg, "sim")
}

// mayImport judges an import inside the module; both are relative to it.
func mayImport(pkg, imp string, test bool) bool {
	room := func(names ...string) bool { return slices.Contains(names, imp) }
	testAid := room("bridge/testbroker", "bridge/simkit", "bridge/bridgetest", "vendors/sims") || isSim(imp)
	switch {
	case pkg == "cmd/latchkey" || pkg == "cmd/latchkey-demo":
		if test || pkg == "cmd/latchkey-demo" {
			return imp != "bridge/bridgetest" || test
		}
		return !testAid && !strings.HasPrefix(imp, "cmd/")
	case strings.HasPrefix(imp, "cmd/"):
		return false
	case pkg == "bridge":
		return test && imp == "bridge"
	case pkg == "bridge/simkit":
		return test && imp == "bridge/simkit"
	case pkg == "bridge/bridgetest":
		return strings.HasPrefix(imp, "bridge")
	case pkg == "bridge/daemon":
		return strings.HasPrefix(imp, "bridge") && (test || !testAid)
	case strings.HasPrefix(pkg, "bridge/"):
		return room("bridge") || test && (imp == pkg || room("bridge/bridgetest", "bridge/testbroker", "bridge/simkit"))
	case pkg == "vendors":
		return room("bridge") || strings.HasPrefix(imp, "vendors/") && !isSim(imp) && !room("vendors/sims") || test && imp == pkg
	case pkg == "vendors/sims":
		return room("bridge/simkit") || isSim(imp)
	case isSim(pkg):
		return room("bridge/simkit") || test && imp == pkg
	case strings.HasPrefix(pkg, "vendors/"):
		own := imp == pkg || imp == pkg+"/"+strings.TrimPrefix(pkg, "vendors/")+"sim"
		return room("bridge") || test && (own || room("bridge/bridgetest", "bridge/simkit"))
	}
	return false
}

// Who may import whom: the rooms of the house, test imports included.
func TestLayering(t *testing.T) {
	const module = "latchkey/"
	pkgs := goList(t, nil, module+"...")
	if len(pkgs) < 15 {
		t.Fatalf("go list found only %d packages: the test looks at the wrong place", len(pkgs))
	}
	for _, p := range pkgs {
		pkg := strings.TrimPrefix(p.ImportPath, module)
		check := func(imports []string, test bool) {
			for _, imp := range imports {
				if in, ok := strings.CutPrefix(imp, module); ok {
					if !mayImport(pkg, in, test) {
						t.Errorf("%s imports %s (test: %v): no such door between these rooms", pkg, in, test)
					}
					continue
				}
				if !strings.Contains(strings.SplitN(imp, "/", 2)[0], ".") {
					continue // standard library
				}
				known := false
				for prefix, rooms := range technology {
					if imp == prefix || strings.HasPrefix(imp, prefix+"/") {
						known = true
						if !slices.Contains(rooms, pkg) && !(test && slices.Contains(rooms, "test")) && !(isSim(pkg) && slices.Contains(rooms, "sim")) {
							t.Errorf("%s imports %s (test: %v): only %v may", pkg, imp, test, rooms)
						}
					}
				}
				if !known {
					t.Errorf("%s imports %s, which no room has", pkg, imp)
				}
			}
		}
		check(p.Imports, false)
		check(p.TestImports, true)
		check(p.XTestImports, true)
	}
}

// The program that guards a door links no broker, no simulator, no test aid and no
// templates (they keep 2.3 MB of unused methods), and does link every vendor that it lists.
func TestProductionDependencies(t *testing.T) {
	for _, arch := range []string{"amd64", "arm64", "arm"} {
		t.Run(arch, func(t *testing.T) {
			deps := goList(t, []string{"GOOS=linux", "GOARCH=" + arch, "CGO_ENABLED=0"}, "latchkey/cmd/latchkey")[0].Deps
			for _, dep := range deps {
				in := strings.TrimPrefix(dep, "latchkey/")
				for _, bad := range []string{"github.com/mochi-mqtt/", "testing", "net/http/httptest", "go.uber.org/goleak", "pgregory.net/rapid", "github.com/google/go-cmp/", "github.com/rogpeppe/go-internal/", "text/template"} {
					if dep == bad || strings.HasSuffix(bad, "/") && strings.HasPrefix(dep, bad) {
						t.Errorf("links %s", dep)
					}
				}
				if isSim(in) || slices.Contains([]string{"vendors/sims", "bridge/simkit", "bridge/testbroker", "bridge/bridgetest"}, in) {
					t.Errorf("links %s", dep)
				}
			}
			for _, d := range vendors.All() {
				if !slices.Contains(deps, "latchkey/vendors/"+d.Kind) {
					t.Errorf("does not link vendors/%s, which vendors.All lists", d.Kind)
				}
			}
		})
	}
}
