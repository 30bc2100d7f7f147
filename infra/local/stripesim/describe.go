package stripesim

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/stripe/stripe-mock/embedded"
	"github.com/stripe/stripe-mock/param"
	"github.com/stripe/stripe-mock/param/coercer"
	"github.com/stripe/stripe-mock/spec"
)

// apiVersion is the version of Stripe's API that the description describes.
const apiVersion = "2023-10-16"

// A description is Stripe's OpenAPI document, from stripe-mock. The document has 5 MB
// and a run needs a few dozen of its schemas, so each operation and schema is parsed
// when it is first needed.
type description struct {
	paths map[string]map[string]json.RawMessage
	raw   map[string]json.RawMessage

	mu         sync.Mutex
	operations map[string]operation // by method and path
	schemas    map[string]*spec.Schema
	patterns   map[string]*regexp.Regexp
}

// stripeDescription is shared by every simulator of the process.
var stripeDescription = sync.OnceValues(loadDescription)

func loadDescription() (*description, error) {
	var doc struct {
		Info       spec.Info                             `json:"info"`
		Paths      map[string]map[string]json.RawMessage `json:"paths"`
		Components struct {
			Schemas map[string]json.RawMessage `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(embedded.OpenAPISpec, &doc); err != nil {
		return nil, fmt.Errorf("reading stripe's description: %w", err)
	}
	if doc.Info.Version != apiVersion {
		return nil, fmt.Errorf("stripe's description is of version %s, want %s", doc.Info.Version, apiVersion)
	}
	return &description{
		paths:      doc.Paths,
		raw:        doc.Components.Schemas,
		operations: map[string]operation{},
		schemas:    map[string]*spec.Schema{},
		patterns:   map[string]*regexp.Regexp{},
	}, nil
}

// An operation is the description of one method and path.
type operation struct {
	request, reply, failure *spec.Schema
}

func (d *description) operation(method, path string) (operation, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if op, ok := d.operations[method+path]; ok {
		return op, nil
	}
	op, err := d.readOperation(method, path)
	if err == nil {
		d.operations[method+path] = op
	}
	return op, err
}

func (d *description) readOperation(method, path string) (operation, error) {
	var op spec.Operation
	raw, ok := d.paths[path][strings.ToLower(method)]
	if !ok {
		return operation{}, fmt.Errorf("stripe's description has no %s %s", method, path)
	}
	if err := json.Unmarshal(raw, &op); err != nil {
		return operation{}, fmt.Errorf("reading %s %s in stripe's description: %w", method, path, err)
	}
	out := operation{
		reply:   op.Responses["200"].Content["application/json"].Schema,
		failure: op.Responses["default"].Content["application/json"].Schema,
	}
	if method == http.MethodGet {
		out.request = spec.BuildQuerySchema(&op)
	} else if op.RequestBody != nil {
		out.request = op.RequestBody.Content["application/x-www-form-urlencoded"].Schema
	}
	if out.request == nil || out.reply == nil || out.failure == nil {
		return operation{}, fmt.Errorf("stripe's description of %s %s lacks a schema", method, path)
	}
	return out, nil
}

func (d *description) schema(name string) (*spec.Schema, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s, ok := d.schemas[name]; ok {
		return s, nil
	}
	raw, ok := d.raw[name]
	if !ok {
		return nil, fmt.Errorf("stripe's description has no schema %s", name)
	}
	s := new(spec.Schema)
	if err := json.Unmarshal(raw, s); err != nil {
		return nil, fmt.Errorf("reading schema %s: %w", name, err)
	}
	d.schemas[name] = s
	return s, nil
}

func (d *description) matches(pattern, s string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	re, ok := d.patterns[pattern]
	if !ok {
		re = regexp.MustCompile(pattern)
		d.patterns[pattern] = re
	}
	return re.MatchString(s)
}

// params reads a request's query and form as Stripe does, converts the values to the
// types of the description, and refuses parameters that the description does not
// allow.
func (d *description) params(r *http.Request, request *spec.Schema) (map[string]any, error) {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if r.Method == http.MethodPost && r.ContentLength != 0 && media != "application/x-www-form-urlencoded" {
		return nil, invalid("", "", "send the parameters as application/x-www-form-urlencoded, not "+media)
	}
	data, err := param.ParseParams(r)
	if err != nil {
		return nil, invalid("", "", "the parameters cannot be read: "+err.Error())
	}
	if err := coercer.CoerceParams(request, data); err != nil {
		return nil, invalid("", "", "the parameters cannot be read: "+err.Error())
	}
	var v *violation
	if err := (checker{d, true}).check(request, data, ""); errors.As(err, &v) {
		return nil, invalid(v.code, v.path, v.msg)
	} else if err != nil {
		return nil, err
	}
	return data, nil
}

// fits returns an error if a value of the simulator does not fit its schema.
func (d *description) fits(s *spec.Schema, v map[string]any) error {
	return checker{d, false}.check(s, v, "")
}

// A violation is one place where a value does not fit its schema. code is Stripe's
// error code, or empty.
type violation struct{ path, code, msg string }

func (v *violation) Error() string { return v.path + ": " + v.msg }

// A checker compares a value with its schema. A strict checker, for requests, refuses
// a parameter that the description does not have. Replies may have more fields than
// the description, as Stripe's have.
type checker struct {
	*description
	strict bool
}

func (c checker) check(s *spec.Schema, v any, path string) error {
	if s.Ref != "" {
		target, err := c.schema(s.Ref[strings.LastIndexByte(s.Ref, '/')+1:])
		if err != nil {
			return err
		}
		return c.check(target, v, path)
	}
	if v == nil && s.Nullable {
		return nil
	}
	if len(s.AnyOf) > 0 {
		return c.checkAny(s.AnyOf, v, path)
	}
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, v) {
		return &violation{path, "", fmt.Sprintf("%v is not one of %v", v, s.Enum)}
	}
	switch s.Type {
	case spec.TypeObject:
		return c.checkObject(s, v, path)
	case spec.TypeArray:
		return c.checkArray(s, v, path)
	case spec.TypeString:
		return c.checkString(s, v, path)
	case spec.TypeInteger:
		if !isInteger(v) {
			return &violation{path, "parameter_invalid_integer", fmt.Sprintf("%v is not an integer", v)}
		}
	case spec.TypeNumber:
		if _, ok := v.(float64); !ok && !isInteger(v) {
			return &violation{path, "", fmt.Sprintf("%v is not a number", v)}
		}
	case spec.TypeBoolean:
		if _, ok := v.(bool); !ok {
			return &violation{path, "", fmt.Sprintf("%v is not true or false", v)}
		}
	}
	return nil
}

// checkAny accepts v if it fits one alternative. Otherwise checkAny returns the
// violation that is deepest inside v.
func (c checker) checkAny(anyOf []*spec.Schema, v any, path string) error {
	var deepest *violation
	for _, s := range anyOf {
		err := c.check(s, v, path)
		if err == nil {
			return nil
		}
		var at *violation
		if !errors.As(err, &at) {
			return err
		}
		if deepest == nil || len(at.path) > len(deepest.path) {
			deepest = at
		}
	}
	return deepest
}

func (c checker) checkObject(s *spec.Schema, v any, path string) error {
	m, ok := v.(map[string]any)
	if !ok {
		return &violation{path, "", "an object is expected"}
	}
	for _, name := range s.Required {
		if _, ok := m[name]; !ok {
			return &violation{child(path, name), "parameter_missing", "missing required parameter: " + child(path, name)}
		}
	}
	for name, value := range m {
		property, named := s.Properties[name]
		if !named {
			property = s.AdditionalProperties
		}
		switch at := child(path, name); {
		case property != nil:
			if err := c.check(property, value, at); err != nil {
				return err
			}
		case c.strict:
			return &violation{at, "parameter_unknown", "unknown parameter: " + at}
		}
	}
	return nil
}

func (c checker) checkArray(s *spec.Schema, v any, path string) error {
	items, ok := v.([]any)
	if !ok {
		return &violation{path, "", "a list is expected"}
	}
	for i, item := range items {
		if s.Items == nil {
			break
		}
		if err := c.check(s.Items, item, fmt.Sprintf("%s[%d]", path, i)); err != nil {
			return err
		}
	}
	return nil
}

func (c checker) checkString(s *spec.Schema, v any, path string) error {
	text, ok := v.(string)
	switch {
	case !ok:
		return &violation{path, "", "a string is expected"}
	case s.MaxLength > 0 && utf8.RuneCountInString(text) > s.MaxLength:
		return &violation{path, "", fmt.Sprintf("longer than %d characters", s.MaxLength)}
	case s.Pattern != "" && !c.matches(s.Pattern, text):
		return &violation{path, "", fmt.Sprintf("%q does not match %s", text, s.Pattern)}
	}
	return nil
}

func isInteger(v any) bool {
	switch n := v.(type) {
	case int:
		return true
	case float64:
		return n == math.Trunc(n)
	default:
		return false
	}
}

func child(path, name string) string {
	if path == "" {
		return name
	}
	return path + "[" + name + "]"
}
