package web

import (
	"bytes"
	"fmt"
	"html"
)

// sheet is HTML on its way out. html/template is not used: it calls methods by
// name, so that the linker keeps every exported method of the whole program, 2.3
// MB that would also lie in memory.
type sheet struct{ bytes.Buffer }

// markup is what only this package writes: a text in a variable does not pass for
// it.
type markup string

// add writes markup. Each %s in it stands for one of the texts, which are escaped,
// whoever they come from. It must stand between tags or in a quoted attribute that
// is no script, style or URL; in a URL, for an id only.
func (s *sheet) add(m markup, texts ...string) {
	escaped := make([]any, len(texts))
	for i, text := range texts {
		escaped[i] = html.EscapeString(text)
	}
	fmt.Fprintf(s, string(m), escaped...)
}

// begin writes what every page begins with.
func (s *sheet) begin(title string) {
	s.add(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="/icon.svg">
</head>
<body>
<header><h1>latchkey</h1>`, title)
}

func (s *sheet) end() {
	s.add(`</main>
</body>
</html>
`)
}

// news is the class of a card.
func news(good bool) string {
	if good {
		return "good"
	}
	return "bad"
}
