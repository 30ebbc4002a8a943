package main_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A schema that the owner took from the portal: what it does not have is told with
// its place, and is no mistake; a file that is no schema is one.
func TestSchemaOfAnAccount(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const schema = "type Camera { name: String }\ntype Query { cameraList: [Camera] }\n"
	config := write("config.yaml", "instance: home\nstate_dir: "+dir+`
mqtt: {broker: "mqtt://127.0.0.1:1883", username: u}
accounts:
  cams:
    vendor: netrex
    base_url: https://system2.netrex.cz
    grant: token
    token: a-portal-token
    scope: read
    options: {schema: `+filepath.Join(dir, "cloud.graphql")+`}
    operations:
      names: {graphql: "{ cameraList { name } }"}
      sizes:
        needs: recordings
        graphql: "{ cameraList { size } }"
`)
	for _, c := range []struct {
		schema string
		code   int
		says   []string
	}{
		{schema, 0, []string{"is fine", "warning: " + config + ":15:16: accounts.cams.operations.sizes.needs: the scope", "warning: " + config + ":16:18: accounts.cams.operations.sizes.graphql: the operation is switched off, for it does not fit the schema: Camera has no field size at line 1, column 16",
			"accounts.cams.options.documents.nodes: does not fit the schema: Query has no field nodeList"}},
		{"<html>Sign in</html>", 2, []string{config + ":11:23: accounts.cams.options.schema: ", "is no schema in GraphQL's own language"}},
	} {
		write("cloud.graphql", c.schema)
		code, out, errs := run(t, "", "check", "--config", config)
		if code != c.code || strings.Contains(out, "operations.names") {
			t.Errorf("latchkey check: %d\n%s%s", code, out, errs)
		}
		for _, says := range c.says {
			if !strings.Contains(out, says) {
				t.Errorf("latchkey check does not say %q:\n%s%s", says, out, errs)
			}
		}
	}
}
