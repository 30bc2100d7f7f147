package template

import (
	"slices"
	"strings"
)

// Serves reports whether the gateway sends method and path to r, were it the
// only route. {proxy+} takes one segment or more.
func (r Route) Serves(method, path string) bool {
	if r.Method != "ANY" && r.Method != method {
		return false
	}
	if prefix, ok := strings.CutSuffix(r.Path, "{proxy+}"); ok {
		rest, below := strings.CutPrefix(path, prefix)
		return below && rest != ""
	}
	return r.Path == path
}

// Serves reports whether a request could go to f.
func (f Function) Serves(method, path string) bool {
	return slices.ContainsFunc(f.Routes, func(r Route) bool { return r.Serves(method, path) })
}

// Owners lists the functions that a request could go to. More than one means
// that only the gateway's precedence keeps them apart.
func (t Template) Owners(method, path string) []string {
	var owners []string
	for name, f := range t.Functions {
		if f.Serves(method, path) {
			owners = append(owners, name)
		}
	}
	return owners
}
