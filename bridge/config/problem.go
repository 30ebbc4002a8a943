package config

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"latchkey/bridge"
)

// Problem is one mistake, or one warning, at one place of the file.
type Problem struct {
	File      string
	Line, Col int    // from 1; 0: the file as a whole
	Path      string // of the setting: accounts.gate.options.relays[0].name
	Message   string
}

// String is `file:line:col: path: message`.
func (p Problem) String() string {
	s := p.File
	if p.Line > 0 {
		s += fmt.Sprintf(":%d:%d", p.Line, p.Col)
	}
	if p.Path != "" {
		s += ": " + p.Path
	}
	return s + ": " + p.Message
}

// Error is every mistake of a configuration, in the order of the file.
type Error struct {
	Problems []Problem
	// Sources are the files that were read, so that a watch notices when the
	// reason goes away in a file that only the refused configuration names.
	Sources Sources
}

// Error lists the problems, one a line.
func (e *Error) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// maxProblems bounds the text of an error, which is published as well.
const maxProblems = 100

// report collects problems and warnings.
type report struct {
	name               string // of the file, as people gave it
	problems, warnings []Problem
}

func (r *report) add(at pos, path, format string, args ...any) {
	r.problems = append(r.problems, r.problem(at, path, format, args...))
}

func (r *report) warn(at pos, path, format string, args ...any) {
	r.warnings = append(r.warnings, r.problem(at, path, format, args...))
}

func (r *report) problem(at pos, path, format string, args ...any) Problem {
	return Problem{r.name, at.line, at.col, path, fmt.Sprintf(format, args...)}
}

// addTree maps a tree of joined [bridge.PathError] to places below base. What a
// check says of a setting that could not be read is dropped: it judged a default.
func (r *report) addTree(base *node, path string, err error) {
	read := r.problems
	for p := range r.tree(base, path, err) {
		if !slices.ContainsFunc(read, func(q Problem) bool { return q.Path == p.Path }) {
			r.problems = append(r.problems, p)
		}
	}
}

// warnTree is addTree for warnings.
func (r *report) warnTree(base *node, path string, err error) {
	r.warnings = slices.AppendSeq(r.warnings, r.tree(base, path, err))
}

func (r *report) tree(base *node, path string, err error) func(func(Problem) bool) {
	return func(yield func(Problem) bool) {
		for _, e := range leaves(err) {
			at, where, message := base.place(), path, e.Error()
			if p, ok := errors.AsType[*bridge.PathError](e); ok {
				at, where, message = base.find(p.Path), join(path, p.Path), p.Err.Error()
			}
			if !yield(Problem{r.name, at.line, at.col, where, message}) {
				return
			}
		}
	}
}

// leaves takes joined errors apart.
func leaves(err error) []error {
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		return []error{err}
	}
	var all []error
	for _, e := range joined.Unwrap() {
		all = append(all, leaves(e)...)
	}
	return all
}

// result sorts; the error is nil without problems.
func (r *report) result(read Sources) error {
	order := func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	}
	slices.SortFunc(r.warnings, order)
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortFunc(r.problems, order)
	all := slices.Compact(r.problems)
	if more := len(all) - maxProblems; more > 0 {
		last := all[maxProblems]
		all = append(all[:maxProblems], Problem{last.File, last.Line, last.Col, "", fmt.Sprintf("from here on %d more mistakes", more)})
	}
	return &Error{Problems: all, Sources: read}
}

func join(path, below string) string {
	if path == "" || below == "" || below[0] == '[' {
		return path + below
	}
	return path + "." + below
}
