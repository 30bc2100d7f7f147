package template

import "strings"

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

// Owners lists the functions that a request could go to. More than one means
// that only the gateway's precedence keeps them apart.
func (t Template) Owners(method, path string) []string {
	var owners []string
	for name, f := range t.Functions {
		for _, r := range f.Routes {
			if r.Serves(method, path) {
				owners = append(owners, name)
				break
			}
		}
	}
	return owners
}
