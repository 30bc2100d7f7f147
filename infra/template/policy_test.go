package template_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The words of pkg/store/keys.go, and who may read (r) and write (w) their
// rows.
var rows = map[string]map[string]string{
	"WHO":      {"api": "r"},
	"PATIENT":  {"api": "r", "notify": "r"},
	"PRACTICE": {"api": "r", "charge": "r", "notify": "r", "sweep": "r"},
	"FORM":     {"api": "r"},
	"CASE":     {"api": "rw", "charge": "rw", "sweep": "r"},
	"CHART":    {"api": "rw"},
	"MONEY":    {"api": "rw", "charge": "rw"},
	"OUTBOX":   {"api": "rw", "stripehook": "w", "charge": "w", "notify": "w", "sweep": "rw"},
	"REQUEST":  {"api": "rw"},
	"AUDIT":    {"api": "rw", "charge": "w", "sweep": "r"},
	"LOG":      {"api": "r", "sweep": "rw"},
	"UNKNOWN":  {},
}

func TestEachRoleIsHeldToItsRows(t *testing.T) {
	t.Parallel()
	tpl := read(t)
	for word, want := range rows {
		got := map[string]string{}
		for name, f := range tpl.Functions {
			may := func(actions ...string) bool {
				return slices.ContainsFunc(actions, func(a string) bool { return f.May("dynamodb:"+a, "Table.Arn", []string{word + "#1"}) })
			}
			rights := ""
			if may("GetItem", "BatchGetItem", "Query", "TransactGetItems") {
				rights = "r"
			}
			if may("PutItem", "UpdateItem", "BatchWriteItem") {
				rights += "w"
			}
			if rights != "" {
				got[name] = rights
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s# (-want +template):\n%s", word, d)
		}
	}
}

// A batch that reaches past a role's rows is refused whole.
func TestOneForeignKeyIsEnoughToBeRefused(t *testing.T) {
	t.Parallel()
	api := read(t).Functions["api"]
	if !api.May("dynamodb:BatchGetItem", "Table.Arn", []string{"CASE#1", "CHART#1"}) || api.May("dynamodb:BatchGetItem", "Table.Arn", []string{"CASE#1", "CLAIM#1"}) {
		t.Error("a batch is not judged by all of its keys")
	}
}

func TestNoRoleMayScanOrDeleteOrDoAnythingToEverything(t *testing.T) {
	t.Parallel()
	// These have no resource to be held to.
	everywhere := []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords", "dynamodb:ListStreams"}
	for name, f := range read(t).Functions {
		for _, s := range f.Statements {
			for _, a := range s.Actions {
				if strings.Contains(a, "*") || a == "dynamodb:Scan" || strings.Contains(a, "Delete") {
					t.Errorf("%s: %s allows %s", name, s.Sid, a)
				}
				if slices.Contains(s.Resources, "*") && !slices.Contains(everywhere, a) {
					t.Errorf("%s: %s allows %s on everything", name, s.Sid, a)
				}
			}
			if slices.Contains(s.Resources, "Table.Arn") && len(s.LeadingKeys) == 0 {
				t.Errorf("%s: %s is not held to any rows", name, s.Sid)
			}
		}
	}
}

func TestOnlyThoseWhoSeeContentMayOpenTheKeyset(t *testing.T) {
	t.Parallel()
	for name, f := range read(t).Functions {
		_, given := f.Env["EVISIT_KEYSET"]
		if may := f.May("kms:Decrypt", "ContentKeyArn", nil); may != given {
			t.Errorf("%s: given the keyset %v, may open it %v", name, given, may)
		}
	}
}
