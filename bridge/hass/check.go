package hass

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// maxDocument and bigDocument are the sizes in bytes at which a document is
// refused and warned of. One with six components is about 3 kB.
const (
	maxDocument = 256 << 10
	bigDocument = 64 << 10
)

// Finding is one thing the validator found.
type Finding struct {
	// Rule is D1 to D7: Home Assistant would drop the whole document, so it is not
	// sent and the last good one stays. E1 to E8: it would drop this entity, so that
	// is left out and the rest sent. W: it does harm to nobody else.
	Rule  string
	Topic string
	Key   string // of the component; "" is the document itself
	Text  string
}

func (f Finding) String() string {
	where := f.Topic
	if f.Key != "" {
		where += " " + f.Key
	}
	return f.Rule + " " + where + ": " + f.Text
}

// refuses and omits tell what a finding costs: the document, or the entity.
func (f Finding) refuses() bool { return strings.HasPrefix(f.Rule, "D") }
func (f Finding) omits() bool   { return strings.HasPrefix(f.Rule, "E") }

// Check is the validator: it judges all documents of one description as Home
// Assistant would, alone and against each other, and gives back those that may be
// sent, without the entities that may not. Of two that collide the first passes.
func Check(o Options, documents []Document) (passed []Document, found []Finding) {
	o = o.withDefaults()
	taken := claims{}
	for _, d := range documents {
		j := judge(o, d)
		if !j.refused() {
			j.claim(taken)
		}
		slices.SortFunc(j.found, func(a, b Finding) int {
			return cmp.Or(strings.Compare(a.Key, b.Key), strings.Compare(a.Rule, b.Rule), strings.Compare(a.Text, b.Text))
		})
		found = append(found, j.found...)
		if j.refused() || d.Entity != "" && j.faulty(d.Entity) {
			continue
		}
		passed = append(passed, j.passed())
		for _, key := range d.Twice {
			found = append(found, Finding{"E7", d.Topic, key, "two entities of " + d.subject().String() + " ask for this key, only the first is announced"})
		}
	}
	return passed, found
}

// judgment is what is known of one document.
type judgment struct {
	o          Options
	d          Document
	components map[string]map[string]any // as Home Assistant sees them: shared keys merged in; no markers
	device     map[string]any
	found      []Finding
}

// judge looks at one document alone.
func judge(o Options, d Document) *judgment {
	j := &judgment{o: o, d: d, components: map[string]map[string]any{}}
	j.size()
	var root map[string]any
	if err := json.Unmarshal(d.Payload, &root); err != nil || root == nil {
		j.add("D2", "", "the payload is no JSON object")
		return j
	}
	j.topic()
	j.deviceAndOrigin(root)
	j.ours(root)
	if d.Entity != "" {
		j.single(root)
	} else {
		j.document(root)
	}
	if !j.refused() {
		for key, c := range j.components {
			j.entity(key, c)
		}
	}
	return j
}

func (j *judgment) add(rule, key, format string, args ...any) {
	j.found = append(j.found, Finding{rule, j.d.Topic, key, fmt.Sprintf(format, args...)})
}

func (j *judgment) refused() bool { return slices.ContainsFunc(j.found, Finding.refuses) }

// faulty tells whether an entity is to be left out.
func (j *judgment) faulty(key string) bool {
	return slices.ContainsFunc(j.found, func(f Finding) bool { return f.omits() && f.Key == key })
}

// passed is the document without its faulty entities.
func (j *judgment) passed() Document {
	d := j.d
	d.Twice = nil
	if d.Entity != "" || !slices.ContainsFunc(j.found, Finding.omits) {
		return d
	}
	b, err := parse(d.Payload)
	if err != nil {
		return d // it was read before
	}
	for key := range b.components {
		if j.faulty(key) {
			delete(b.components, key)
		}
	}
	d.Payload = b.payload(b.components)
	return d
}

// claims are the names that must be unique over all documents, and who has them.
type claims map[string]string

// claim compares a document with those before it. Nothing is claimed for a
// document that is refused: it would take names away from a good one.
func (j *judgment) claim(taken claims) {
	owner := j.d.subject().String()
	if other, had := taken["topic "+j.d.Topic]; had {
		j.add("D7", "", "%s and %s have the same topic", other, owner)
		return
	}
	identifiers, _ := j.device["identifiers"].([]any)
	for _, id := range identifiers {
		if other, had := taken[fmt.Sprint("identifier ", id)]; had && other != owner {
			j.add("D7", "", "%s and %s have the same identifier %v", other, owner, id)
			return
		}
	}
	taken["topic "+j.d.Topic] = owner
	for _, id := range identifiers {
		taken[fmt.Sprint("identifier ", id)] = owner
	}
	for key, c := range j.components {
		if j.faulty(key) {
			continue
		}
		name := fmt.Sprint("unique_id ", c["unique_id"])
		if other, had := taken[name]; had {
			j.add("E7", key, "%s and %s/%s have the same %s", other, owner, key, name)
			continue
		}
		taken[name] = owner + "/" + key
	}
	if pairs, ok := j.device["connections"].([]any); ok {
		for _, pair := range pairs {
			name := fmt.Sprint("connection ", pair)
			if other, had := taken[name]; had && other != owner {
				j.add("W", "", "%s and %s have the same %s: Home Assistant may show them as one device", other, owner, name)
			}
			taken[name] = owner
		}
	}
}
