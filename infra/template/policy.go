package template

import (
	"encoding/json"
	"fmt"
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
	documents := make([]document, 0, len(r.Policies)+len(r.ManagedPolicyArns))
	for _, p := range r.Policies {
		documents = append(documents, p.PolicyDocument)
	}
	for _, id := range r.ManagedPolicyArns {
		var p struct{ PolicyDocument document }
		if err := t.Decode(id, &p); err != nil {
			return nil, fmt.Errorf("role %s: %w", role, err)
		}
		documents = append(documents, p.PolicyDocument)
	}
	var all []Statement
	for _, d := range documents {
		sts, err := d.statements()
		if err != nil {
			return nil, fmt.Errorf("role %s: %w", role, err)
		}
		all = append(all, sts...)
	}
	return all, nil
}

// statements refuses what Allows could not decide: read past, a condition would
// leave more allowed here than at AWS.
func (d document) statements() ([]Statement, error) {
	var out []Statement
	for _, s := range d.Statement {
		if s.Effect != "Allow" {
			return nil, fmt.Errorf("statement %s: effect %s is not known here", s.Sid, s.Effect)
		}
		st := Statement{Sid: s.Sid, Effect: s.Effect, Actions: s.Action, Resources: s.Resource}
		for operator, keys := range s.Condition {
			for key, values := range keys {
				if err := st.condition(operator, key, values); err != nil {
					return nil, fmt.Errorf("statement %s: %w", s.Sid, err)
				}
			}
		}
		out = append(out, st)
	}
	return out, nil
}

// condition adds a condition to the statement.
func (s *Statement) condition(operator, key string, values []string) error {
	// These name one value each, which the whole installation shares: there is
	// nothing for Allows to tell apart.
	if operator == "StringEquals" && (key == "kms:EncryptionContext:purpose" || key == "ses:FromAddress") {
		return nil
	}
	exact := operator == "ForAllValues:StringEquals"
	if !exact && operator != "ForAllValues:StringLike" {
		return fmt.Errorf("condition %s on %s is not known here", operator, key)
	}
	if exact && slices.ContainsFunc(values, func(v string) bool { return strings.ContainsAny(v, "*?") }) {
		return fmt.Errorf("condition %s on %s takes %q for the characters themselves", operator, key, values)
	}
	patterns, known := map[string]*[]string{"dynamodb:LeadingKeys": &s.LeadingKeys, "dynamodb:Attributes": &s.Attributes}[key]
	if !known {
		return fmt.Errorf("condition %s on %s is not known here", operator, key)
	}
	if len(*patterns) > 0 {
		return fmt.Errorf("conditions on %s by two operators are not known here", key)
	}
	*patterns = values
	return nil
}

// An Access is one permission that a call takes.
type Access struct {
	Action string
	// Resource is written as in the template: "Table.Arn",
	// "${Table.Arn}/index/due", "${Documents.Arn}/documents/a".
	Resource string
	// Keys are the partition keys of the rows, and Attributes the attributes,
	// that the call names. None of them is no bar to any statement, as IAM
	// decides ForAllValues.
	Keys, Attributes []string
}

// Allows reports whether the statement lets a be done, as IAM would decide.
func (s Statement) Allows(a Access) bool {
	return s.Effect == "Allow" && fits(s.Actions, a.Action) && fits(s.Resources, a.Resource) &&
		(len(s.LeadingKeys) == 0 || fitAll(s.LeadingKeys, a.Keys)) &&
		(len(s.Attributes) == 0 || fitAll(s.Attributes, a.Attributes))
}

func fitAll(patterns, values []string) bool {
	for _, v := range values {
		if !fits(patterns, v) {
			return false
		}
	}
	return true
}

func fits(patterns []string, value string) bool {
	for _, p := range patterns {
		if Like(p, value) {
			return true
		}
	}
	return false
}

// Like reports whether a policy's pattern fits s: * stands for anything, ? for
// one byte.
func Like(pattern, s string) bool {
	star, rest := -1, 0 // the last * seen, and where in s what follows it was last tried
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, rest = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			rest++
			p, i = star+1, rest
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// Allows reports whether the function's role lets a be done.
func (f Function) Allows(a Access) bool {
	return slices.ContainsFunc(f.Statements, func(s Statement) bool { return s.Allows(a) })
}

// May reports whether the function's role lets action be done on resource, to
// rows with these partition keys.
func (f Function) May(action, resource string, keys []string) bool {
	return f.Allows(Access{Action: action, Resource: resource, Keys: keys})
}

// SecretARN is the ARN of a secret called name, as policies write it. It ends, as in
// Secrets Manager, in six letters and digits of chance.
func SecretARN(name string) string {
	return "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:evisit/${Stage}/" + name + "-a1B2c3"
}
