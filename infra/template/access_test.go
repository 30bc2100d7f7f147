package template_test

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/infra/template"
)

// Like is checked against the regular expression that a pattern means.
func TestLike_AsRegexp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab#*?]{0,8}`).Draw(t, "pattern")
		s := rapid.StringMatching(`[ab#*]{0,10}`).Draw(t, "s")
		expr := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
		if want := regexp.MustCompile(`^(?s:` + expr + `)$`).MatchString(s); template.Like(pattern, s) != want {
			t.Errorf("Like(%q, %q) = %v", pattern, s, !want)
		}
	})
}

func TestAllows_Conditions(t *testing.T) {
	t.Parallel()
	s := template.Statement{
		Effect: "Allow", Actions: []string{"dynamodb:UpdateItem"}, Resources: []string{"Table.Arn"},
		LeadingKeys: []string{"OUTBOX#*"}, Attributes: []string{"pk", "sk", "due_*"},
	}
	for _, test := range []struct {
		name                  string
		action, resource, key string
		attributes            string
		want                  bool
	}{
		{"all fit", "dynamodb:UpdateItem", "Table.Arn", "OUTBOX#e1", "pk sk due_at due_shard", true},
		{"another action", "dynamodb:PutItem", "Table.Arn", "OUTBOX#e1", "pk", false},
		{"another resource", "dynamodb:UpdateItem", "${Table.Arn}/index/due", "OUTBOX#e1", "pk", false},
		{"another row", "dynamodb:UpdateItem", "Table.Arn", "CASE#v1", "pk", false},
		{"another attribute", "dynamodb:UpdateItem", "Table.Arn", "OUTBOX#e1", "pk sk due_at d", false},
		{"every attribute", "dynamodb:UpdateItem", "Table.Arn", "OUTBOX#e1", "*", false},
		{"no attribute named", "dynamodb:UpdateItem", "Table.Arn", "OUTBOX#e1", "", true},
	} {
		a := template.Access{Action: test.action, Resource: test.resource, Keys: []string{test.key}, Attributes: strings.Fields(test.attributes)}
		if got := s.Allows(a); got != test.want {
			t.Errorf("%s: allowed %v, want %v", test.name, got, test.want)
		}
	}
	s.Effect = "Deny"
	if s.Allows(template.Access{Action: "dynamodb:UpdateItem", Resource: "Table.Arn"}) {
		t.Error("a denial allows")
	}
}

// readWith reads the template with one text replaced.
func readWith(t *testing.T, old, replacement string) (template.Template, error) {
	t.Helper()
	b, err := os.ReadFile(root + "/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(b), old) {
		t.Fatalf("the template has no %q", old)
	}
	file := filepath.Join(t.TempDir(), "template.yaml")
	if err := os.WriteFile(file, []byte(strings.Replace(string(b), old, replacement, 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	return template.Read(file)
}

func TestRead_AttributesOfStatement(t *testing.T) {
	t.Parallel()
	tpl, err := readWith(t, `dynamodb:LeadingKeys: ["LOG#*", "SWEEP#*"]`, `dynamodb:LeadingKeys: ["LOG#*", "SWEEP#*"]
                  ForAllValues:StringEquals: { dynamodb:Attributes: [pk, sk, v] }`)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range tpl.Functions["sweep"].Statements {
		if s.Sid == "Deliveries" {
			continue // see TestPolicy_UpdateNamesDeliveryAttributes
		}
		want := []string(nil)
		if s.Sid == "WriteRows" {
			want = []string{"pk", "sk", "v"}
		}
		if d := cmp.Diff(want, s.Attributes); d != "" {
			t.Errorf("%s: attributes (-want +got):\n%s", s.Sid, d)
		}
	}
}

// What Allows cannot decide must not be read past: it would allow more here
// than IAM does.
func TestRead_RefusesWhatAllowsCannotDecide(t *testing.T) {
	t.Parallel()
	const (
		like  = "ForAllValues:StringLike:\n                    dynamodb:LeadingKeys: [\"TRAIL#*\"]"
		equal = "ForAllValues:StringEquals:\n                    dynamodb:Attributes: [pk, sk, v, "
	)
	for name, test := range map[string]struct{ old, replacement, want string }{
		"operator":    {like, strings.Replace(like, "ForAllValues:StringLike", "StringLike", 1), "condition StringLike on dynamodb:LeadingKeys"},
		"key":         {like, strings.Replace(like, "LeadingKeys", "Select", 1), "condition ForAllValues:StringLike on dynamodb:Select"},
		"star":        {equal, strings.Replace(equal, "v, ", "v*, ", 1), "characters themselves"},
		"twice":       {like, like + "\n                  ForAllValues:StringEquals: { dynamodb:LeadingKeys: [a] }", "by two operators"},
		"effect deny": {"- Sid: ReadDue\n                Effect: Allow", "- Sid: ReadDue\n                Effect: Deny", "effect Deny"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := readWith(t, test.old, test.replacement); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestRead_PartitionKeys(t *testing.T) {
	t.Parallel()
	want := map[string]string{"": "pk", "due": "due_shard", "list": "list", "mine": "mine", "trail": "trail", "book": "book"}
	if d := cmp.Diff(want, read(t).PartitionKeys); d != "" {
		t.Errorf("partition keys (-want +got):\n%s", d)
	}
}

// The template is found wherever a program is started that knows its source, and below its
// folder by every other.
func TestFind_FromAnotherFolder(t *testing.T) {
	want, err := filepath.Abs(root + "/template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := template.Find(); err != nil || got != want {
		t.Errorf("below its folder: found %s, %v, want %s", got, err, want)
	}
	_, source, _, _ := runtime.Caller(0)
	t.Chdir(t.TempDir())
	if got, err := template.Find(); (err == nil) != filepath.IsAbs(source) || err == nil && got != want {
		t.Errorf("elsewhere, built of %s: found %s, %v, want %s", source, got, err, want)
	}
}
