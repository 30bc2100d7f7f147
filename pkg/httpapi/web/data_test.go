package web_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A patient finds who has seen their data, and a copy of all of it, from the navigation; who
// acts for them finds theirs.
func TestMyData_AccessAndCopy(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	ada := h.as(t, "Ada", "/my")
	id, _ := h.sent(t, ada)
	drx := h.as(t, "Dr. X", "/desk/visits/"+id)
	drx.press("Take this visit", nil)
	ada.get("/my")
	ada.link("My data")
	ada.wants(http.StatusOK, "Who has seen it", "A copy to keep")
	ada.link("Show who has seen it")
	ada.wants(http.StatusOK, "Xenia Xu, MD", "took the request", "You", "sent the request", "Request ")
	ada.link("My data")
	for _, a := range find(ada.page, "a") {
		if strings.HasPrefix(text(a), "Download the record") {
			files := ada.file(attr(a, "href"))
			if !strings.Contains(files["index.html"], "Ada Adams") || !strings.Contains(files["requests/"+id+"/request.html"], "Taken by Xenia Xu, MD") {
				t.Errorf("the record has %d files: %s", len(files), files["index.html"])
			}
		}
	}
	ada.get("/my/data/access")
	ada.wants(http.StatusOK, "took a copy of the whole record", "took a copy of the request")

	cal := h.as(t, "Cal", "/my/data")
	cal.wants(http.StatusOK, "Ada Adams", "Download the record")
	cal.link("Show who has seen it")
	cal.wants(http.StatusOK, "Ada Adams, patient", "Xenia Xu, MD")
	for _, path := range []string{"/my/data/access?of=p-ada", "/my/data/record?of=p-ada"} {
		bea := h.as(t, "Bea", path)
		bea.wants(http.StatusNotFound)
	}
	drx.get("/my/data")
	drx.wants(http.StatusForbidden)
	drx.get("/my/data/record?of=p-ada")
	drx.wants(http.StatusNotFound)
}

// saves downloads a file whose name begins so.
func (b *browser) saves(path, name string) []byte {
	b.t.Helper()
	res, err := b.client.Get(b.base + path)
	if err != nil {
		b.t.Fatal(err)
	}
	body, err := io.ReadAll(res.Body)
	said := res.Header.Get("Content-Disposition")
	if err = errors.Join(err, res.Body.Close()); err != nil || res.StatusCode != http.StatusOK || !strings.HasPrefix(said, `attachment; filename="`+name) || len(body) == 0 {
		b.t.Fatalf("%s: %d %s, %d bytes, %v", path, res.StatusCode, said, len(body), err)
	}
	return body
}

// file downloads a zip file and returns its files.
func (b *browser) file(path string) map[string]string {
	b.t.Helper()
	body := b.saves(path, "record-2026-")
	r, err := zip.NewReader(bytes.NewReader(body), int64(len(body)))
	if err != nil {
		b.t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range r.File {
		rc, err := f.Open()
		if err != nil {
			b.t.Fatal(err)
		}
		content, err := io.ReadAll(rc)
		if err != nil {
			b.t.Fatal(err)
		}
		files[f.Name] = string(content)
	}
	return files
}
