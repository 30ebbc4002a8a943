package oauth

// Keep tells the store whether a record that is about to be replaced is worth a
// generation: whether it holds a grant that the next one does not hold. So the
// journal's writes push no generation out, and a refresh or a sign-in that drops
// a pair leaves it to `latchkey token restore`. It is pure.
func Keep(old, next []byte) bool {
	before, err := decodeRecord(old)
	if err != nil {
		return true // nobody can tell, and what cannot be read may be mended
	}
	after, err := decodeRecord(next)
	if err != nil {
		return true
	}
	held := map[string]bool{"": true}
	for _, grant := range after.grants() {
		held[grant] = true
	}
	for _, grant := range before.grants() {
		if !held[grant] {
			return true
		}
	}
	return false
}

// grants are what a record could be renewed by, or used with where it cannot.
func (r record) grants() []string {
	pairs := []pair{r.Pair, r.Before}
	if r.Pending != nil {
		pairs = append(pairs, r.Pending.Pair)
	}
	grants := make([]string, len(pairs))
	for i, p := range pairs {
		if grants[i] = p.Refresh; p.Refresh == "" {
			grants[i] = p.Access
		}
	}
	return grants
}
