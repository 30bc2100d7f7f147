// Package pkg_test checks which packages may import which.
package pkg_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A rule says what one package may import: ours lists packages under pkg, theirs
// the beginnings of import paths from elsewhere. The standard library is free
// to all, but for impure, which is closed to a pure package.
type rule struct {
	layer        layer
	ours, theirs string
}

// A layer is a floor of the house. A package imports packages of lower floors
// only, and of its own floor as far as beside says.
type layer int

const (
	vocabulary  layer = iota // standard library only
	domain                   // pure decisions, and how content is kept
	kernel                   // loads, allows, commits
	shared                   // what several rooms read: charts, books, heads of logs
	room                     // one set of powers
	edge                     // one technology
	composition              // environment to handlers
	function                 // a main
)

// beside says whether a package may import one of its own floor. Rooms and edges
// may not: what one causes in another is an event, or a decision of a domain.
func (l layer) beside(from, to string) bool {
	switch l {
	case domain:
		return true
	case edge: // one technology, HTTP, in several packages
		return path.Dir(from) == to || path.Dir(from) == "httpapi" && path.Dir(to) == "httpapi" || from == "httpapi" && path.Dir(to) == "httpapi"
	case composition: // each function's package stands on what several of them are made of
		return to == "setup" || path.Dir(from) == "setup" && (to == "setup/records" || to == "setup/site" || to == "setup/content" || to == "setup/bucket" || to == "setup/secrets")
	case vocabulary, kernel, shared, room, function:
	}
	return false
}

func (l layer) pure() bool { return l <= room }

// impure is what a decision may not reach for: it is told what it needs.
const impure = "crypto/rand database/sql log math/rand math/rand/v2 net net/http os os/exec"

const aws = "github.com/aws/aws-sdk-go-v2/"

// rules is the whole of the architecture's arrows. A package that is not here
// fails the test.
var rules = map[string]rule{
	"fault": {layer: vocabulary},
	"money": {layer: vocabulary},
	"civil": {layer: vocabulary},
	"phi":   {layer: vocabulary},

	"metric": {layer: vocabulary},
	"npi":    {layer: vocabulary},

	"intake":   {layer: domain, ours: "fault phi"},
	"identity": {layer: domain, ours: "coding fault phi"},
	"ledger":   {layer: domain, ours: "money"},
	"billing":  {layer: domain, ours: "civil coding coverage fault ledger money"},
	"visit":    {layer: domain, ours: "billing fault identity money phi"},
	"practice": {layer: domain, ours: "billing coding fault identity intake membership money visit"},
	"record":   {layer: domain, ours: "audit billing identity intake membership money phi visit"},
	"work":     {layer: domain, ours: "fault identity reconcile"},
	"registry": {layer: domain, ours: "coding fault identity npi phi practice", theirs: "golang.org/x/text/unicode/norm"},
	"library":  {layer: domain, ours: "intake protocol"},
	"protocol": {layer: domain, ours: "fault intake"},
	"coverage": {layer: domain, ours: "civil fault identity phi"},
	"outbox":   {layer: domain},
	"audit":    {layer: domain, theirs: "golang.org/x/mod/sumdb/"},
	"vault":    {layer: domain, ours: "fault"},
	"secret":   {layer: domain, ours: "fault"},
	"x12":      {layer: domain, ours: "civil fault money", theirs: "golang.org/x/text/unicode/norm"},
	"x12/ack":  {layer: domain, ours: "civil money phi x12"},
	"x12/elig": {layer: domain, ours: "civil fault money npi phi x12"},
	"x12/p835": {layer: domain, ours: "civil money phi x12"},
	"x12/p837": {layer: domain, ours: "civil fault money npi phi x12"},

	"statement": {layer: domain, ours: "civil fault ledger money"},
	"paper": {
		layer: domain, ours: "fault",
		theirs: "codeberg.org/go-pdf/fpdf github.com/go-fonts/liberation/ golang.org/x/image/font/sfnt golang.org/x/text/unicode/norm",
	},
	"reconcile": {layer: domain, ours: "ledger money"},

	"membership": {layer: domain, ours: "civil coding coverage fault ledger money"},

	"claim":      {layer: domain, ours: "billing civil coding coding/icd coverage fault money npi phi x12 x12/ack x12/p835 x12/p837"},
	"coding":     {layer: domain, ours: "civil fault money"},
	"coding/fee": {layer: domain, ours: "civil fault money"},
	"coding/icd": {layer: domain, ours: "civil fault"},

	"clinic": {layer: kernel, ours: "audit billing coverage fault identity intake ledger membership metric outbox phi practice protocol reconcile registry statement vault visit work"},

	"clinic/books":  {layer: shared, ours: "billing ledger membership money vault visit"},
	"clinic/heads":  {layer: shared},
	"clinic/limits": {layer: shared, ours: "fault"},
	"clinic/chart":  {layer: shared, ours: "clinic coverage fault identity intake phi record registry vault visit"},

	"clinic/author":    {layer: room, ours: "audit billing civil clinic coverage fault identity intake membership practice protocol"},
	"clinic/charge":    {layer: room, ours: "audit billing clinic clinic/books fault identity ledger membership money outbox practice reconcile statement visit work"},
	"clinic/deadline":  {layer: room, ours: "audit clinic clinic/books clinic/chart fault identity membership outbox statement vault visit work"},
	"clinic/desk":      {layer: room, ours: "audit clinic clinic/chart fault identity money outbox phi record visit work"},
	"clinic/hook":      {layer: room, ours: "clinic outbox"},
	"clinic/notify":    {layer: room, ours: "billing clinic clinic/chart fault membership outbox phi practice registry visit work"},
	"clinic/office":    {layer: room, ours: "audit billing civil clinic clinic/books coverage fault identity ledger membership money outbox practice reconcile record statement vault visit work"},
	"clinic/registrar": {layer: room, ours: "audit billing civil clinic clinic/chart coverage fault identity intake membership outbox phi practice registry work"},
	"clinic/request": {
		layer: room,
		ours:  "audit billing civil clinic clinic/books clinic/chart coding coverage fault identity intake ledger membership money outbox phi practice record vault visit work",
	},
	"clinic/session": {layer: room, ours: "audit clinic fault identity phi vault"},
	"clinic/sweep":   {layer: room, ours: "audit clinic clinic/heads fault outbox"},
	"clinic/verify":  {layer: room, ours: "audit clinic clinic/heads fault"},

	"store": {
		layer:  edge,
		ours:   "audit billing civil clinic clinic/sweep coding coverage fault identity ledger membership money outbox practice protocol reconcile registry statement vault visit work",
		theirs: aws + "aws " + aws + "service/dynamodb",
	},
	"store/storetest": {
		layer: edge,
		ours: "audit billing civil clinic clinic/author clinic/charge clinic/chart clinic/deadline clinic/desk clinic/notify clinic/office clinic/registrar clinic/request clinic/sweep " +
			"clinic/verify coverage fault identity ledger membership money outbox practice protocol reconcile registry statement visit work",
		theirs: "github.com/google/go-cmp/",
	},
	"seal":              {layer: edge, ours: "vault", theirs: aws + "service/kms github.com/tink-crypto/tink-go/v2/"},
	"secret/secrettest": {layer: edge, ours: "secret"},
	"secretstore":       {layer: edge, ours: "secret", theirs: aws + "aws " + aws + "service/secretsmanager"},
	"blob":              {layer: edge, ours: "fault vault", theirs: aws + "aws " + aws + "service/s3"},
	"mail":              {layer: edge, ours: "clinic/notify", theirs: aws + "aws " + aws + "service/sesv2"},
	"x12/x12test":       {layer: edge, ours: "civil fault x12", theirs: "github.com/google/go-cmp/"},
	"stripepay":         {layer: edge, ours: "billing clinic clinic/charge clinic/hook clinic/office clinic/request fault membership money reconcile secret", theirs: "github.com/stripe/stripe-go/v76"},
	"awslambda":         {layer: edge, ours: "outbox", theirs: "github.com/aws/aws-lambda-go/events"},
	"httpapi": {
		layer: edge,
		ours: "audit billing civil clinic clinic/author clinic/books clinic/chart clinic/desk clinic/limits clinic/office clinic/registrar clinic/request coding coverage fault httpapi/archive httpapi/exchange " +
			"httpapi/webhook identity intake ledger membership money outbox phi practice protocol reconcile record registry statement visit work",
		theirs: "github.com/coreos/go-oidc/v3/oidc github.com/go-jose/go-jose/v4 github.com/go-playground/validator/v10",
	},
	"httpapi/archive":  {layer: edge, ours: "audit billing clinic clinic/request coverage intake ledger phi record visit"},
	"httpapi/exchange": {layer: edge, ours: "fault secret"},
	"httpapi/webhook":  {layer: edge, ours: "clinic/hook fault httpapi/exchange metric secret"},
	"httpapi/web": {
		layer: edge,
		ours: "audit billing civil clinic clinic/author clinic/books clinic/chart clinic/office clinic/registrar clinic/request clinic/session coding coverage fault httpapi httpapi/archive httpapi/exchange " +
			"identity intake ledger membership money outbox paper phi practice protocol reconcile record registry statement visit work",
		theirs: "github.com/coreos/go-oidc/v3/oidc golang.org/x/oauth2 golang.org/x/text/language",
	},
	"httpapi/apitest": {layer: edge, ours: "httpapi", theirs: "github.com/getkin/kin-openapi/"},

	"setup":          {layer: composition, ours: "audit clinic metric outbox secret store vault", theirs: aws + "aws " + aws + "credentials " + aws + "service/dynamodb"},
	"setup/secrets":  {layer: composition, ours: "secret secretstore setup", theirs: aws + "service/secretsmanager"},
	"setup/content":  {layer: composition, ours: "seal secret setup setup/secrets vault", theirs: aws + "service/kms"},
	"setup/bucket":   {layer: composition, ours: "blob setup", theirs: aws + "service/s3"},
	"setup/records":  {layer: composition, ours: "clinic clinic/chart setup setup/bucket setup/content vault"},
	"setup/api":      {layer: composition, ours: "clinic/desk clinic/office clinic/request httpapi outbox secret setup setup/records setup/secrets setup/site stripepay"},
	"setup/site":     {layer: composition, ours: "clinic/limits httpapi httpapi/exchange httpapi/web secret setup setup/secrets"},
	"setup/charge":   {layer: composition, ours: "awslambda clinic/charge outbox secret setup setup/secrets stripepay"},
	"setup/deadline": {layer: composition, ours: "awslambda clinic/deadline outbox setup setup/records store"},
	"setup/notify":   {layer: composition, ours: "awslambda clinic/chart clinic/notify mail outbox setup setup/content vault", theirs: aws + "service/sesv2"},
	"setup/registry": {
		layer: composition,
		ours:  "clinic/author clinic/chart clinic/registrar httpapi library outbox setup setup/content setup/secrets setup/site vault",
	},
	"setup/stripehook": {layer: composition, ours: "clinic/hook httpapi/exchange httpapi/webhook outbox secret setup setup/secrets stripepay"},
	"setup/sweep":      {layer: composition, ours: "awslambda clinic/sweep secret setup setup/bucket setup/secrets store"},
	"setup/verify":     {layer: composition, ours: "awslambda clinic/verify setup setup/bucket"},

	"functions/api":        {layer: function, ours: "awslambda setup setup/api", theirs: lambda},
	"functions/charge":     {layer: function, ours: "setup setup/charge", theirs: lambda},
	"functions/deadline":   {layer: function, ours: "setup setup/deadline", theirs: lambda},
	"functions/notify":     {layer: function, ours: "setup setup/notify", theirs: lambda},
	"functions/registry":   {layer: function, ours: "awslambda setup setup/registry", theirs: lambda},
	"functions/stripehook": {layer: function, ours: "awslambda setup setup/stripehook", theirs: lambda},
	"functions/sweep":      {layer: function, ours: "setup setup/sweep", theirs: lambda},
	"functions/verify":     {layer: function, ours: "setup setup/verify", theirs: lambda},
}

const lambda = "github.com/aws/aws-lambda-go/lambda"

// homes are the only packages that may import a technology. What composes the
// functions makes clients of it, and no more.
var homes = map[string]string{
	aws + "service/dynamodb":                   "store setup",
	aws + "service/s3":                         "blob setup/bucket",
	aws + "service/sesv2":                      "mail setup/notify",
	aws + "service/kms":                        "seal setup/content",
	aws + "service/secretsmanager":             "secretstore setup/secrets",
	"github.com/tink-crypto/tink-go/v2/aead":   "seal",
	"github.com/stripe/stripe-go/v76":          "stripepay",
	"github.com/aws/aws-lambda-go/events":      "awslambda",
	"github.com/go-playground/validator/v10":   "httpapi",
	"github.com/coreos/go-oidc/v3/oidc":        "httpapi httpapi/web",
	"github.com/getkin/kin-openapi/openapi3":   "httpapi/apitest",
	"golang.org/x/oauth2":                      "httpapi/web",
	"golang.org/x/text/language":               "httpapi/web",
	"github.com/aws/aws-lambda-go/lambda":      "functions/api functions/charge functions/deadline functions/notify functions/registry functions/stripehook functions/sweep functions/verify",
	"github.com/aws/aws-sdk-go-v2/config":      "",
	"github.com/aws/aws-sdk-go-v2/credentials": "setup",
}

func (r rule) allows(imp string) bool {
	if dep, ours := strings.CutPrefix(imp, "evisit/pkg/"); ours {
		return listed(r.ours, dep)
	}
	if host, _, _ := strings.Cut(imp, "/"); !strings.Contains(host, ".") && host != "evisit" {
		return !r.layer.pure() || !listed(impure, imp)
	}
	for prefix := range strings.FieldsSeq(r.theirs) {
		if imp == prefix || strings.HasPrefix(imp, strings.TrimSuffix(prefix, "/")+"/") {
			return true
		}
	}
	return false
}

func listed(list, name string) bool { return slices.Contains(strings.Fields(list), name) }

// imports are the paths that each package imports in files that are not tests.
func imports(t *testing.T) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	parse(t, func(file string, f *ast.File) {
		dir := strings.TrimPrefix(path.Dir(file), "pkg/")
		if all[dir] == nil {
			all[dir] = []string{}
		}
		for _, spec := range f.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(all[dir], imp) {
				all[dir] = append(all[dir], imp)
			}
		}
	})
	return all
}

func TestPackages_ImportWhatTheirRuleAllows(t *testing.T) {
	t.Parallel()
	all := imports(t)
	for dir, imps := range all {
		r, known := rules[dir]
		if !known {
			t.Errorf("give package %s a rule", dir)
			continue
		}
		for _, imp := range imps {
			if !r.allows(imp) {
				t.Errorf("%s may not import %s", dir, imp)
			}
		}
		for dep := range strings.FieldsSeq(r.ours) {
			if !slices.Contains(imps, "evisit/pkg/"+dep) && dir != "store/storetest" {
				t.Errorf("%s may import %s and does not: take it from the rule", dir, dep)
			}
		}
	}
	for dir := range rules {
		if all[dir] == nil {
			t.Errorf("there is a rule for %s and no such package", dir)
		}
	}
}

func TestRules_ArrowsPointDown(t *testing.T) {
	t.Parallel()
	for name, r := range rules {
		for dep := range strings.FieldsSeq(r.ours) {
			below, known := rules[dep]
			if !known || below.layer > r.layer || below.layer == r.layer && !r.layer.beside(name, dep) {
				t.Errorf("%s may import %s, which is not below it", name, dep)
			}
		}
		if r.allows("evisit/infra/local/clock") {
			t.Errorf("%s may import infra", name)
		}
	}
}

func TestRules_TechnologiesHaveAHome(t *testing.T) {
	t.Parallel()
	for technology, at := range homes {
		for name, r := range rules {
			if may := r.allows(technology); may != listed(at, name) {
				t.Errorf("%s may import %s: %t", name, technology, may)
			}
		}
	}
}

// What composes the functions names the SDK's clients and their options, and
// calls nothing of a service.
func TestSetup_OnlyMakesClients(t *testing.T) {
	t.Parallel()
	made := 0
	parse(t, func(file string, f *ast.File) {
		if !strings.HasPrefix(file, "pkg/setup/") {
			return
		}
		services := map[string]bool{}
		for _, spec := range f.Imports {
			if imp, _ := strconv.Unquote(spec.Path.Value); strings.HasPrefix(imp, aws+"service/") {
				services[path.Base(imp)] = true
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			sel, ok := n.(*ast.SelectorExpr)
			if !ok {
				return true
			}
			if x, ok := sel.X.(*ast.Ident); ok && services[x.Name] {
				made++
				if sel.Sel.Name != "NewFromConfig" && sel.Sel.Name != "Options" {
					t.Errorf("%s uses %s.%s", file, x.Name, sel.Sel.Name)
				}
			}
			return true
		})
	})
	if made < 4 {
		t.Errorf("only %d clients are seen to be made: the test is blind", made)
	}
}

// parse reads every file of pkg and functions that is not a test. The files
// are read here, rather than by go list, so that the test's cached result is
// dropped when one changes.
func parse(t *testing.T, look func(file string, f *ast.File)) {
	t.Helper()
	read := 0
	for _, root := range []string{"pkg", "functions"} {
		err := filepath.WalkDir(filepath.Join("..", root), func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
				return err
			}
			f, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			read++
			look(strings.TrimPrefix(filepath.ToSlash(file), "../"), f)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if read < 100 {
		t.Fatalf("only %d files were read: the test looks in the wrong place", read)
	}
}
