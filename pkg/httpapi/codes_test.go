package httpapi_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/httpapi/apitest"
)

// elsewhere are codes with which no request of the API is answered. One that an endpoint comes
// to give is documented, and stands here no longer.
var elsewhere = map[string]string{
	"other_practice":     "operators are told it when they publish a form or register a practice",
	"not_a_draft":        "pages say it in words",
	"cap_used":           "it is decided before that a visit is left",
	"no_renewal":         "a renewal is announced when it is due",
	"not_unpaid":         "a membership ends when its time to pay is over",
	"last_member":        "no endpoint changes who is a member",
	"members_full":       "likewise",
	"smaller_membership": "likewise",
	"no_medicare":        "likewise",
}

func TestProblemCode_EveryOneIsDocumented(t *testing.T) {
	t.Parallel()
	doc, err := apitest.Load()
	if err != nil {
		t.Fatal(err)
	}
	var documented []string
	schema := doc.Components.Schemas["ProblemCode"].Value
	for _, code := range schema.Enum {
		documented = append(documented, code.(string))
		if !strings.Contains(schema.Description, "| `"+code.(string)+"` |") {
			t.Errorf("%s is not explained", code)
		}
	}
	used := map[string]bool{"internal": true}
	for _, l := range served(t) {
		if !strings.HasPrefix(l.ImportPath, "evisit/") || l.ImportPath == "evisit/pkg/httpapi/web" { // pages have words, not codes
			continue
		}
		for _, name := range l.GoFiles {
			codesIn(t, filepath.Join(l.Dir, name), used)
		}
	}
	for code := range elsewhere {
		if !used[code] {
			t.Errorf("%s is used nowhere", code)
		}
		delete(used, code)
	}
	if d := cmp.Diff(slices.Sorted(maps.Keys(used)), slices.Sorted(slices.Values(documented))); d != "" {
		t.Errorf("codes used and documented differ (-used +documented):\n%s", d)
	}
}

// codesIn adds the second argument of every fault.New and fault.Hide.
func codesIn(t *testing.T, file string, used map[string]bool) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(tree, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || len(call.Args) < 2 {
			return true
		}
		fun, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || fun.Sel.Name != "New" && fun.Sel.Name != "Hide" {
			return true
		}
		if pkg, ok := fun.X.(*ast.Ident); !ok || pkg.Name != "fault" {
			return true
		}
		if lit, ok := call.Args[1].(*ast.BasicLit); ok {
			code, err := strconv.Unquote(lit.Value)
			if err != nil {
				t.Fatal(err)
			}
			used[code] = true
		}
		return true
	})
}
