package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/intake"
)

// A frame is what no endpoint says: prose on the whole API, what several
// endpoints share, and the schemas that are not made of types of ours.
type frame struct {
	Head            ordered[json.RawMessage] `json:"head"`
	SecuritySchemes json.RawMessage          `json:"securitySchemes"`
	Parameters      ordered[json.RawMessage] `json:"parameters"`
	Headers         json.RawMessage          `json:"headers"`
	Refusals        ordered[sharedRefusal]   `json:"refusals"`
	Schemas         ordered[json.RawMessage] `json:"schemas"`
}

// A writer makes the document.
type writer struct {
	frame    frame
	schemas  *schemas
	examples string // the folder they are in, one file for each operation
}

// openapi returns the document of the endpoints. The folder holds frame.json
// and the examples; root is the module's.
func openapi(endpoints []*httpapi.Endpoint, folder, root string) ([]byte, error) {
	w := &writer{examples: filepath.Join(folder, "examples")}
	if err := readJSON(filepath.Join(folder, "frame.json"), &w.frame); err != nil {
		return nil, err
	}
	codes, err := encode(problemCode(httpapi.Codes))
	if err != nil {
		return nil, err
	}
	w.schemas = &schemas{
		source: &source{root: root, packages: map[string][]*ast.File{}},
		frame:  append(w.frame.Schemas, named[json.RawMessage]{"ProblemCode", codes}),
		types:  map[string]reflect.Type{},
	}
	if _, err := w.schemas.structured(reflect.TypeFor[exchange.Problem]()); err != nil {
		return nil, err
	}
	paths, err := w.paths(endpoints)
	if err != nil {
		return nil, err
	}
	var doc object
	for _, m := range w.frame.Head {
		doc = append(doc, named[any]{m.Name, m.Of})
	}
	b, err := encode(append(doc, object{{"paths", paths}, {"components", w.components()}}...))
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, b, "", "  ")
	return out.Bytes(), err
}

func readJSON(path string, v any) error {
	b, err := os.ReadFile(path) //nolint:gosec // the developer names the folder
	if err != nil {
		return fmt.Errorf("reading a part of the document: %w", err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

func (w *writer) components() object {
	var responses object
	for _, r := range w.frame.Refusals {
		responses = append(responses, named[any]{r.Name, refused(r.Of.Status, r.Of.Description, problemOf(r.Of.Codes), r.Of.Example)})
	}
	return object{
		{"securitySchemes", w.frame.SecuritySchemes},
		{"parameters", w.frame.Parameters},
		{"headers", w.frame.Headers},
		{"responses", responses},
		{"schemas", w.schemas.made},
	}
}

func (w *writer) paths(endpoints []*httpapi.Endpoint) (ordered[object], error) {
	var paths ordered[object]
	ids := map[string]bool{}
	for _, e := range endpoints {
		ids[e.ID] = true
		op, err := w.operation(e)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.ID, err)
		}
		at := slices.IndexFunc(paths, func(p named[object]) bool { return p.Name == e.Path })
		if at < 0 {
			at, paths = len(paths), append(paths, named[object]{e.Path, nil})
		}
		paths[at].Of = append(paths[at].Of, named[any]{strings.ToLower(e.Method), op})
	}
	files, err := os.ReadDir(w.examples)
	for _, f := range files {
		if id := strings.TrimSuffix(f.Name(), ".json"); !ids[id] {
			return nil, fmt.Errorf("there is an example of %s, and no such operation", id)
		}
	}
	return paths, err
}

func (w *writer) operation(e *httpapi.Endpoint) (object, error) {
	var ex examples
	if err := readJSON(filepath.Join(w.examples, e.ID+".json"), &ex.left); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	op := object{{"tags", []string{e.Group}}, {"operationId", e.ID}, {"summary", e.For}, {"description", e.Text}}
	parameters, shared, err := w.parameters(e)
	if err != nil {
		return nil, err
	}
	if len(parameters) > 0 {
		op = append(op, named[any]{"parameters", parameters})
	}
	if e.In != nil {
		body, err := w.body(e, ex.take("in"))
		if err != nil {
			return nil, err
		}
		op = append(op, named[any]{"requestBody", body})
	}
	responses, err := w.responses(e, shared, &ex)
	if err != nil {
		return nil, err
	}
	op = append(op, named[any]{"responses", responses})
	if e.Who == httpapi.Anyone || e.Who == httpapi.Signature {
		op = append(op, named[any]{"security", []any{}})
	}
	if len(ex.left) > 0 {
		return nil, fmt.Errorf("there is an example of its %s, which it does not have", ex.left[0].Name)
	}
	return op, nil
}

// examples are those of one operation: in, out, and one for a status that is
// not described in the frame.
type examples struct{ left ordered[json.RawMessage] }

func (ex *examples) take(name string) json.RawMessage {
	at := slices.IndexFunc(ex.left, func(m named[json.RawMessage]) bool { return m.Name == name })
	if at < 0 {
		return nil
	}
	example := ex.left[at].Of
	ex.left = slices.Delete(ex.left, at, at+1)
	return example
}

// parameters lists those of an endpoint, and the names of those that the frame
// describes.
func (w *writer) parameters(e *httpapi.Endpoint) (all []object, shared []string, err error) {
	for part := range strings.SplitSeq(e.Path, "/") {
		if wildcard, ok := strings.CutPrefix(part, "{"); ok {
			name, err := w.ofPath(strings.TrimSuffix(wildcard, "}"))
			if err != nil {
				return nil, nil, err
			}
			shared = append(shared, name)
		}
	}
	for _, p := range []struct {
		taken bool
		name  string
	}{
		{e.Who.ByToken(), "Practice"},
		{e.Once, "IdempotencyKey"},
		{e.Paged, "Cursor"},
		{e.Paged, "Limit"},
		{e.IfMatch, "IfMatch"},
		{e.Cached, "IfNoneMatch"},
		{e.Who == httpapi.Signature, "StripeSignature"},
	} {
		if p.taken {
			shared = append(shared, p.name)
		}
	}
	for _, name := range shared {
		all = append(all, object{{"$ref", "#/components/parameters/" + name}})
	}
	for _, q := range e.Query {
		schema := object{{"type", "string"}}
		if q.Format != "" {
			schema = append(schema, named[any]{"format", q.Format})
		}
		all = append(all, object{{"name", q.Name}, {"in", "query"}, {"description", q.Text}, {"schema", schema}})
	}
	return all, shared, nil
}

// ofPath finds what the frame calls the parameter of a path.
func (w *writer) ofPath(wildcard string) (string, error) {
	for _, m := range w.frame.Parameters {
		var p parameter
		if err := json.Unmarshal(m.Of, &p); err != nil {
			return "", fmt.Errorf("reading parameter %s: %w", m.Name, err)
		}
		if p.In == "path" && p.Name == wildcard {
			return m.Name, nil
		}
	}
	return "", fmt.Errorf("the frame has no parameter of a path named %s", wildcard)
}

func (w *writer) body(e *httpapi.Endpoint, example json.RawMessage) (object, error) {
	types := []string{"application/json"}
	if _, ok := e.In.(intake.Response); ok {
		types = append(types, "application/fhir+json")
	}
	schema, err := w.schema(e.In)
	if err != nil {
		return nil, err
	}
	var content object
	for _, t := range types {
		content = append(content, named[any]{t, shown(schema, example)})
	}
	var out object
	if e.InText != "" {
		out = object{{"description", e.InText}}
	}
	return append(out, object{{"required", true}, {"content", content}}...), nil
}

// schema is that of a body: a type of ours, one that the frame describes, or
// text.
func (w *writer) schema(of any) (object, error) {
	if name, ok := of.(httpapi.Foreign); ok {
		return w.schemas.named(string(name))
	}
	return w.schemas.of(reflect.TypeOf(of), nil)
}

// shown is a media type: what it looks like, and one that does.
func shown(schema object, example json.RawMessage) object {
	out := object{{"schema", schema}}
	if example != nil {
		out = append(out, named[any]{"example", example})
	}
	return out
}

func (w *writer) responses(e *httpapi.Endpoint, parameters []string, ex *examples) (object, error) {
	schema, err := w.schema(e.Out)
	if err != nil {
		return nil, err
	}
	status, headers := cmp.Or(e.Status, http.StatusOK), headersOf(e)
	done := object{{"description", e.OutText}}
	if len(headers) > 0 {
		done = append(done, named[any]{"headers", headers})
	}
	mediaType, _, _ := strings.Cut(cmp.Or(e.Type, "application/json"), ";")
	done = append(done, named[any]{"content", object{{mediaType, shown(schema, ex.take("out"))}}})
	all := object{{fmt.Sprint(status), done}}
	if e.Cached {
		all = append(all, named[any]{"304", object{{"description", "You hold it already."}, {"headers", headers}}})
	}
	refusals, err := w.refusals(e, parameters, ex)
	return append(all, refusals...), err
}

func headersOf(e *httpapi.Endpoint) object {
	var out object
	for _, h := range []struct {
		given      bool
		name, kind string
	}{{e.Versioned, "ETag", "ETag"}, {e.Cached, "ETag", "FormETag"}, {e.Status == http.StatusCreated, "Location", "Location"}, {e.Linked, "Link", "Link"}} {
		if h.given {
			out = append(out, named[any]{h.name, object{{"$ref", "#/components/headers/" + h.kind}}})
		}
	}
	return out
}
