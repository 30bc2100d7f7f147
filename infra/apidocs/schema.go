package main

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

// An object is a JSON object whose members keep their order.
type object = ordered[any]

// foreign types have a schema in the frame.
var foreign = map[reflect.Type]string{
	reflect.TypeFor[intake.Response](): "QuestionnaireResponse",
	reflect.TypeFor[fault.Problem]():   "FieldProblem",
}

// schemas derives a schema from a Go type: members from json tags, bounds from
// validate tags and, where the program does not check them itself, from schema
// tags of the same words. Descriptions are the comments of types and fields.
type schemas struct {
	source *source
	frame  ordered[json.RawMessage]
	made   ordered[any] // in order of first use
	types  map[string]reflect.Type
}

func ref(name string) object { return object{{"$ref", "#/components/schemas/" + name}} }

// named returns a reference to a schema of the frame.
func (s *schemas) named(name string) (object, error) {
	for _, m := range s.frame {
		if m.Name == name {
			s.add(name, m.Of)
			return ref(name), nil
		}
	}
	return nil, fmt.Errorf("the frame has no schema %s", name)
}

func (s *schemas) add(name string, schema any) {
	if !slices.ContainsFunc(s.made, func(m named[any]) bool { return m.Name == name }) {
		s.made = append(s.made, named[any]{name, schema})
	}
}

// structured returns a reference to the schema of a struct, which is named
// after it: visitReply is Visit.
func (s *schemas) structured(t reflect.Type) (object, error) {
	name := strings.TrimSuffix(strings.TrimSuffix(t.Name(), "Reply"), "Request")
	if name == "" {
		return nil, fmt.Errorf("%s has no name to be documented by", t)
	}
	name = strings.ToUpper(name[:1]) + name[1:]
	if known, ok := s.types[name]; ok {
		if known != t {
			return nil, fmt.Errorf("%s and %s would both be %s", known, t, name)
		}
		return ref(name), nil
	}
	s.types[name] = t
	at := len(s.made)
	s.add(name, nil) // before the schemas that it refers to
	of, err := s.describe(t)
	s.made[at].Of = of
	return ref(name), err
}

func (s *schemas) describe(t reflect.Type) (object, error) {
	text, _, err := s.source.said(t)
	if err != nil {
		return nil, err
	}
	properties, required, err := s.members(t, strings.HasSuffix(t.Name(), "Request"))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", t, err)
	}
	out := object{{"type", "object"}}
	if text != "" {
		out = append(out, named[any]{"description", text})
	}
	out = append(out, named[any]{"additionalProperties", false})
	if len(required) > 0 {
		out = append(out, named[any]{"required", required})
	}
	return append(out, named[any]{"properties", properties}), nil
}

// members lists a struct's properties, those of an embedded struct as its own.
// A reply has every member that is not omitted when empty; a request must have
// those it cannot do without.
func (s *schemas) members(t reflect.Type, request bool) (properties object, required []string, err error) {
	_, comments, err := s.source.said(t)
	if err != nil {
		return nil, nil, err
	}
	for f := range t.Fields() {
		if f.Anonymous {
			inner, also, err := s.members(f.Type, request)
			if err != nil {
				return nil, nil, err
			}
			properties, required = append(properties, inner...), append(required, also...)
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		r := rulesOf(f)
		schema, err := s.of(f.Type, r)
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", f.Name, err)
		}
		if request && r.required() {
			required = append(required, name)
			if schema[0].Of == "string" && r["enum"]+r["pattern"] == "" {
				schema = append(schema, named[any]{"minLength", 1})
			}
		}
		if !request && options != "omitempty" {
			required = append(required, name)
		}
		if text := comments[f.Name]; text != "" {
			if schema[0].Name == "$ref" {
				return nil, nil, fmt.Errorf("%s: its type has a description already", f.Name)
			}
			schema = slices.Insert(schema, 1, named[any]{"description", text})
		}
		properties = append(properties, named[any]{name, schema})
	}
	return properties, required, nil
}

// rules are what the tags of a field say of its value.
type rules map[string]string

func rulesOf(f reflect.StructField) rules {
	r := rules{}
	for rule := range strings.SplitSeq(f.Tag.Get("validate"), ",") {
		word, value, _ := strings.Cut(rule, "=")
		switch word {
		case "eq":
			word = "const"
		case "oneof":
			word, value = "enum", strings.ReplaceAll(value, " ", "|")
		}
		r[word] = value
	}
	for rule := range strings.FieldsSeq(f.Tag.Get("schema")) {
		word, value, _ := strings.Cut(rule, "=")
		r[word] = value
	}
	delete(r, "")
	return r
}

// required reports whether a request must have the member: one that must be a
// certain value cannot be left out.
func (r rules) required() bool {
	_, required := r["required"]
	_, fixed := r["const"]
	return required || fixed
}

func (s *schemas) of(t reflect.Type, r rules) (object, error) {
	if name := r["ref"]; name != "" {
		return s.named(name)
	}
	if name, ok := foreign[t]; ok {
		return s.named(name)
	}
	if t == reflect.TypeFor[time.Time]() {
		return object{{"type", "string"}, {"format", "date-time"}}, nil
	}
	switch t.Kind() { //nolint:exhaustive // what else there is has no JSON of ours
	case reflect.Pointer:
		return s.of(t.Elem(), r)
	case reflect.Struct:
		return s.structured(t)
	case reflect.Map:
		return s.byKey(t)
	case reflect.Slice:
		items, err := s.of(t.Elem(), nil)
		return append(object{{"type", "array"}, {"items", items}}, r.bounds("minItems", "maxItems")...), err
	case reflect.String:
		return s.word(t, r)
	case reflect.Bool:
		out := object{{"type", "boolean"}}
		if c, ok := r["const"]; ok {
			out = append(out, named[any]{"const", c == "true"})
		}
		return out, nil
	case reflect.Int, reflect.Int64:
		return append(object{{"type", "integer"}}, r.bounds("minimum", "maximum")...), nil
	}
	return nil, fmt.Errorf("a %s has no schema", t)
}

// word is a string, or one of a type's constants.
func (s *schemas) word(t reflect.Type, r rules) (object, error) {
	out := object{{"type", "string"}}
	for _, rule := range []string{"const", "format", "pattern"} {
		if v, ok := r[rule]; ok {
			out = append(out, named[any]{rule, v})
		}
	}
	if words, ok := r["enum"]; ok {
		return append(out, named[any]{"enum", strings.Split(words, "|")}), nil
	}
	if t.PkgPath() != "" {
		words, err := s.source.constants(t)
		if err != nil {
			return nil, err
		}
		if len(words) > 0 {
			out = append(out, named[any]{"enum", words})
		}
	}
	return append(out, r.bounds("minLength", "maxLength")...), nil
}

// byKey is a map from the constants of a type.
func (s *schemas) byKey(t reflect.Type) (object, error) {
	keys, err := s.source.constants(t.Key())
	if err != nil {
		return nil, err
	}
	value, err := s.of(t.Elem(), nil)
	if err != nil {
		return nil, err
	}
	if t.Elem().Kind() == reflect.Pointer { // null takes a value back
		value[0].Of = []any{value[0].Of, "null"}
	}
	if len(keys) == 0 { // any name
		return object{{"type", "object"}, {"additionalProperties", value}}, nil
	}
	var properties object
	for _, key := range keys {
		properties = append(properties, named[any]{key, value})
	}
	return object{{"type", "object"}, {"additionalProperties", false}, {"properties", properties}}, nil
}

func (r rules) bounds(least, most string) object {
	var out object
	for _, b := range [][2]string{{"min", least}, {"max", most}} {
		if n, err := strconv.Atoi(r[b[0]]); err == nil {
			out = append(out, named[any]{b[1], n})
		}
	}
	return out
}
