package pkg_test

import (
	"go/ast"
	"path"
	"testing"
)

// fmt cannot ask an unexported field how it wants to be printed, so health
// text in one would print as itself. Text may be held in exported fields only,
// and so may every type that holds it.
func TestPHI_NoUnexportedFieldHoldsIt(t *testing.T) {
	t.Parallel()
	type field struct {
		in, name string
		exported bool
		types    []string
	}
	var fields []field
	parse(t, func(file string, f *ast.File) {
		pkg := path.Base(path.Dir(file))
		for _, decl := range f.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range gen.Specs {
				typ, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				ast.Inspect(typ.Type, func(n ast.Node) bool {
					fd, ok := n.(*ast.Field)
					if _, isFunc := n.(*ast.FuncType); isFunc {
						return false
					}
					if !ok {
						return true
					}
					x := field{in: pkg + "." + typ.Name.Name, name: "(embedded)", exported: true, types: named(pkg, fd.Type)}
					for _, name := range fd.Names {
						x.name, x.exported = name.Name, name.IsExported()
					}
					fields = append(fields, x)
					return true
				})
			}
		}
	})
	holds := map[string]bool{"phi.Text": true}
	for grew := true; grew; {
		grew = false
		for _, f := range fields {
			for _, typ := range f.types {
				if holds[typ] && !holds[f.in] {
					holds[f.in], grew = true, true
				}
			}
		}
	}
	for _, known := range []string{"identity.Contact", "visit.Conclusion"} {
		if !holds[known] {
			t.Errorf("%s is not seen to hold health text: the test is blind", known)
		}
	}
	for _, f := range fields {
		for _, typ := range f.types {
			if holds[typ] && !f.exported {
				t.Errorf("%s: unexported field %s of a type that holds health text, %s", f.in, f.name, typ)
			}
		}
	}
}

// named lists the named types within a field's type, as package.Type.
func named(pkg string, typ ast.Expr) []string {
	var out []string
	ast.Inspect(typ, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncType, *ast.StructType, *ast.InterfaceType:
			return false
		case *ast.SelectorExpr:
			if x, ok := n.X.(*ast.Ident); ok {
				out = append(out, x.Name+"."+n.Sel.Name)
			}
			return false
		case *ast.Ident:
			out = append(out, pkg+"."+n.Name)
		}
		return true
	})
	return out
}
