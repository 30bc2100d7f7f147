package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"evisit/pkg/httpapi"
)

// A sharedRefusal reads the same wherever an endpoint takes the parameter With,
// if one is named, and refuses with that status for these codes alone.
type sharedRefusal struct {
	Status      int                      `json:"status"`
	Codes       []string                 `json:"codes"`
	With        string                   `json:"with"`
	Description string                   `json:"description"`
	Example     ordered[json.RawMessage] `json:"example"`
}

// problemCode is the schema of all codes there are, with a table of them.
func problemCode(codes []httpapi.Code) object {
	text := "Stable codes, by status:\n\n| Status | Code | When |\n|---|---|---|"
	var names []string
	for _, c := range codes {
		text += fmt.Sprintf("\n| %d | `%s` | %s |", c.Status, c.Name, c.When)
		if !slices.Contains(names, c.Name) {
			names = append(names, c.Name)
		}
	}
	return object{{"type", "string"}, {"description", text}, {"enum", names}}
}

// refusals describes each status that an endpoint may refuse with: all its
// codes, and no other.
func (w *writer) refusals(e *httpapi.Endpoint, parameters []string, ex *examples) (object, error) {
	byStatus := map[int][]httpapi.Refusal{}
	for _, r := range e.AllRefusals() {
		if !slices.ContainsFunc(httpapi.Codes, func(c httpapi.Code) bool { return c.Name == r.Code && c.Status == r.Status }) {
			return nil, fmt.Errorf("it refuses with %s (%d), which is no code", r.Code, r.Status)
		}
		byStatus[r.Status] = append(byStatus[r.Status], r)
	}
	var out object
	for _, status := range slices.Sorted(maps.Keys(byStatus)) {
		rs, name := byStatus[status], strconv.Itoa(status)
		if known := w.shared(status, rs, parameters); known != "" {
			out = append(out, named[any]{name, object{{"$ref", "#/components/responses/" + known}}})
			continue
		}
		schema, err := w.problems(rs)
		if err != nil {
			return nil, err
		}
		var example ordered[json.RawMessage]
		if b := ex.take(name); b != nil {
			if err := json.Unmarshal(b, &example); err != nil {
				return nil, fmt.Errorf("reading the example of its %s: %w", name, err)
			}
		}
		out = append(out, named[any]{name, refused(status, describe(rs), schema, example)})
	}
	return out, nil
}

// shared names the refusal of the frame that rs are, if they are one.
func (w *writer) shared(status int, rs []httpapi.Refusal, parameters []string) string {
	if slices.ContainsFunc(rs, func(r httpapi.Refusal) bool { return r.When != "" || r.Out != nil }) {
		return ""
	}
	codes := codesOf(rs)
	slices.Sort(codes)
	for _, s := range w.frame.Refusals {
		if s.Of.Status == status && slices.Equal(slices.Sorted(slices.Values(s.Of.Codes)), codes) &&
			(s.Of.With == "" || slices.Contains(parameters, s.Of.With)) {
			return s.Name
		}
	}
	return ""
}

func codesOf(rs []httpapi.Refusal) []string {
	var codes []string
	for _, r := range rs {
		codes = append(codes, r.Code)
	}
	return codes
}

// problems is the schema of a problem that has one of the codes of rs. One that
// carries more has a schema of its own.
func (w *writer) problems(rs []httpapi.Refusal) (object, error) {
	var kinds []object
	var plain []string
	for _, r := range rs {
		if r.Out == nil {
			plain = append(plain, r.Code)
			continue
		}
		schema, err := w.schema(r.Out)
		if err != nil {
			return nil, err
		}
		kinds = append(kinds, withCode(schema, []string{r.Code}))
	}
	if len(plain) > 0 {
		kinds = append(kinds, problemOf(plain))
	}
	if len(kinds) == 1 {
		return kinds[0], nil
	}
	return object{{"anyOf", kinds}}, nil
}

func problemOf(codes []string) object { return withCode(ref("Problem"), codes) }

func withCode(problem object, codes []string) object {
	return object{{"allOf", []object{problem, {{"properties", object{{"code", object{{"enum", codes}}}}}}}}}
}

// describe says when each code is given, those that their names explain
// together.
func describe(rs []httpapi.Refusal) string {
	var sentences, plain []string
	end := func() {
		if len(plain) > 0 {
			sentences = append(sentences, strings.Join(plain, ", ")+".")
		}
		plain = nil
	}
	for _, r := range rs {
		code := "`" + r.Code + "`"
		if r.When == "" {
			plain = append(plain, code)
			continue
		}
		end()
		sentences = append(sentences, code+": "+r.When+".")
	}
	end()
	return strings.Join(sentences, " ")
}

// refused is a response with a problem. The example says what of it the status
// does not.
func refused(status int, description string, schema object, example ordered[json.RawMessage]) object {
	out := object{{"description", description}}
	switch status {
	case http.StatusUnauthorized:
		out = append(out, named[any]{"headers", object{{"WWW-Authenticate", object{
			{"description", "How to sign in."}, {"required", true}, {"schema", object{{"type", "string"}, {"const", "Bearer"}}},
		}}}})
	case http.StatusServiceUnavailable:
		out = append(out, named[any]{"headers", object{{"Retry-After", object{{"$ref", "#/components/headers/RetryAfter"}}}}})
	}
	media := object{{"schema", schema}}
	if len(example) > 0 {
		whole := object{{"type", "about:blank"}, {"title", http.StatusText(status)}, {"status", status}}
		for _, m := range example {
			whole = append(whole, named[any]{m.Name, m.Of})
		}
		media = append(media, named[any]{"example", whole})
	}
	return append(out, named[any]{"content", object{{"application/problem+json", media}}})
}
