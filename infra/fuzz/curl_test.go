package fuzz

import (
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
)

// mostInline is the longest body that a curl carries itself; a longer one is in a
// file.
const mostInline = 4_000

// curl is the request as a shell would send it.
func (a ask) curl(base string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "curl -sS --path-as-is -X %s", a.method)
	for _, name := range slices.Sorted(maps.Keys(a.header)) {
		for _, v := range a.header[name] {
			if a.who != nil && v == "Bearer "+a.who.Token {
				fmt.Fprintf(&b, ` -H "Authorization: Bearer $(make seed | jq -r '.people[] | select(.id == "%s").token')"`, a.who.ID)
				continue
			}
			fmt.Fprintf(&b, " -H %s", quoted(name+": "+v))
		}
	}
	switch {
	case len(a.body) > mostInline, bytes.ContainsRune(a.body, 0): // no shell passes a NUL
		f, err := os.CreateTemp("", "evisit-fuzz-*")
		if err == nil {
			_, err = f.Write(a.body)
			_ = f.Close()
			fmt.Fprintf(&b, " --data-binary @%s", f.Name())
		}
		if err != nil {
			fmt.Fprintf(&b, " # with %d bytes that could not be kept: %v", len(a.body), err)
		}
	case len(a.body) > 0:
		fmt.Fprintf(&b, " --data-binary %s", quoted(string(a.body)))
	}
	fmt.Fprintf(&b, " %s", quoted(base+a.target))
	return b.String()
}

// quoted is a word of bash, whatever bytes it has.
func quoted(s string) string {
	var b strings.Builder
	b.WriteString("$'")
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\'' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < ' ' || c > '~':
			fmt.Fprintf(&b, `\x%02x`, c)
		default:
			b.WriteByte(c)
		}
	}
	return b.String() + "'"
}

func TestCurl_IsTheRequest(t *testing.T) {
	t.Parallel()
	a := ask{method: "POST", target: "/visits?x=%00", header: http.Header{"If-Match": {`"1"`}}, body: []byte("{'\\\xff}")}
	const want = `curl -sS --path-as-is -X POST -H $'If-Match: "1"' --data-binary $'{\'\\\xff}' $'http://h/visits?x=%00'`
	if got := a.curl("http://h"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
