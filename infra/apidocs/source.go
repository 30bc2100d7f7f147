package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// A source reads from Go files what reflection does not tell: what is said of
// types and fields, and which constants a type has.
type source struct {
	root     string // of the module
	packages map[string][]*ast.File
}

func (s *source) files(pkg string) ([]*ast.File, error) {
	if files, ok := s.packages[pkg]; ok {
		return files, nil
	}
	_, dir, _ := strings.Cut(pkg, "/") // the module's name is its first element
	names, err := filepath.Glob(filepath.Join(s.root, dir, "*.go"))
	if err != nil {
		return nil, fmt.Errorf("listing the files of %s: %w", pkg, err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return nil, fmt.Errorf("reading %s: %w", pkg, err)
		}
		files = append(files, f)
	}
	s.packages[pkg] = files
	return files, nil
}

// declarations calls f for each specification of a kind of declaration of a
// package, with the comment above it.
func (s *source) declarations(pkg string, kind token.Token, f func(ast.Spec, *ast.CommentGroup)) error {
	files, err := s.files(pkg)
	if err != nil {
		return err
	}
	for _, file := range files {
		for _, d := range file.Decls {
			if g, ok := d.(*ast.GenDecl); ok && g.Tok == kind {
				for _, spec := range g.Specs {
					f(spec, g.Doc)
				}
			}
		}
	}
	return nil
}

// said is what the comments of a struct say of it and of each of its fields.
func (s *source) said(t reflect.Type) (of string, fields map[string]string, err error) {
	fields = map[string]string{}
	err = s.declarations(t.PkgPath(), token.TYPE, func(spec ast.Spec, doc *ast.CommentGroup) {
		ts, ok := spec.(*ast.TypeSpec)
		if !ok || ts.Name.Name != t.Name() {
			return
		}
		of = paragraph(doc)
		if st, ok := ts.Type.(*ast.StructType); ok {
			for _, f := range st.Fields.List {
				for _, name := range f.Names {
					fields[name.Name] = paragraph(f.Doc)
				}
			}
		}
	})
	return of, fields, err
}

// paragraph is the first of a comment, as one line. What follows it is for
// readers of the code.
func paragraph(c *ast.CommentGroup) string {
	first, _, _ := strings.Cut(c.Text(), "\n\n")
	return strings.Join(strings.Fields(first), " ")
}

// constants lists the values of a string type's constants, in order.
func (s *source) constants(t reflect.Type) ([]string, error) {
	var values []string
	err := s.declarations(t.PkgPath(), token.CONST, func(spec ast.Spec, _ *ast.CommentGroup) {
		vs, ok := spec.(*ast.ValueSpec)
		if !ok {
			return
		}
		if of, ok := vs.Type.(*ast.Ident); !ok || of.Name != t.Name() {
			return
		}
		for _, v := range vs.Values {
			if lit, ok := v.(*ast.BasicLit); ok && lit.Kind == token.STRING {
				if text, err := strconv.Unquote(lit.Value); err == nil {
					values = append(values, text)
				}
			}
		}
	})
	return values, err
}
