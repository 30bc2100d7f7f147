// Package pkg_test checks which packages may import which.
package pkg_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// rule says what one package may import: ours lists packages under pkg, theirs
// the beginnings of import paths from elsewhere. The standard library is free
// to all, but for impure, which is closed to a pure package.
type rule struct {
	pure         bool
	ours, theirs string
}

// impure is what a decision may not reach for: it is told what it needs.
const impure = "crypto/rand database/sql log math/rand math/rand/v2 net net/http os os/exec"

const aws = "github.com/aws/aws-sdk-go-v2/"

// rules is the whole of the architecture's arrows. A package that is not here
// fails the test. DynamoDB, Stripe and the shapes of Lambda's events each have
// one home; setup, which puts the parts together, only makes their clients.
var rules = map[string]rule{
	// Vocabulary.
	"pkg/fault": {pure: true},
	"pkg/money": {pure: true},
	"pkg/phi":   {pure: true},

	// Domain.
	"pkg/intake":   {pure: true, ours: "fault phi"},
	"pkg/identity": {pure: true, ours: "fault phi"},
	"pkg/ledger":   {pure: true, ours: "money"},
	"pkg/billing":  {pure: true, ours: "fault ledger money"},
	"pkg/visit":    {pure: true, ours: "billing fault identity phi"},
	"pkg/outbox":   {pure: true},
	"pkg/practice": {pure: true},
	"pkg/audit":    {pure: true, theirs: "golang.org/x/mod/sumdb/"},

	// Application.
	"pkg/clinic": {pure: true, ours: "audit billing fault identity intake ledger money outbox phi practice visit"},

	// Edges: one technology each, never importing each other.
	"pkg/store":           {ours: "audit billing clinic fault identity ledger outbox visit", theirs: aws + "aws " + aws + "service/dynamodb"},
	"pkg/store/storetest": {ours: "audit billing clinic fault identity ledger outbox visit", theirs: "github.com/google/go-cmp/"},
	"pkg/seal":            {ours: "clinic", theirs: aws + "service/kms github.com/tink-crypto/tink-go/v2/"},
	"pkg/blob":            {ours: "clinic fault", theirs: aws + "service/s3"},
	"pkg/mail":            {ours: "clinic", theirs: aws + "aws " + aws + "service/sesv2"},
	"pkg/stripepay":       {ours: "billing clinic fault money", theirs: "github.com/stripe/stripe-go/v76"},
	"pkg/awslambda":       {ours: "outbox", theirs: "github.com/aws/aws-lambda-go/events"},
	"pkg/httpapi": {
		ours:   "audit billing clinic fault identity intake ledger money phi visit",
		theirs: "github.com/coreos/go-oidc/v3/oidc github.com/go-playground/validator/v10",
	},
	"pkg/httpapi/web": {
		ours:   "audit billing clinic fault httpapi identity intake ledger money phi visit",
		theirs: "github.com/coreos/go-oidc/v3/oidc golang.org/x/oauth2",
	},
	"pkg/httpapi/apitest": {ours: "httpapi", theirs: "github.com/getkin/kin-openapi/"},

	// Composition, for mains and infra/local alone.
	"pkg/setup": {
		ours:   "audit awslambda blob clinic httpapi httpapi/web mail outbox seal store stripepay",
		theirs: aws + "aws " + aws + "config " + aws + "service/",
	},
	"functions/*": {ours: "awslambda setup", theirs: "github.com/aws/aws-lambda-go/lambda"},
}

func (r rule) allows(imp string) bool {
	if dep, ours := strings.CutPrefix(imp, "evisit/pkg/"); ours {
		return listed(r.ours, dep)
	}
	if host, _, _ := strings.Cut(imp, "/"); !strings.Contains(host, ".") && host != "evisit" {
		return !r.pure || !listed(impure, imp)
	}
	for prefix := range strings.FieldsSeq(r.theirs) {
		if imp == prefix || strings.HasPrefix(imp, strings.TrimSuffix(prefix, "/")+"/") {
			return true
		}
	}
	return false
}

func listed(list, name string) bool { return strings.Contains(" "+list+" ", " "+name+" ") }

func TestPackagesImportOnlyWhatTheirRuleAllows(t *testing.T) {
	t.Parallel()
	seen := 0
	parse(t, func(file string, f *ast.File) {
		dir := path.Dir(file)
		r, known := rules[dir]
		if strings.HasPrefix(dir, "functions/") {
			r, known = rules["functions/*"]
		}
		if !known {
			t.Errorf("%s: give package %s a rule", file, dir)
			return
		}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !r.allows(imp) {
				t.Errorf("%s: %s may not import %s", file, dir, imp)
			}
		}
		seen++
	})
	if seen < 30 {
		t.Errorf("only %d files were read: the test looks in the wrong place", seen)
	}
}

func TestTheRulesKeepWhatTheyPromise(t *testing.T) {
	t.Parallel()
	for name, r := range rules {
		if r.allows("evisit/infra/local/clock") {
			t.Errorf("%s may import infra", name)
		}
		if domain := r.pure && name != "pkg/clinic"; domain && (listed(r.ours, "clinic") || listed(r.ours, "store")) {
			t.Errorf("%s may import upwards", name)
		}
		if listed(r.ours, "setup") && !strings.HasPrefix(name, "functions/") {
			t.Errorf("%s may import setup", name)
		}
		for technology, home := range map[string]string{
			aws + "service/dynamodb/types":           "pkg/store",
			"github.com/stripe/stripe-go/v76/charge": "pkg/stripepay",
			"github.com/aws/aws-lambda-go/events":    "pkg/awslambda",
			"github.com/tink-crypto/tink-go/v2/aead": "pkg/seal",
		} {
			if may := r.allows(technology); may != (name == home) && name != "pkg/setup" {
				t.Errorf("%s may import %s: %t", name, technology, may)
			}
		}
	}
}

// parse reads every file of pkg and functions that is not a test. The files
// are read here, rather than by go list, so that the test's cached result is
// dropped when one changes.
func parse(t *testing.T, look func(file string, f *ast.File)) {
	t.Helper()
	for _, root := range []string{"pkg", "functions"} {
		err := filepath.WalkDir(filepath.Join("..", root), func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			look(strings.TrimPrefix(filepath.ToSlash(file), "../"), f)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
