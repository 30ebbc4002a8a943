package mqtt

import "testing"

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		filter, topic string
		want          bool
	}{
		{"a/b", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a/b", "a", false},
		{"a/b", "a/", false},
		{"a/b", "A/b", false},
		{"", "a", false},
		{"+", "a", true},
		{"+", "", true},
		{"+", "a/b", false},
		{"a/+", "a", false},
		{"a/+", "a/", true},
		{"a/+/c", "a/b/c", true},
		{"a/+/c", "a//c", true},
		{"a/+/c", "a/b/d", false},
		{"a/+/c", "a/b/c/d", false},
		{"+/+/set", "a/b/set", true},
		{"/+", "/a", true},
		{"+", "/a", false},
		{"a/#", "a", true},
		{"a/#", "a/b/c", true},
		{"a/#", "ab", false},
		{"a/+/#", "a", false},
		{"a/+/#", "a/b", true},
		{"#", "a/b", true},
		{"#", "", true},
		{"#", "$SYS/a", false},
		{"+/a", "$SYS/a", false},
		{"$SYS/#", "$SYS/a", true},
	} {
		if got := matches(row.filter, row.topic); got != row.want {
			t.Errorf("matches(%q, %q): got %t, want %t", row.filter, row.topic, got, row.want)
		}
	}
}
