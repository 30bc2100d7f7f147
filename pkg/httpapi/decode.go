package httpapi

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi/exchange"
)

// validate checks the validate tags of a request's struct. It is safe for
// concurrent use once made.
var validate = newValidate()

func newValidate() *validator.Validate {
	v := validator.New(validator.WithRequiredStructEnabled())
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		if f.Anonymous {
			return embedded
		}
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		return name
	})
	for tag, right := range map[string]func(string) bool{"bcp47": languageTag.MatchString, "date": isDay} {
		if err := v.RegisterValidation(tag, func(f validator.FieldLevel) bool { return right(f.Field().String()) }); err != nil {
			panic(err) // the name is wrong
		}
	}
	return v
}

// embedded names a struct in a path whose fields are those of the struct that embeds it.
const embedded = "^"

// languageTag matches well-formed tags of BCP 47.
var languageTag = regexp.MustCompile(`^(?:[A-Za-z]{2,8}|[iIxX]-[A-Za-z0-9]{1,8})(?:-[A-Za-z0-9]{1,8})*$`)

// isDay reports whether s is a day of the calendar. An empty text is none, and no wrong one.
func isDay(s string) bool {
	_, err := civil.Parse(s)
	return s == "" || err == nil
}

// civilDay is the day that a field tagged date has; the zero day of an empty text, and of one that
// is no day, for which the tag refuses the request.
func civilDay(s string) civil.Day {
	d, _ := civil.Parse(s)
	return d
}

// day is civilDay as the midnight of UTC.
func day(s string) time.Time {
	if d := civilDay(s); !d.IsZero() {
		return d.Start(time.UTC)
	}
	return time.Time{}
}

// decode reads a request's body into v: one JSON object with known fields of
// the right types.
func decode(r *http.Request, v any) ([]byte, error) {
	b, err := exchange.ReadJSON(r)
	if err != nil {
		return nil, err
	}
	if err := checkStrictly(b); err != nil {
		return nil, err
	}
	if string(bytes.TrimSpace(b)) == "null" { // which decodes as an object without members
		return nil, fault.New(fault.Malformed, "wrong_type", "the body is not a JSON object", fault.Problem{Where: "/", Code: "type", Text: "give an object"})
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return nil, malformed(err, b, reflect.TypeOf(v).Elem())
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Malformed, "malformed_json", "send one JSON object and nothing after it")
	}
	switch unknown, null := misfits(b, reflect.TypeOf(v).Elem(), ""); {
	case len(unknown) > 0:
		return nil, unknownField(unknown...)
	case len(null) > 0:
		return nil, fault.New(fault.Malformed, "wrong_type", "a field has the wrong type", at(null, "type", "give a value, or leave the field out")...)
	}
	return b, nil
}

// checkFields names the fields of the struct that v points to that break their validate tags, in a
// fault.Invalid; nil if none does.
func checkFields(v any) error {
	err := validate.Struct(v)
	if err == nil {
		return nil
	}
	return wrongFields(err, reflect.TypeOf(v).Elem().Name())
}

// malformed says what kept b from being decoded as a t.
func malformed(err error, b []byte, t reflect.Type) error {
	if wrong := wrongTypes(b, t, ""); len(wrong) > 0 && json.Valid(b) {
		return fault.New(fault.Malformed, "wrong_type", "a field has the wrong type", wrong...)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		if plain, err := strconv.Unquote(name); err == nil {
			name = plain
		}
		unknown, _ := misfits(b, t, "")
		if len(unknown) == 0 {
			unknown = []string{"/" + name}
		}
		return unknownField(unknown...)
	}
	return fault.New(fault.Malformed, "malformed_json", "the body is not a JSON object we can read")
}

func unknownField(where ...string) error {
	return fault.New(fault.Malformed, "unknown_field", "the request has a field we do not know", at(where, "unknown", "leave it out")...)
}

// at is the same problem at several places.
func at(where []string, code, text string) []fault.Problem {
	var all []fault.Problem
	for _, w := range where {
		all = append(all, fault.Problem{Where: bounded(w), Code: code, Text: text})
	}
	return all
}

// wrongTypes names every value of b, which is at a pointer, that cannot be decoded as what t
// has there.
func wrongTypes(b []byte, t reflect.Type, at string) []fault.Problem {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var all []fault.Problem
	within := func(member []byte, t reflect.Type, name string) {
		all = append(all, wrongTypes(member, t, at+"/"+escaped.Replace(name))...)
	}
	whole := reflect.New(t)
	_, reads := whole.Interface().(json.Unmarshaler)
	var members map[string]json.RawMessage
	var elements []json.RawMessage
	switch {
	case string(b) == "null", t == reflect.TypeFor[json.RawMessage](): // which misfits judges, and what reads it
		return nil
	case !reads && t.Kind() == reflect.Struct && json.Unmarshal(b, &members) == nil:
		for _, f := range reflect.VisibleFields(t) {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if member, given := members[name]; given && !f.Anonymous {
				within(member, f.Type, name)
			}
		}
	case !reads && t.Kind() == reflect.Map && json.Unmarshal(b, &members) == nil:
		for _, name := range slices.Sorted(maps.Keys(members)) {
			within(members[name], t.Elem(), name)
		}
	case !reads && t.Kind() == reflect.Slice && json.Unmarshal(b, &elements) == nil:
		for i, e := range elements {
			within(e, t.Elem(), strconv.Itoa(i))
		}
	case json.Unmarshal(b, whole.Interface()) != nil:
		return []fault.Problem{{Where: bounded(cmp.Or(at, "/")), Code: "type", Text: "give " + jsonType(t)}}
	}
	return all
}

// escaped writes a member's name as a JSON pointer has it (RFC 6901, section 3).
var escaped = strings.NewReplacer("~", "~0", "/", "~1")

// misfits points to the members of b, which is at a pointer, that t does not have, or has
// in another case, which encoding/json takes for the field (the document has names in one
// case only), and to those that are null, which decode as if they were not there. What the
// document allows to be null is the value of a key.
func misfits(b []byte, t reflect.Type, at string) (unknown, null []string) {
	within := func(member []byte, t reflect.Type, name string) {
		u, n := misfits(member, t, at+"/"+escaped.Replace(name))
		unknown, null = append(unknown, u...), append(null, n...)
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case t.Kind() == reflect.Struct:
		var members map[string]json.RawMessage
		if json.Unmarshal(b, &members) != nil {
			return nil, nil // null, or no object: decoding has judged it
		}
		for _, f := range reflect.VisibleFields(t) {
			if f.Anonymous {
				continue
			}
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			member, given := members[name]
			delete(members, name)
			switch {
			case !given, f.Type == reflect.TypeFor[json.RawMessage](): // what reads that judges it
			case string(member) == "null":
				null = append(null, at+"/"+name)
			default:
				within(member, f.Type, name)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(members)) {
			unknown = append(unknown, at+"/"+escaped.Replace(name))
		}
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct:
		var elements []json.RawMessage
		_ = json.Unmarshal(b, &elements) // likewise
		for i, e := range elements {
			within(e, t.Elem(), strconv.Itoa(i))
		}
	}
	return unknown, null
}

func jsonType(t reflect.Type) string {
	if t == reflect.TypeFor[time.Time]() {
		return "an instant, such as 2026-04-12T09:00:00Z"
	}
	switch t.Kind() { //nolint:exhaustive // the rest are objects to the sender
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return "a whole number"
	case reflect.Slice:
		return "an array"
	}
	return "an object"
}

// wrongFields names by its pointer each field that breaks its tag. The validator begins its paths
// with the struct's type, which most requests' structs have no name for.
func wrongFields(err error, typeName string) error {
	fields, ok := errors.AsType[validator.ValidationErrors](err)
	if !ok {
		return err
	}
	var ps []fault.Problem
	for _, f := range fields {
		where := strings.TrimPrefix(f.Namespace(), typeName+".")
		where = strings.NewReplacer(embedded+".", "", ".", "/", "[", "/", "]", "").Replace(where)
		ps = append(ps, fault.Problem{Where: "/" + where, Code: f.Tag(), Text: wanted(f)})
	}
	return fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", ps...)
}

// wanted says what would satisfy a field's tag.
func wanted(f validator.FieldError) string {
	switch f.Tag() {
	case "required":
		if k := f.Kind(); k >= reflect.Int && k <= reflect.Int64 {
			return "give a whole number above 0"
		}
		return "give this"
	case "max":
		return "at most " + f.Param() + units(f)
	case "min":
		return "at least " + f.Param() + units(f)
	case "oneof":
		return "one of: " + strings.ReplaceAll(f.Param(), " ", ", ")
	case "bcp47":
		return "a language tag, such as en or pt-BR"
	case "date":
		return "write the day as 1990-04-12: year, month, day"
	case "eq":
		return "must be " + f.Param()
	}
	return "breaks the rule " + f.Tag()
}

func units(f validator.FieldError) string {
	switch f.Kind() { //nolint:exhaustive // numbers have none
	case reflect.String:
		return " characters"
	case reflect.Slice:
		return " entries"
	}
	return ""
}

// maxID is longer than any id or version of ours. A longer text is not looked up,
// for keys in the store have a limit of their own.
const maxID = 128

// checkID refuses a text that is too long to be an id.
func checkID(id string) error {
	if len(id) <= maxID {
		return nil
	}
	return fault.New(fault.NotFound, "not_found", "there is no such thing, or it is not yours to see")
}

// page reads which part of a list is asked for: at most so many after a place.
func page(r *http.Request, list string) (after string, most int, err error) {
	if after, err = cursor(r, list); err != nil {
		return "", 0, err
	}
	most, err = limit(r)
	return after, most, err
}

// limit reads a page size from the query: 1 to 100, 25 unless given.
func limit(r *http.Request) (int, error) {
	s := r.URL.Query().Get("limit")
	if s == "" {
		return 25, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 100 {
		return 0, badParameter("limit", "range", "a whole number from 1 to 100")
	}
	return n, nil
}

// sumLength is how many bytes of a cursor's hash go with it: enough to tell a
// cursor of ours from any other text. The hash keeps no secret.
const sumLength = 6

// showCursor turns a place in a list, which the store names by a key, into text
// that does not show the key and is good for that list only.
func showCursor(list, place string) string {
	if place == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(list + "\x00" + place))
	return base64.RawURLEncoding.EncodeToString(append(sum[:sumLength], place...))
}

// cursor reads a place in a list from the query: empty for the beginning.
func cursor(r *http.Request, list string) (string, error) {
	c := r.URL.Query().Get("cursor")
	if c == "" {
		return "", nil
	}
	b, err := base64.RawURLEncoding.DecodeString(c)
	if err == nil && len(b) > sumLength && showCursor(list, string(b[sumLength:])) == c {
		return string(b[sumLength:]), nil
	}
	return "", badParameter("cursor", "format", "the next of an earlier page of the same list, unchanged")
}

func badParameter(name, code, text string) error {
	return fault.New(fault.Invalid, "invalid_request", "some parameters need to be put right",
		fault.Problem{Where: name, Code: code, Text: text})
}

// maxParameter is longer than any parameter of ours.
const maxParameter = 2 << 10

// checkQuery refuses a query with a parameter that e does not have, that comes
// twice, is too long, or has characters that no parameter has: what is misspelt
// would else be left out unsaid. A parameter that is empty is as one that is not
// given.
func (e *Endpoint) checkQuery(r *http.Request) error {
	if r.URL.RawQuery == "" {
		return nil
	}
	given, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badParameter("", "format", "a query of names and values, percent-encoded")
	}
	known := e.parameters()
	for _, name := range slices.Sorted(maps.Keys(given)) {
		switch values := given[name]; {
		case !slices.Contains(known, name):
			return badParameter(strconv.QuoteToASCII(name[:min(len(name), maxID)]), "unknown", "leave it out; there are: "+cmp.Or(strings.Join(known, ", "), "none"))
		case len(values) > 1:
			return badParameter(name, "repeated", "give it once")
		case len(values[0]) > maxParameter:
			return badParameter(name, "max", "at most "+strconv.Itoa(maxParameter)+" bytes")
		case !utf8.ValidString(values[0]) || strings.ContainsFunc(values[0], unicode.IsControl):
			return badParameter(name, "characters", "UTF-8 without control characters")
		}
	}
	return nil
}
