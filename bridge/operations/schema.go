package operations

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"latchkey/bridge"
)

// schemaMost bounds a schema's file; large ones of big clouds are a tenth of it.
const schemaMost = 8 << 20

// schema is what a cloud is known to have. It finds names that are not there, which
// is what goes wrong when they are copied from somewhere else. The parser's own
// validator knows more, and costs 0.3 MB of the binary.
type schema struct {
	types map[string]*ast.Definition
	roots map[ast.Operation]string
}

// loadSchema reads a file in GraphQL's schema language.
func loadSchema(path string) (*schema, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the schema cannot be read: %v", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, schemaMost+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("the schema cannot be read: %v", err)
	case len(text) > schemaMost:
		return nil, fmt.Errorf("%s is larger than %d bytes", path, schemaMost)
	}
	doc, err := parser.ParseSchema(&ast.Source{Input: string(text)})
	if err != nil {
		return nil, fmt.Errorf("%s is no schema in GraphQL's own language: %s", path, oneFault(err))
	}
	s := &schema{types: map[string]*ast.Definition{}, roots: map[ast.Operation]string{ast.Query: "Query", ast.Mutation: "Mutation"}}
	for _, d := range append(doc.Definitions, doc.Extensions...) {
		if have := s.types[d.Name]; have != nil {
			have.Fields, have.EnumValues = append(have.Fields, d.Fields...), append(have.EnumValues, d.EnumValues...)
			continue
		}
		s.types[d.Name] = d
	}
	for _, root := range append(doc.Schema, doc.SchemaExtension...) {
		for _, o := range root.OperationTypes {
			s.roots[o.Operation] = o.Type
		}
	}
	if s.types[s.roots[ast.Query]] == nil {
		return nil, fmt.Errorf("%s is no schema: it has no type %s", path, s.roots[ast.Query])
	}
	return s, nil
}

// misfit says what of a document the cloud does not have; nil: it fits.
func (s *schema) misfit(text string) error {
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: text}, tokensMost)
	if err != nil {
		return errors.New(oneFault(err))
	}
	for _, o := range doc.Operations {
		if s.types[s.roots[o.Operation]] == nil {
			return fmt.Errorf("there is no %s at all", o.Operation)
		}
		if err := s.selections(o.SelectionSet, s.roots[o.Operation]); err != nil {
			return err
		}
	}
	for _, f := range doc.Fragments {
		if err := s.selections(f.SelectionSet, f.TypeCondition); err != nil {
			return err
		}
	}
	return nil
}

// selections judges what is asked of a type. One that the schema does not define is
// a scalar of GraphQL's own, or introspection's: it is not judged.
func (s *schema) selections(set ast.SelectionSet, of string) error {
	for _, one := range set {
		var err error
		switch one := one.(type) {
		case *ast.InlineFragment:
			if one.TypeCondition == "" {
				one.TypeCondition = of
			}
			err = s.selections(one.SelectionSet, one.TypeCondition)
		case *ast.Field:
			if s.types[of] != nil && !strings.HasPrefix(one.Name, "__") {
				err = s.field(one, s.types[of])
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *schema) field(f *ast.Field, of *ast.Definition) error {
	fail := func(at *ast.Position, format string, args ...any) error {
		return fmt.Errorf(format+" at line %d, column %d", append(args, at.Line, at.Column)...)
	}
	known := of.Fields.ForName(f.Name)
	if known == nil {
		return fail(f.Position, "%s has no field %s", of.Name, f.Name)
	}
	for _, a := range f.Arguments {
		takes := known.Arguments.ForName(a.Name)
		if takes == nil {
			return fail(a.Position, "%s takes no argument %s", f.Name, a.Name)
		}
		kind := s.types[takes.Type.Name()]
		if kind != nil && kind.Kind == ast.Enum && a.Value.Kind == ast.EnumValue && kind.EnumValues.ForName(a.Value.Raw) == nil {
			return fail(a.Position, "%s is no %s", a.Value.Raw, kind.Name)
		}
	}
	for _, wants := range known.Arguments {
		if wants.Type.NonNull && wants.DefaultValue == nil && f.Arguments.ForName(wants.Name) == nil {
			return fail(f.Position, "%s wants the argument %s", f.Name, wants.Name)
		}
	}
	if gives := s.types[known.Type.Name()]; gives != nil && gives.IsCompositeType() && len(f.SelectionSet) == 0 {
		return fail(f.Position, "%s needs fields of %s", f.Name, gives.Name)
	}
	return s.selections(f.SelectionSet, known.Type.Name())
}

// oneFault is a fault of the parser in short, with its place.
func oneFault(err error) string {
	bad, ok := errors.AsType[*gqlerror.Error](err)
	if !ok {
		return shorten(err.Error(), 160)
	}
	text := shorten(bad.Message, 160)
	if len(bad.Locations) > 0 {
		text += fmt.Sprintf(" at line %d, column %d", bad.Locations[0].Line, bad.Locations[0].Column)
	}
	return text
}

// fit switches off what the cloud is known not to have.
func (c *checker) fit(r *rules, profile *bridge.Profile) {
	if profile == nil || profile.Schema == "" {
		return
	}
	s, err := loadSchema(profile.Schema)
	if c.wrong(err != nil, "options.schema", "%v", err) {
		return
	}
	for _, o := range r.operations {
		if o.document != nil {
			o.off = s.misfit(o.document.text)
		}
	}
	for _, path := range slices.Sorted(maps.Keys(profile.Documents)) {
		if err := s.misfit(profile.Documents[path]); err != nil {
			r.odd = append(r.odd, bridge.At(path, "does not fit the schema: %v", err))
		}
	}
}
