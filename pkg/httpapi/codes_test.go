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

// Codes that no request of the API can be answered with: forms are published
// by operators.
const publishing = "questionnaire-"

func TestEveryProblemCodeIsDocumentedAndNoOther(t *testing.T) {
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
	for _, dir := range []string{".", "../clinic", "../visit", "../billing", "../identity", "../store", "../stripepay", "../blob", "../intake"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if !strings.HasSuffix(file, "_test.go") {
				codesIn(t, file, used)
			}
		}
	}
	maps.DeleteFunc(used, func(code string, _ bool) bool { return strings.HasPrefix(code, publishing) })
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
