package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"

	"evisit/pkg/fault"
)

// A source is what every part of a questionnaire remembers of the text it was read
// from: where it stood, and the members that are not evaluated.
type source struct {
	at   *place
	kept []member
}

// A member is a part of an object that is kept as its author wrote it.
type member struct {
	name  string
	value node
}

func (s *source) origin() *source { return s }

// keeps reports whether the part has a member of the name that is not evaluated.
func (s *source) keeps(name string) bool {
	return slices.ContainsFunc(s.kept, func(m member) bool { return m.name == name })
}

// The members that FHIR has and that change nothing here, by the type that has them.
// The names of primitives with _ before them are among them where FHIR allows
// extensions there.
var (
	keptAnywhere = []string{"id"}
	keptMembers  = map[reflect.Type][]string{
		reflect.TypeFor[resource](): {
			"meta", "text", "identifier", "code", "useContext", "jurisdiction", "contact", "effectivePeriod",
			"_url", "_version", "_name", "_title", "_derivedFrom", "_status", "_experimental", "_subjectType", "_date",
			"_publisher", "_description", "_purpose", "_copyright", "_approvalDate", "_lastReviewDate", "_language",
		},
		reflect.TypeFor[sourceItem](): {
			"definition", "_linkId", "_text", "_prefix", "_type", "_required", "_repeats", "_readOnly", "_maxLength",
			"_definition", "_enableBehavior",
		},
		reflect.TypeFor[enableWhen]():      {"answerReference"},
		reflect.TypeFor[option]():          {"valueReference", "_valueString", "_valueInteger", "_valueDate", "_valueTime"},
		reflect.TypeFor[initial]():         {"valueReference", "valueAttachment"},
		reflect.TypeFor[sourceCoding]():    {"version", "userSelected", "_display", "_code", "_system", "_version"},
		reflect.TypeFor[codeableConcept](): {"_text"},
		reflect.TypeFor[expression]():      {"description", "reference"},
	}
)

// readResource reads the text of a Questionnaire. The problems are those of its
// structure; the resource then lacks what they name.
func readResource(data []byte) (resource, []fault.Problem, error) {
	var res resource
	if len(data) > MaxQuestionnaireBytes {
		return res, nil, fault.New(fault.TooLarge, "questionnaire-too-large", "This questionnaire is larger than 1 MB.")
	}
	root, err := parseTree(data)
	if err != nil {
		return res, nil, unreadable(err)
	}
	r := reader{}
	if countItems(root) > maxItems {
		return res, nil, fault.New(fault.TooLarge, "questionnaire-too-large", fmt.Sprintf("This questionnaire has more than %d items.", maxItems))
	}
	r.object(root, nil, reflect.ValueOf(&res).Elem())
	return res, r.problems, nil
}

// maxItems is far more than anybody answers.
const maxItems = 2000

func countItems(n node) int {
	items := n.member("item").children
	count := len(items)
	for _, it := range items {
		count += countItems(it)
	}
	return count
}

// A reader fills the types of a questionnaire from JSON, as the tags of their fields
// say. It notes every problem and reads on.
type reader struct {
	problems []fault.Problem
}

func (r *reader) problem(at *place, code, format string, args ...any) {
	r.problems = append(r.problems, fault.Problem{Where: at.pointer(), Code: code, Text: fmt.Sprintf(format, args...)})
}

func (r *reader) value(n node, at *place, into reflect.Value) {
	switch kind := into.Kind(); {
	case into.Type() == reflect.TypeFor[node]():
		into.Set(reflect.ValueOf(n))
	case kind == reflect.Pointer:
		into.Set(reflect.New(into.Type().Elem()))
		r.value(n, at, into.Elem())
	case kind == reflect.Struct:
		r.object(n, at, into)
	case kind == reflect.Slice:
		r.list(n, at, into)
	case into.Type() == reflect.TypeFor[json.Number]():
		if n.kind != numberNode {
			r.problem(at, "type", "This is a number.")
			return
		}
		into.SetString(n.text)
	case kind == reflect.String:
		if n.kind != stringNode {
			r.problem(at, "type", "This is text.")
			return
		}
		into.SetString(n.text)
	case kind == reflect.Bool:
		if n.kind != boolNode {
			r.problem(at, "type", "This is true or false.")
			return
		}
		into.SetBool(n.truth)
	default:
		i := readInteger(n)
		if i.kind != IntegerValue {
			r.problem(at, "type", "This is a whole number.")
			return
		}
		into.SetInt(int64(i.whole))
	}
}

func (r *reader) list(n node, at *place, into reflect.Value) {
	if n.kind != arrayNode || len(n.children) == 0 {
		r.problem(at, "type", "This is a list, and not empty.")
		return
	}
	all := reflect.MakeSlice(into.Type(), len(n.children), len(n.children))
	for i, e := range n.children {
		r.value(e, at.element(i), all.Index(i))
	}
	into.Set(all)
}

func (r *reader) object(n node, at *place, into reflect.Value) {
	if n.kind != objectNode {
		r.problem(at, "type", "This is a JSON object.")
		return
	}
	var from *source
	if p, ok := into.Addr().Interface().(interface{ origin() *source }); ok {
		from = p.origin()
		from.at = at
	}
	fields := fieldsOf(into.Type())
	for _, m := range n.children {
		in := at.member(m.name)
		if i, ok := fields[m.name]; ok {
			r.value(m, in, into.FieldByIndex(i))
		} else if from != nil && r.keeps(into.Type(), m, in) {
			from.kept = append(from.kept, member{m.name, m})
		}
	}
}

// keeps reports whether a member that is not evaluated is kept; if not it records why.
func (r *reader) keeps(in reflect.Type, m node, at *place) bool {
	switch {
	case m.name == "modifierExtension" || m.name == "implicitRules":
		r.problem(at, "modifier", "%s changes what this part means, and is not evaluated. Leave it out if the form is right without it.", m.name)
		return false
	case in == reflect.TypeFor[extension]() && isExtensionValue(m.name), slices.Contains(keptAnywhere, m.name), slices.Contains(keptMembers[in], m.name):
		return true
	}
	r.problem(at, "unknown", "FHIR R4 has no such member here. Correct its name, or leave it out.")
	return false
}

func isExtensionValue(name string) bool {
	return strings.HasPrefix(name, "value") || strings.HasPrefix(name, "_value")
}

var fieldsByType sync.Map // reflect.Type → map[string][]int

// fieldsOf maps the names of a type's members to the indexes of its fields.
func fieldsOf(t reflect.Type) map[string][]int {
	if known, ok := fieldsByType.Load(t); ok {
		return known.(map[string][]int)
	}
	fields := map[string][]int{}
	for _, f := range reflect.VisibleFields(t) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			fields[name] = f.Index
		}
	}
	fieldsByType.Store(t, fields)
	return fields
}

// write returns the JSON of a part of a questionnaire: its own members, then those that
// are kept.
func (s source) write(own any) ([]byte, error) {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(own); err != nil {
		return nil, fmt.Errorf("writing a part of a questionnaire: %w", err)
	}
	b := bytes.TrimSuffix(buf.Bytes(), []byte("}\n"))
	for _, m := range s.kept {
		if len(b) > len("{") {
			b = append(b, ',')
		}
		b = append(append(appendString(b, m.name), ':'), m.value.raw...)
	}
	return append(b, '}'), nil
}

func (q resource) MarshalJSON() ([]byte, error) {
	type own resource
	return q.write(own(q))
}

func (s sourceItem) MarshalJSON() ([]byte, error) {
	type own sourceItem
	return s.write(own(s))
}

func (w enableWhen) MarshalJSON() ([]byte, error) {
	type own enableWhen
	return w.write(own(w))
}

func (x option) MarshalJSON() ([]byte, error) {
	type own option
	return x.write(own(x))
}

func (c sourceCoding) MarshalJSON() ([]byte, error) {
	type own sourceCoding
	return c.write(own(c))
}

func (e extension) MarshalJSON() ([]byte, error) {
	type own extension
	return e.write(own(e))
}

func (x element) MarshalJSON() ([]byte, error) {
	type own element
	return x.write(own(x))
}

func (x codeableConcept) MarshalJSON() ([]byte, error) {
	type own codeableConcept
	return x.write(own(x))
}

func (x expression) MarshalJSON() ([]byte, error) {
	type own expression
	return x.write(own(x))
}

func (x quantity) MarshalJSON() ([]byte, error) {
	type own quantity
	return x.write(own(x))
}

func (x initial) MarshalJSON() ([]byte, error) {
	type own initial
	return x.write(own(x))
}
