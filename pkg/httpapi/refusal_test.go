package httpapi_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/httpapi"
	"evisit/pkg/httpapi/exchange"
)

// A refusal is a status and a code.
type refusal struct {
	Status int
	Code   string
}

// program is what each function and package variable of ours refuses with, and
// which others it mentions.
type program struct {
	refusals map[types.Object]map[refusal]bool
	mentions map[types.Object]map[types.Object]bool
	methods  []*types.Func
	packages map[string]*types.Package
}

// Import implements types.Importer for packages of ours, which are checked
// after those they import.
func (p *program) Import(path string) (*types.Package, error) {
	if pkg, ok := p.packages[path]; ok {
		return pkg, nil
	}
	return nil, errors.New("not checked yet: " + path)
}

// chain asks one importer after the other.
type chain []types.Importer

func (c chain) Import(path string) (pkg *types.Package, err error) {
	for _, i := range c {
		if pkg, err = i.Import(path); err == nil {
			return pkg, nil
		}
	}
	return nil, err
}

// listed is a package as the go command lists it.
type listed struct {
	ImportPath string   `json:"ImportPath"`
	Dir        string   `json:"Dir"`
	Export     string   `json:"Export"`
	GoFiles    []string `json:"GoFiles"`
}

// served lists the packages that make what serves HTTP, and all they import.
func served(t *testing.T) (all []listed) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-export", "-deps", "-json=ImportPath,Dir,GoFiles,Export", "evisit/pkg/setup/api", "evisit/pkg/setup/stripehook").Output()
	if err != nil {
		t.Fatal(err)
	}
	for d := json.NewDecoder(bytes.NewReader(out)); d.More(); {
		var l listed
		if err := d.Decode(&l); err != nil {
			t.Fatal(err)
		}
		all = append(all, l)
	}
	return all
}

// load reads what served lists.
func load(t *testing.T) *program {
	t.Helper()
	p := &program{
		refusals: map[types.Object]map[refusal]bool{}, mentions: map[types.Object]map[types.Object]bool{},
		packages: map[string]*types.Package{},
	}
	exports, set := map[string]string{}, token.NewFileSet()
	theirs := importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, l := range served(t) {
		exports[l.ImportPath] = l.Export
		if strings.HasPrefix(l.ImportPath, "evisit/") {
			p.check(t, set, l, chain{p, theirs})
		}
	}
	return p
}

func (p *program) check(t *testing.T, set *token.FileSet, l listed, from types.Importer) {
	t.Helper()
	var files []*ast.File
	for _, name := range l.GoFiles {
		f, err := parser.ParseFile(set, filepath.Join(l.Dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}, Types: map[ast.Expr]types.TypeAndValue{}}
	pkg, err := (&types.Config{Importer: from}).Check(l.ImportPath, set, files, info)
	if err != nil {
		t.Fatal(err)
	}
	p.packages[l.ImportPath] = pkg
	for _, f := range files {
		for _, d := range f.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				p.add(info, info.Defs[d.Name], d)
				if d.Recv != nil {
					p.methods = append(p.methods, info.Defs[d.Name].(*types.Func))
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if vs, ok := spec.(*ast.ValueSpec); ok {
						for _, name := range vs.Names {
							p.add(info, info.Defs[name], vs)
						}
					}
				}
			}
		}
	}
}

// add notes what the declaration of an object mentions.
func (p *program) add(info *types.Info, of types.Object, declaration ast.Node) {
	refusals, mentions := map[refusal]bool{}, map[types.Object]bool{}
	ast.Inspect(declaration, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Ident:
			switch o := info.Uses[n].(type) {
			case *types.Func:
				mentions[o.Origin()] = true
			case *types.Var:
				mentions[o] = true
			}
		case *ast.CallExpr:
			if r, ok := refusing(info, n); ok {
				refusals[r] = true
			}
		}
		return true
	})
	p.refusals[of], p.mentions[of] = refusals, mentions
}

// refusing reads a call of fault.New or fault.Hide.
func refusing(info *types.Info, call *ast.CallExpr) (refusal, bool) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return refusal{}, false
	}
	f, ok := info.Uses[sel.Sel].(*types.Func)
	if !ok || f.Pkg() == nil || f.Pkg().Path() != "evisit/pkg/fault" || len(call.Args) < 2 {
		return refusal{}, false
	}
	kind, code := info.Types[call.Args[0]].Value, info.Types[call.Args[1]].Value
	if kind == nil || code == nil {
		return refusal{}, false
	}
	return refusal{exchange.Status(fault.Kind(constant.StringVal(kind))), constant.StringVal(code)}, true
}

// from lists what can be refused with by anything that root mentions, however
// far away. A method of an interface is that of every type which has it.
func (p *program) from(root types.Object) map[refusal]bool {
	all, seen := map[refusal]bool{}, map[types.Object]bool{}
	swallows := map[types.Object]bool{
		p.packages["evisit/pkg/vault"].Scope().Lookup("decode"): true, // whose cause is not told
		p.method("visit", "Visit", "Can"):                       true, // it tries each step and says which were not refused
		p.method("clinic", "Kernel", "subjectOfPatient"):        true, // what fails is logged
		p.method("clinic", "Kernel", "recordRefusal"):           true, // likewise
		p.method("clinic", "Kernel", "RecordTurnedAway"):        true, // likewise
		p.method("clinic", "Kernel", "recordHourly"):            true, // it commits its record alone
		p.method("clinic", "Kernel", "RecordLook"):              true, // likewise
	}
	var follow func(types.Object)
	follow = func(o types.Object) {
		if seen[o] || swallows[o] {
			return
		}
		seen[o] = true
		maps.Copy(all, p.refusals[o])
		for m := range p.mentions[o] {
			follow(m)
		}
		if f, ok := o.(*types.Func); ok {
			for _, m := range p.implementing(f) {
				follow(m)
			}
		}
	}
	follow(root)
	return all
}

func (p *program) implementing(f *types.Func) []types.Object {
	recv := f.Signature().Recv()
	if recv == nil {
		return nil
	}
	i, ok := recv.Type().Underlying().(*types.Interface)
	if !ok {
		return nil
	}
	var all []types.Object
	for _, m := range p.methods {
		if t := m.Signature().Recv().Type(); m.Name() == f.Name() && (types.Implements(t, i) || types.Implements(types.NewPointer(t), i)) {
			all = append(all, m)
		}
	}
	return all
}

// method finds a method of a type of ours; without one it panics.
func (p *program) method(pkg, of, name string) types.Object {
	in := p.packages["evisit/pkg/"+pkg]
	o, _, _ := types.LookupFieldOrMethod(in.Scope().Lookup(of).Type(), true, in, name)
	return o.(*types.Func)
}

// outside are refusals that no endpoint gives: no client is told, or no endpoint
// was asked.
var outside = map[string]string{
	"no_route":                "no endpoint has the address",
	"wrong_method":            "no endpoint has the method",
	"event_done":              "the delivery is over",
	"exists":                  "ids are new, or the row is the same one",
	"request_seen":            "the first result is found",
	"response-too-large":      "a body is at most half as large",
	"too_large":               "where there is no body, a commit is of few rows",
	"unwritable":              "no endpoint draws a file; the pages do",
	"questionnaire-malformed": "a form is refused when it is published",
	"questionnaire-too-large": "a form is refused when it is published",
}

// unmet are refusals of what an endpoint calls that cannot be met from there.
var unmet = map[string]string{
	"getMe choose_practice":              "it tells which there are",
	"startVisit changed":                 "a new visit has no version",
	"sendAgain changed":                  "a new visit has no version",
	"sendAgain other_form":               "answers that are carried over name the draft's form",
	"listForms no_patient":               "a patient is named",
	"compareVersions other_form":         "nobody sends answers",
	"publishDraft other_form":            "nobody sends answers",
	"approveDraft other_form":            "nobody sends answers",
	"getDraft other_form":                "nobody sends answers",
	"adoptProtocol other_form":           "nobody sends answers",
	"handInQuestionnaire other_form":     "nobody sends answers",
	"listLibrary questionnaire-refused":  "a test publishes the whole library",
	"listLibrary questionnaire-shape":    "a test publishes the whole library",
	"decideMembership offer_closed":      "a closed membership is followed by another",
	"submitVisit cap_used":               "it is decided before that a visit is left",
	"joinMembership changed":             "a new membership has no version",
	"offerForm too_many_coming":          "it is offered at once",
	"publishDraft too_many_coming":       "it is offered at once",
	"publishDraft stale":                 "it takes no If-Match",
	"listForms not_offered":              "the list tells it",
	"listForms not_eligible":             "the list tells it",
	"listForms no_price":                 "the list tells it",
	"listForms state_not_served":         "the list tells it",
	"listForms no_payments":              "the list tells it",
	"listForms topic_by_phone":           "the list tells it",
	"listForms practice_suspended":       "the list tells it",
	"listForms patient_suspended":        "the list tells it",
	"listForms not_established":          "the list tells it",
	"listForms minors_not_taken":         "the list tells it",
	"saveAnswers idempotency_key_reused": "it takes no key",
	"saveAnswers answers_incomplete":     "they are saved without a price",
	"saveAnswers state_not_served":       "the answers are saved without a price",
	"saveAnswers kind_not_taken":         "the answers are saved without a price",
	"saveAnswers medicare_covers":        "the answers are saved without a price",
	"saveAnswers medicaid_covers":        "the answers are saved without a price",
	"saveAnswers identity_mismatch":      "the answers are saved without a price",
	"saveAnswers no_price":               "the answers are saved without a price",
	"acceptDispute evidence_changed":     "who accepts sends no evidence",
	"acceptDispute evidence_too_long":    "likewise",
	"answerDispute inquiry_not_accepted": "an inquiry is answered",
	"endWork changed":                    "somebody else ended it, and what they left is read",
	"getChart changed":                   "the read commits its record alone",
	"getEncounterDocument changed":       "likewise",
	"getChart other_form":                "a check lists it among the problems",
	"getRecord changed":                  "likewise",
	"getRecord other_form":               "a check lists it among the problems",
	"answerVisit other_form":             "a check lists it among the problems",
	"giveNumber other_form":              "answers are kept of the visit's own form only",
	"quoteVisit other_form":              "answers are kept of the visit's own form only",
	"submitVisit other_form":             "answers are kept of the visit's own form only",
	"answerVisit message_length":         "the conclusion's own check is as strict",
	"invitePerson changed":               "its rows are all new",
	"inviteAdministrator changed":        "likewise",
	"invitePatient changed":              "likewise",
	"inviteCaregiver changed":            "likewise",
	"registerPatient changed":            "likewise",
	"verifyPatient stale":                "it names no version",
	"mergePatient stale":                 "likewise",
	"registerPractice changed":           "the practice that stands is read",
	"deactivatePerson stale":             "it names no version",
	"reactivatePerson stale":             "likewise",
	"reactivatePerson last_admin":        "nobody loses a role",
	"suspendPractice stale":              "it names no version",
	"unsuspendPractice stale":            "likewise",
	"suspendPractice account_taken":      "the account is not changed",
	"unsuspendPractice account_taken":    "likewise",
	"registerPayer changed":              "its row is new",
	"endPayer stale":                     "it names no version",
	"resumePayer stale":                  "likewise",
	"addCoverage stale":                  "a new one has no version",
	"changeCoverage coverages_full":      "it is one of them",
	"orderCoverages coverages_full":      "they are among them",
	"receivePlatformEvent changed":       "an event is kept without a visit",
	"receiveConnectEvent changed":        "an event is kept without a visit",
}

// Every code that an endpoint declares is one that something it calls refuses
// with, and nothing it calls refuses with another. What all endpoints have in
// common refuses as they imply.
func TestEndpoint_RefusesAsDeclared(t *testing.T) {
	t.Parallel()
	p := load(t)
	everywhere := map[refusal]bool{}
	for _, e := range httpapi.Endpoints() {
		implied := refusalsOf(&httpapi.Endpoint{Who: e.Who, Does: e.Does, Once: e.Once, Paged: e.Paged, IfMatch: e.IfMatch, In: e.In})
		maps.Copy(everywhere, implied)
		t.Run(e.ID, func(t *testing.T) {
			t.Parallel()
			met, declared := p.from(p.root(t, e)), refusalsOf(e)
			for r := range declared {
				if !met[r] && !implied[r] {
					t.Errorf("%d %s is declared, and nothing that it calls refuses with it", r.Status, r.Code)
				}
			}
			for r := range met {
				if !declared[r] && outside[r.Code] == "" && unmet[e.ID+" "+r.Code] == "" {
					t.Errorf("%d %s is not declared, and something that it calls refuses with it", r.Status, r.Code)
				}
			}
		})
	}
	t.Run("common", func(t *testing.T) {
		t.Parallel()
		met := p.from(p.method("httpapi", "API", "handler"))
		maps.DeleteFunc(met, func(r refusal, _ bool) bool { return outside[r.Code] != "" && !everywhere[r] })
		maps.DeleteFunc(everywhere, func(r refusal, _ bool) bool {
			return r.Code == "internal" || r.Code == "idempotency_key_reused" // no fault, and of the application
		})
		if d := cmp.Diff(met, everywhere); d != "" {
			t.Errorf("what reading a request refuses with (-met +implied):\n%s", d)
		}
	})
}

// root is what serves an endpoint: its variable, which is named as the
// operation, or for Stripe's the whole of stripehook.
func (p *program) root(t *testing.T, e *httpapi.Endpoint) types.Object {
	t.Helper()
	o := p.packages["evisit/pkg/httpapi"].Scope().Lookup(e.ID)
	switch {
	case o == nil:
		t.Fatal("there is no variable of that name")
	case e.Serve == nil:
		return p.packages["evisit/pkg/setup/stripehook"].Scope().Lookup("Handler")
	}
	return o
}

func refusalsOf(e *httpapi.Endpoint) map[refusal]bool {
	all := map[refusal]bool{}
	for _, r := range e.AllRefusals() {
		all[refusal{r.Status, r.Code}] = true
	}
	return all
}

func TestCodes_AreGiven(t *testing.T) {
	t.Parallel()
	given := map[refusal]bool{}
	for _, e := range httpapi.Endpoints() {
		maps.Copy(given, refusalsOf(e))
	}
	for _, c := range httpapi.Codes {
		if !given[refusal{c.Status, c.Name}] && outside[c.Name] == "" {
			t.Errorf("%d %s is given by no endpoint", c.Status, c.Name)
		}
	}
}
