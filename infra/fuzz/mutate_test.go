package fuzz

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"evisit/pkg/httpapi"
)

var methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"}

// words are texts that programs have stumbled over.
func (w *world) word() string {
	return oneOf(w,
		"", " ", "null", "0", "-1", "true", "undefined", "NaN", "../../etc/passwd", "%00", "\x00", "a\x00b", "\xff\xfe", "\xc3\x28", "\ud7ff\U0010ffff",
		"'; DROP TABLE visits; --", "<img src=x onerror=alert(1)>", "{{.}}", "${jndi:ldap://x}", "CASE#1", "PRACTICE#lakeside", "AUDIT#harbor",
		"hana-kim", "harbor", "pi_1", "evt_1", strings.Repeat("a", 129), strings.Repeat("ä", 9_000), strings.Repeat("9", 400), "\u202e\u200b", "\r\nX: y",
		"2026-02-30", "0000-00-00", "9999-12-31T23:59:60Z", "1e999", "-0", "0x10", "١٢٣",
	)
}

// mutate makes one to three things of a request wrong, or strange.
func (w *world) mutate(a *ask, e *httpapi.Endpoint) {
	for range 1 + w.IntN(3) {
		switch n := w.IntN(14); {
		case n < 5 && a.body != nil:
			a.body = w.mutatedBody(a)
		case n < 6:
			a.body = oneOf(w, []byte("{}"), []byte("null"), []byte(`{"text":"a"}`), []byte("\xef\xbb\xbf{}"), []byte("[]"), []byte(`"x"`))
		case n < 8:
			a.target = w.mutatedTarget(a.target)
		case n < 9:
			a.method = oneOf(w, methods...)
		case n < 10:
			w.forgesToken(a, e)
		default:
			w.mutateHeader(a.header, a.visit)
		}
	}
}

// forgesToken has the request come from nobody.
func (w *world) forgesToken(a *ask, e *httpapi.Endpoint) {
	if e.Who == httpapi.Anyone || e.Who == httpapi.Signature || w.IntN(2) == 0 {
		return
	}
	a.who = nil
	a.header.Set("Authorization", oneOf(w, "Bearer ", "Bearer", "Basic amFuZTpqYW5l", "Negotiate", "bearer  ")+w.mangled())
}

// mangled is a token that is none, or no longer whole.
func (w *world) mangled() string {
	t := w.people[w.IntN(len(w.people))].Token
	head, rest, _ := strings.Cut(t, ".")
	claims, signature, _ := strings.Cut(rest, ".")
	switch w.IntN(8) {
	case 0:
		return t[:w.IntN(len(t)-1)]
	case 1:
		return head + "." + claims + "." + signature[1:] + "A"
	case 2:
		return "eyJhbGciOiJub25lIn0." + claims + "."
	case 3:
		return head + "." + strings.ToUpper(claims) + "." + signature
	case 4:
		return strings.Repeat("a", 9_000)
	case 5:
		return t + " " + t
	case 6:
		return "\xff" + t
	}
	return "nobody"
}

var headerValues = map[string][]string{
	"Content-Type": {
		"", "application/json; charset=utf-16", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/fhir+json",
		"APPLICATION/JSON", "application/json;", "application/json, text/html", "\xff", "application/merge-patch+json",
	},
	"If-Match":                  {"*", `W/"1"`, `"1", "2"`, `"0"`, "1", `"-1"`, `"99999999999999999999"`, `"x"`, "\xff", `"`},
	"If-None-Match":             {"*", `"x"`, `W/"x", "y"`, "\xff"},
	"Idempotency-Key":           {"", " ", "k", "ключ", "\xff\xfe", "key#1", "a\tb"},
	"Accept":                    {"", "*/*", "text/html", "application/json", "application/xml", "image/png;q=0.1", "\xff", "text/html, application/json"},
	"Range":                     {"bytes=0-10", "bytes=-1", "bytes=5-2", "items=0-5"},
	"X-Forwarded-For":           {"1.2.3.4", "1.2.3.4, 5.6.7.8", "\xff", "::1", "' OR 1=1"},
	"Cookie":                    {"evisit=x", "evisit=", "evisit=\xff", "a=b; evisit=x; evisit=y", "evisit-sign-in=e30", "evisit-sign-in=!!"},
	"Origin":                    {"https://evil.example", "null", "http://127.0.0.1"},
	"Sec-Fetch-Site":            {"cross-site", "same-site", "none", "x"},
	"Content-Encoding":          {"gzip", "br", "identity", "x"},
	"Accept-Encoding":           {"gzip", "identity;q=0", "*;q=0"},
	"X-Http-Method-Override":    {"DELETE", "GET"},
	"X-Origin-Verify":           {"x", ""},
	"Cloudfront-Viewer-Address": {"1.2.3.4:5", "x"},
	"Accept-Language":           {"de", "*", "\xff"},
	"User-Agent":                {"", "\xff", "MARK"},
	"Expect":                    {"100-continue"},
	"X-Amzn-Trace-Id":           {"Root=1-x"},
	"Forwarded":                 {"for=1.2.3.4;host=evil.example"},
	"X-Forwarded-Host":          {"evil.example"},
}

func (w *world) mutateHeader(h http.Header, v *visit) {
	names := slices.Sorted(maps.Keys(headerValues))
	name := names[w.IntN(len(names))]
	value := oneOf(w, headerValues[name]...)
	switch {
	case name == "If-Match" && v != nil && w.IntN(3) > 0:
		value = fmt.Sprintf("%q", fmt.Sprint(v.Version-1))
	case name == "Idempotency-Key" && w.IntN(2) == 0:
		value = oneOf(w, strings.Repeat("k", 200), strings.Repeat("k", 201), strings.Repeat("ä", 100), "key-1", "key-2")
	case w.IntN(30) == 0 && name != "Expect": // of which net/http itself refuses what it does not know
		value = strings.Repeat("a", 7_000)
	}
	if w.IntN(12) == 0 {
		h.Add(name, value) // given twice
		return
	}
	h.Set(name, value)
}

// mutatedTarget changes a part of a path, or adds a parameter.
func (w *world) mutatedTarget(target string) string {
	path, query, _ := strings.Cut(target, "?")
	switch w.IntN(5) {
	case 0, 1:
		name := oneOf(w, "cursor", "limit", "patient", "after", "sex", "birth_date", "x", "", "LIMIT", "limit[]")
		more := url.QueryEscape(name) + "=" + url.QueryEscape(oneOf(w, w.word(), w.word(), "1", "100", "101"))
		more = oneOf(w, more, more, more+"&"+more, "%zz", ";", "a;b=c", more+"&")
		if query == "" {
			return path + "?" + more
		}
		return path + "?" + query + "&" + more
	case 2:
		return oneOf(w, path+"/", "/"+path, path+"//", strings.ToUpper(path), path+"/..", path+"%2f", path+";x=y", path+".json", "//evil.example"+path, path+"?"+query)
	}
	parts := strings.Split(path, "/")
	parts[1+w.IntN(len(parts)-1)] = url.PathEscape(oneOf(w, w.word(), w.word(), "..", ".", "%2e%2e"))
	return strings.Join(parts, "/")
}

// mutatedBody changes a JSON body: what it says, or how it is written.
func (w *world) mutatedBody(a *ask) []byte {
	b := a.body
	if w.IntN(3) > 0 {
		var v any
		d := json.NewDecoder(bytes.NewReader(b))
		d.UseNumber()
		if d.Decode(&v) == nil {
			return encoded(w.mutatedValue(v))
		}
	}
	switch w.IntN(12) {
	case 0:
		return b[:w.IntN(len(b)+1)]
	case 1:
		return append(slices.Clone(b), oneOf(w, "{}", "x", "\x00", " ", ",", "]")...)
	case 2: // a member given twice
		return bytes.Replace(b, []byte("{"), []byte(`{"text":"b",`), 1)
	case 3:
		return bytes.Replace(b, []byte(`":"`), []byte(`":"`+oneOf(w, `\u0000`, `\ud800`, `\udc00\ud800`, "\xff", "\x01", `\x`)), 1+w.IntN(3))
	case 4:
		return []byte(strings.Repeat(oneOf(w, "[", `{"a":`), 1+w.IntN(100_000)))
	case 5:
		return slices.Concat([]byte(`{"text":"`), bytes.Repeat([]byte("a"), oneOf(w, 8_001, 400_000, 512<<10, 600_000)), []byte(`"}`))
	case 6:
		a.header.Set("Content-Encoding", "gzip")
		var z bytes.Buffer
		g := gzip.NewWriter(&z)
		_, _ = g.Write(b)
		_ = g.Close()
		return z.Bytes()
	case 7:
		a.header.Set("Content-Type", "application/x-www-form-urlencoded")
		return []byte(url.Values{"text": {"a"}, "form": {"uti-women"}, "x": {string(b)}}.Encode())
	case 8, 9:
		return w.mutatedByte(b)
	case 10:
		return slices.Concat([]byte("\xef\xbb\xbf"), b)
	}
	return bytes.ToUpper(b)
}

// mutatedByte has one byte more, or another. An address stays in .example: mail to
// another place could be mail to somebody.
func (w *world) mutatedByte(b []byte) []byte {
	at := w.IntN(len(b) + 1)
	after := b[at:]
	if at < len(b) && w.IntN(2) == 0 {
		after = b[at+1:]
	}
	changed := slices.Concat(b[:at], []byte{byte(w.IntN(256))}, after)
	if domain := []byte(".example"); bytes.Count(changed, domain) < bytes.Count(b, domain) {
		return b
	}
	return changed
}

// mutatedValue changes one value somewhere in v.
func (w *world) mutatedValue(v any) any {
	switch v := v.(type) {
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		if len(keys) == 0 || w.IntN(4) == 0 {
			v[oneOf(w, "x", "text", "Text", "", "__proto__", "patient", "version", w.word())] = w.anyValue()
			return v
		}
		k := keys[w.IntN(len(keys))]
		switch w.IntN(5) {
		case 0:
			delete(v, k)
		case 1:
			v[strings.ToUpper(k)] = v[k]
			delete(v, k)
		default:
			v[k] = w.mutatedValue(v[k])
		}
		return v
	case []any:
		if len(v) == 0 || w.IntN(4) == 0 {
			return append(v, w.anyValue())
		}
		i := w.IntN(len(v))
		if w.IntN(5) == 0 {
			return append(v, v[i]) // twice
		}
		v[i] = w.mutatedValue(v[i])
		return v
	}
	return w.anyValue()
}

func (w *world) anyValue() any {
	return oneOf[any](w,
		nil, true, false, "", "x", w.word(), w.word(), 0, -1, 1.5, json.Number("1e999"), json.Number("-0"), json.Number("99999999999999999999"), []any{},
		map[string]any{}, []any{nil}, map[string]any{"a": map[string]any{"b": []any{1}}}, strings.Repeat("ä", 8_001), make([]int, 3_000),
	)
}

// mutatePage makes something of a page's request wrong.
func (w *world) mutatePage(a *ask) {
	switch w.IntN(6) {
	case 0:
		a.target = w.mutatedTarget(a.target)
	case 1:
		a.method = oneOf(w, methods...)
	case 2, 3:
		w.mutateForm(a)
	default:
		cookie := a.header.Get("Cookie")
		w.mutateHeader(a.header, a.visit)
		if a.header.Get("Cookie") != cookie {
			a.who = nil
		}
	}
}

func (w *world) mutateForm(a *ask) {
	fields, err := url.ParseQuery(string(a.body))
	if err != nil {
		return
	}
	names := append(slices.Sorted(maps.Keys(fields)), "x", "shown", "rows:rx", "rows:bp", "add", "text", "quote", "reason", "version")
	name := names[w.IntN(len(names))]
	switch w.IntN(7) {
	case 0:
		fields.Del(name)
	case 1:
		fields.Add(name, w.word())
	case 2:
		for range 4_000 {
			fields.Add("shown", "x")
		}
	case 3:
		a.body = oneOf(w, []byte("%zz"), []byte("a=%"), []byte(";"), []byte("\x00"), bytes.Repeat([]byte("a"), 600_000), []byte("a&a&a"), encoded(fields))
		return
	default:
		fields.Set(name, w.word())
	}
	a.body = []byte(fields.Encode())
}
