package config

import (
	"regexp"
	"strings"
)

// credentials is the folder of systemd's LoadCredential=. It is there only when
// systemd starts the daemon, so `check` does without it.
const credentials = "CREDENTIALS_DIRECTORY"

// expand replaces ${NAME} from the environment, once (a value is not looked at
// again), and $${ by ${. ok is false where a name is not set.
func (d *decoder) expand(n *node, path string) (text string, ok bool) {
	rest, ok := n.text, true
	var out strings.Builder
	for {
		before, after, found := strings.Cut(rest, "${")
		out.WriteString(before)
		if !found {
			return out.String(), ok
		}
		name, tail, closed := strings.Cut(after, "}")
		switch {
		case strings.HasSuffix(before, "$"):
			out.WriteString("{")
			rest = after
			continue
		case !closed || !variable(name):
			// Not quoted: it may be a piece of a password.
			d.add(n.at, path, "${ is not followed by a NAME and } (write $${ for the text ${)")
			return "", false
		}
		value, set := d.o.Getenv(name)
		switch {
		case set:
			out.WriteString(value)
		case d.o.CheckOnly && name == credentials:
			d.warn(n.at, path, "%s is not set here: what stands below it is not checked", name)
			out.WriteString("${" + name + "}")
		default:
			d.add(n.at, path, "the environment variable %s is not set", name)
			ok = false
		}
		rest = tail
	}
}

// unknown tells whether a text hangs on the credentials that are not here.
func (d *decoder) unknown(text string) bool {
	return d.o.CheckOnly && strings.Contains(text, "${"+credentials+"}")
}

func variable(name string) bool {
	ok, _ := regexp.MatchString(`^[A-Za-z_][A-Za-z0-9_]*$`, name)
	return ok
}
