package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"evisit/infra/template"
)

// secrets checks that each function may read what its code reads and nothing else, and
// that every secret is told of where it has to be made.
func (c *check) secrets() error {
	known, err := c.secretNames()
	if err != nil {
		return err
	}
	readBySome := map[string]bool{}
	for _, name := range c.names() {
		reads, err := c.secretsOf("setup/"+name, known, map[string]bool{})
		if err != nil {
			return err
		}
		for _, secret := range slices.Sorted(maps.Values(known)) {
			may := c.tpl.Functions[name].May("secretsmanager:GetSecretValue", template.SecretARN(secret), nil)
			switch {
			case reads[secret] && !may:
				c.problem("%s reads the secret %s, which its role does not allow", name, secret)
			case may && !reads[secret]:
				c.problem("the role of %s may read the secret %s, which it does not read", name, secret)
			}
			readBySome[secret] = readBySome[secret] || reads[secret]
		}
	}
	named := map[string]string{"template.yaml": c.text, deployDoc: c.docs[deployDoc]}
	for _, file := range slices.Sorted(maps.Keys(named)) {
		told := map[string]bool{}
		for _, m := range regexp.MustCompile(`evisit/(?:STAGE|\$STAGE|\$\{Stage\})/([a-z]+)`).FindAllStringSubmatch(named[file], -1) {
			told[m[1]] = true
		}
		for _, secret := range slices.Sorted(maps.Keys(told)) {
			if !readBySome[secret] {
				c.problem("%s names the secret %s, which no function reads", file, secret)
			}
		}
		for _, secret := range slices.Sorted(maps.Keys(readBySome)) {
			if !told[secret] {
				c.problem("%s does not tell of the secret %s", file, secret)
			}
		}
	}
	return nil
}

// secretNames reads the names of all secrets, by constant of package secret.
func (c *check) secretNames() (map[string]string, error) {
	names := map[string]string{}
	f, err := parser.ParseFile(token.NewFileSet(), filepath.Join(c.root, "pkg/secret/secret.go"), nil, 0)
	if err != nil {
		return nil, err
	}
	for _, d := range f.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.CONST && g.Lparen.IsValid() {
			for _, s := range g.Specs {
				v, _ := s.(*ast.ValueSpec)
				if lit, ok := v.Values[0].(*ast.BasicLit); ok {
					if names[v.Names[0].Name], err = strconv.Unquote(lit.Value); err != nil {
						return nil, err
					}
				}
			}
		}
	}
	return names, nil
}

// secretsOf lists the secrets that a package below pkg keeps, or one of its own that it
// is composed of.
func (c *check) secretsOf(pkg string, known map[string]string, seen map[string]bool) (map[string]bool, error) {
	reads := map[string]bool{}
	if seen[pkg] {
		return reads, nil
	}
	seen[pkg] = true
	files, err := filepath.Glob(filepath.Join(c.root, "pkg", pkg, "*.go"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			return nil, err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := keptIn(n); ok {
				reads[known[s]] = true
			}
			return true
		})
		for _, i := range f.Imports {
			path, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return nil, err
			}
			if below, ours := strings.CutPrefix(path, "evisit/pkg/setup/"); ours {
				more, err := c.secretsOf("setup/"+below, known, seen)
				if err != nil {
					return nil, err
				}
				maps.Copy(reads, more)
			}
		}
	}
	return reads, nil
}

// keptIn returns X of a call secrets.Kept(p, secret.X, …).
func keptIn(n ast.Node) (string, bool) {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) != 3 {
		return "", false
	}
	of, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || of.Sel.Name != "Kept" {
		return "", false
	}
	name, ok := call.Args[1].(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	return name.Sel.Name, true
}
