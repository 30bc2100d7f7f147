package template

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

type document struct {
	Statement []struct {
		Sid       string
		Effect    string
		Action    list
		Resource  list
		Condition map[string]map[string]list
	}
}

// A list may be written as its only element.
type list []string

func (l *list) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*l = list{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(l))
}

// statements lists what a role may do: its own policies and those attached.
func (t Template) statements(role string) ([]Statement, error) {
	var r struct {
		ManagedPolicyArns []string
		Policies          []struct{ PolicyDocument document }
	}
	if err := t.Decode(role, &r); err != nil {
		return nil, err
	}
	var all []Statement
	for _, p := range r.Policies {
		all = append(all, p.PolicyDocument.statements()...)
	}
	for _, id := range r.ManagedPolicyArns {
		var p struct{ PolicyDocument document }
		if err := t.Decode(id, &p); err != nil {
			return nil, fmt.Errorf("role %s: %w", role, err)
		}
		all = append(all, p.PolicyDocument.statements()...)
	}
	return all, nil
}

func (d document) statements() []Statement {
	var out []Statement
	for _, s := range d.Statement {
		st := Statement{Sid: s.Sid, Effect: s.Effect, Actions: s.Action, Resources: s.Resource}
		for _, op := range []string{"ForAllValues:StringLike", "ForAllValues:StringEquals"} {
			st.LeadingKeys = append(st.LeadingKeys, s.Condition[op]["dynamodb:LeadingKeys"]...)
		}
		out = append(out, st)
	}
	return out
}

// Allows reports whether the statement lets action be done on resource, to
// rows with these partition keys, as IAM would decide. A resource is written
// as in the template: "Table.Arn", "${Table.Arn}/index/due".
func (s Statement) Allows(action, resource string, keys []string) bool {
	return s.Effect == "Allow" && slices.ContainsFunc(s.Actions, like(action)) &&
		slices.ContainsFunc(s.Resources, like(resource)) && (len(s.LeadingKeys) == 0 || s.covers(keys))
}

func (s Statement) covers(keys []string) bool {
	for _, k := range keys {
		if !slices.ContainsFunc(s.LeadingKeys, like(k)) {
			return false
		}
	}
	return true
}

// like returns whether a pattern, in which * stands for anything, fits s.
func like(s string) func(pattern string) bool {
	return func(pattern string) bool {
		expr := strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`)
		return regexp.MustCompile(`^(?s:` + expr + `)$`).MatchString(s)
	}
}

// May reports whether the function's role lets action be done.
func (f Function) May(action, resource string, keys []string) bool {
	return slices.ContainsFunc(f.Statements, func(s Statement) bool { return s.Allows(action, resource, keys) })
}
