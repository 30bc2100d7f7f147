package httpapi_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
)

// archive reads the files of a part of Jane's record, and where the next part is.
func (w *world) archive(t testing.TB, path string) (files map[string]string, next string) {
	t.Helper()
	res := send(t, w.api, call{as: "jane-smith", method: "GET", path: path})
	if res.Code != http.StatusOK || res.Header().Get("Content-Type") != "application/zip" {
		t.Fatalf("%s: %d %s", path, res.Code, res.Header().Get("Content-Type"))
	}
	r, err := zip.NewReader(bytes.NewReader(res.Body.Bytes()), int64(res.Body.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files = map[string]string{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(rc)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(b)
	}
	if m := regexp.MustCompile(`<(.*)>; rel="next"`).FindStringSubmatch(res.Header().Get("Link")); m != nil {
		next = m[1]
	}
	return files, next
}

// The record holds what the patient is shown and no colleague's note, in pages that people
// read and JSON that programs read; documents are the bytes whose hashes were committed.
func TestRecord_HoldsAllOfIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v, handed := w.closed(t), w.queued(t)
	const note = "She is my neighbour."
	for _, c := range []call{
		{as: "ana-rivera", method: "POST", path: "/visits/" + handed.ID + "/take"},
		{as: "ana-rivera", method: "POST", path: "/visits/" + handed.ID + "/hand-over", body: map[string]any{"to": "ben-chen", "text": note}},
		{as: "ben-chen", method: "POST", path: "/visits/" + handed.ID + "/ask", body: map[string]any{"text": "Since <when>?"}},
	} {
		w.do(t, c, nil)
	}
	card := map[string]any{
		"plan": "Northwest Health", "member_id": "W1234", "relation": "child", "priority": 2, "from": "2026-01-01",
		"subscriber": map[string]string{"first_name": "Rosa", "last_name": "Smith", "birth_date": "1960-10-03"},
	}
	w.do(t, call{as: "jane-smith", method: "POST", path: "/patients/jane-smith/coverages", body: card}, nil)
	files, next := w.archive(t, "/me/record")
	if next != "" {
		t.Errorf("there is more at %s", next)
	}
	at, other := "requests/"+v.ID+"/", "requests/"+handed.ID+"/"
	var names []string
	for name, content := range files {
		names = append(names, name)
		if strings.Contains(content, note) {
			t.Errorf("%s has a colleague's note", name)
		}
	}
	slices.Sort(names)
	want := []string{"index.html", "record.json", at + "addendum.json", at + "document.json", at + "request.html", at + "request.json", other + "request.html", other + "request.json"}
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("the files are %v, want %v", names, want)
	}
	for name, texts := range map[string][]string{
		"index.html":           {"Jane Smith", "12 April 1985", "Lakeside", at + "request.html", other + "request.html", "164.524", "Northwest Health", "W1234", "Rosa Smith", "from 2026-01-01", "not compared with its card yet"},
		at + "request.html":    {"a simple bladder infection", "Ana Rivera, MD", "took the request", "Taken by Ana Rivera, MD", "Answered and closed", "$40.00 charged", "N30.00"},
		other + "request.html": {"Since &lt;when&gt;?", "Ben Chen, MD", "handed the request over to a colleague"},
		other + "request.json": {`"Since <when>?"`, `"action": "visit.hand_over:in_review"`},
		"record.json":          {`"name": "Jane Smith"`, `"plan": "Northwest Health"`, `"member_id": "W1234"`, `"last_name": "Smith"`, `"priority": 2`, `"requests/` + v.ID + `/"`},
		at + "document.json":   {"a simple bladder infection"},
		at + "request.json":    {`"receipt"`, `"resourceType": "QuestionnaireResponse"`},
	} {
		for _, text := range texts {
			if !strings.Contains(files[name], text) {
				t.Errorf("%s does not say %q:\n%.3000s", name, text, files[name])
			}
		}
	}
	var shown struct {
		Hash string `json:"document_sha256"`
	}
	if err := json.Unmarshal([]byte(files[at+"request.json"]), &shown); err != nil {
		t.Fatal(err)
	}
	if sum := sha256.Sum256([]byte(files[at+"document.json"])); shown.Hash == "" || shown.Hash != hex.EncodeToString(sum[:]) {
		t.Errorf("the document's hash is %x, the request names %q", sum, shown.Hash)
	}
}

// A list of who did what that is longer than a file has says that it is cut, for a request
// and for what is about none.
func TestRecord_SaysWhatIsCut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.closed(t)
	cut := "What was before is not listed here"
	said := func() (beside, request bool) {
		files, _ := w.archive(t, "/me/record")
		at := "requests/" + v.ID + "/request"
		beside, request = strings.Contains(files["index.html"], cut), strings.Contains(files[at+".html"], cut)
		if beside != strings.Contains(files["record.json"], `"access_cut": true`) || request != strings.Contains(files[at+".json"], `"access_cut": true`) {
			t.Errorf("the pages say that a list is cut, %t and %t, and the JSON says otherwise", beside, request)
		}
		return beside, request
	}
	if beside, request := said(); beside || request {
		t.Errorf("short lists are cut: %t, %t", beside, request)
	}
	const acts, atOnce = 2001, 87 // how many reads, and how many one transaction takes
	for of, r := range map[string]audit.Record{
		"beside":  {Action: "patient.read", Patient: "jane-smith"},
		"request": {Action: "visit.read", Visit: v.ID},
	} {
		r.Practice, r.At, r.Actor = "lakeside", w.now(), audit.Actor{ID: "sam-lee", Role: "staff"}
		for n := 0; n < acts; n += atOnce {
			var c clinic.Commit
			for i := range atOnce {
				r.ID = fmt.Sprintf("%s-%d", of, n+i)
				c.Audit = append(c.Audit, r)
			}
			if err := w.store.Commit(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
	}
	if beside, request := said(); !beside || !request {
		t.Errorf("long lists are cut and it is said: %t of what is about no request, %t of a request", beside, request)
	}
}

// A long record comes in parts by visit, each of which says where the next is; the parts
// together have every visit once.
func TestRecord_InParts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := map[string]bool{}
	for range 5 {
		want[w.draft(t).ID] = true
	}
	for path, parts := "/me/record?limit=2", 0; path != ""; parts++ {
		files, next := w.archive(t, path)
		if said := strings.Contains(files["index.html"], "This is a part of the record"); said != (next != "") {
			t.Errorf("part %d says that there is more, %t", parts, said)
		}
		if strings.Contains(files["index.html"], "Who saw or did what") != (parts == 0) {
			t.Errorf("part %d: the access list is in the first alone", parts)
		}
		for id := range want {
			if files["requests/"+id+"/request.json"] != "" {
				delete(want, id)
			}
		}
		if parts > 3 {
			t.Fatal("the record never ends")
		}
		path = next
	}
	if len(want) > 0 {
		t.Errorf("no part has %v", want)
	}
}

// However long what is in a record, and however badly it can be compressed, a part is
// within what a reply of Lambda may have.
func TestRecord_PartsFitAReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	noise := func(n, seed int) string { // letters that compress to three quarters at best
		var b strings.Builder
		for i := 0; b.Len() < n; i++ {
			sum := sha256.Sum256([]byte(fmt.Sprint(seed, i)))
			b.WriteString(hex.EncodeToString(sum[:])[:32])
			fmt.Fprintf(&b, "%c", rune(0x4e00+int(sum[0])*64+int(sum[1])%64))
		}
		return string([]rune(b.String())[:n/2])
	}
	for n := range 3 {
		v := w.queued(t)
		at := "/visits/" + v.ID
		w.do(t, call{as: "ana-rivera", method: "POST", path: at + "/take"}, nil)
		for m := range 5 {
			w.do(t, call{as: "ana-rivera", method: "POST", path: at + "/ask", body: map[string]any{"text": noise(7900, 100*n+m)}}, nil)
			w.do(t, call{as: "jane-smith", method: "POST", path: at + "/messages", body: map[string]any{"text": noise(7900, 100*n+50+m)}}, nil)
		}
		said := conclusion()
		said["reply"] = noise(7900, 100*n+99)
		w.do(t, call{as: "ana-rivera", method: "POST", path: at + "/answer", body: said}, nil)
	}
	for path, parts := "/me/record", 0; path != ""; parts++ {
		if n := w.asLambda(t, call{as: "jane-smith", method: "GET", path: path}); n > mostOfLambda || n < 1000 {
			t.Errorf("part %d has %d bytes", parts, n)
		}
		_, path = w.archive(t, path)
	}
}

// The access list says in words who did what, newest first, page by page.
func TestAccess_InWords(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.closed(t)
	var words []string
	for path := "/me/access?limit=3"; path != ""; {
		var page struct {
			Records []struct{ Words, Visit, Actor string }
			Next    string
		}
		w.do(t, call{as: "jane-smith", method: "GET", path: path}, &page)
		for _, r := range page.Records {
			if r.Visit != v.ID && r.Visit != "" {
				t.Errorf("a record of visit %s", r.Visit)
			}
			words = append(words, r.Words)
		}
		if path = ""; page.Next != "" {
			path = "/me/access?limit=3&cursor=" + page.Next
		}
	}
	all := strings.Join(words, "\n")
	for _, want := range []string{"Ana Rivera, MD, clinician: took the request", "Ana Rivera, MD, clinician: answered", "You: accepted the fee and sent the request", "The system: charged the card"} {
		if !strings.Contains(all, want) {
			t.Errorf("the list does not say %q:\n%s", want, all)
		}
	}
}
