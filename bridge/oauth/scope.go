package oauth

import (
	"slices"
	"strings"

	"latchkey/bridge"
)

// compareScope says, once, that the vendor did not grant what the configuration
// asks for. A refresh never widens a grant, and a scope that the vendor cannot
// read may be ignored (DW Spectrum, seen): neither is an error of its own.
func (k *Keeper) compareScope(a *account, d *bridge.Dialect, granted string) {
	other := granted != "" && !covers(granted, d.Scope)
	if other && !a.otherScope {
		k.o.Log.Warn("the vendor granted another scope than the configuration asks for: a wider one needs a new sign-in", "account", a.id, "reason", granted)
	}
	k.update(a, func() { a.otherScope = other })
}

// covers tells whether a granted scope holds every word of another. Addresses may
// end in a slash or not.
func covers(granted, asked string) bool {
	split := func(text string) []string {
		words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return r == ' ' || r == ',' })
		for i := range words {
			words[i] = strings.TrimSuffix(words[i], "/")
		}
		return words
	}
	has := split(granted)
	return !slices.ContainsFunc(split(asked), func(word string) bool { return !slices.Contains(has, word) })
}
