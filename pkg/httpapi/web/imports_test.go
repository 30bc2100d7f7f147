package web_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"evisit/pkg/clinic"
	"evisit/pkg/identity"
)

// choose sends a file as a browser does whose user has chosen it in the page's only field for
// files; an empty name is that none was.
func (b *browser) choose(name string, file []byte) {
	b.t.Helper()
	for _, f := range find(b.page, "form") {
		for _, in := range find(f, "input") {
			if attr(in, "type") != "file" {
				continue
			}
			if attr(f, "enctype") != "multipart/form-data" || attr(f, "method") != "post" {
				b.t.Fatalf("at %s a form with a file is sent as %q", b.at, attr(f, "enctype"))
			}
			var body bytes.Buffer
			form := multipart.NewWriter(&body)
			part, err := form.CreateFormFile(attr(in, "name"), name)
			must(b.t, err)
			_, err = part.Write(file)
			must(b.t, errors.Join(err, form.Close()))
			b.postAs(attr(f, "action"), form.FormDataContentType(), &body)
			return
		}
	}
	b.t.Fatalf("at %s no file can be chosen", b.at)
}

// postAs posts a body of some type to a path.
func (b *browser) postAs(path, contentType string, body *bytes.Buffer) {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.t.Context(), http.MethodPost, b.base+path, body)
	must(b.t, err)
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	b.send(r)
}

func patientsCSV(lines int) string {
	var b strings.Builder
	b.WriteString("name,birth,sex,email,phone\n")
	for n := range lines {
		fmt.Fprintf(&b, "Pat Number%d,19%02d-04-12,f,pat%d@file.example,\n", n, 40+n%50, n)
	}
	return b.String()
}

// imported is how many patients of files oak has that count.
func (h *house) imported(t *testing.T) (n int) {
	t.Helper()
	for cursor := ""; ; {
		page, next, err := h.cast.Patients(t.Context(), clinic.Caller{Person: identity.Person{ID: "adm", Practice: "oak", Role: identity.Admin}}, cursor, 100)
		must(t, err)
		for _, p := range page {
			if p.Came == identity.ByFile {
				n++
			}
		}
		if cursor = next; cursor == "" {
			return n
		}
	}
}

// Staff see what is in a file, put it right, and import it; the same file again imports
// nobody twice.
func TestImport_PreviewedThenImported(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/patients")
	adm.link("Import a file of patients")
	adm.wants(http.StatusOK, "Import patients", "name,birth,sex,email,phone", "at most 1,000 patients and 370 KB")

	wrong := "\ufeffname,birth,email,phone\nÅsa Öberg,1980-01-30,asa@file.example,12\n=cmd(),1990-04-12,a@b.example,\nAnn Lee,12.4.1990,ann@file.example,\n"
	adm.choose("list.csv", []byte(wrong))
	adm.wants(http.StatusOK, "0 lines are patients", "What has to be put right", "Line 2, phone: Write a number", "Line 3, name: A name does not begin with", "Line 4, birth: Write the day of birth as 1990-04-12")
	if strings.Contains(adm.text(), "Åsa") || len(adm.pressable("Import")) > 0 {
		t.Error("a file that is wrong is shown, or can be imported")
	}
	right := "\ufeffname,birth,email,phone\r\nÅsa Öberg,1980-01-30,asa@file.example,\r\n\"Lee, Ann\",1990-04-12,ann@file.example,\r\nLee Ann,1990-04-13,ann@file.example,\r\n"
	before := h.audited(t)
	adm.choose("list.csv", []byte(right))
	adm.wants(http.StatusOK, "3 lines are patients", "Nothing is imported yet", "Line 4: may be the same person as line 3")
	wrote := h.audited(t) - before
	if n := h.imported(t); n != 0 || wrote != 0 {
		t.Errorf("a preview imports %d patients, or writes %d records", n, wrote)
	}
	adm.press("Import 3 patients", nil)
	adm.wants(http.StatusOK, "3 patients of this file were imported", "not matched with the records yet", "Line 4: may be the same person as line 3")
	adm.choose("list.csv", []byte(right))
	adm.wants(http.StatusOK, "3 patients of this file were imported")
	if n := h.imported(t); n != 3 {
		t.Errorf("%d patients are imported, want 3", n)
	}
	adm.link("See the patients")
	adm.wants(http.StatusOK, "Åsa Öberg", "Lee, Ann", "Came by a file")
	adm.link("Import a file of patients")
	adm.choose("more.csv", []byte("name,birth,email\nÖberg Asa,1980-01-30,other@file.example\n"))
	adm.wants(http.StatusOK, "1 line is a patient", "Line 2: may be the patient of this record")
	adm.link("the patient of this record")
	adm.wants(http.StatusOK, "Åsa Öberg")

	for _, who := range []string{"Dr. X", "Ada"} {
		b := h.as(t, who, "/manage/patients/file")
		b.wants(http.StatusForbidden)
		b.post(h.url+"/manage/patients/file/import", url.Values{"bytes": {"bmFtZQ"}})
		b.wants(http.StatusForbidden)
	}
}

// pressable are the buttons whose name begins so.
func (b *browser) pressable(name string) (all []string) {
	for _, n := range find(b.page, "button") {
		if strings.HasPrefix(text(n), name) {
			all = append(all, text(n))
		}
	}
	return all
}

// What is no file of patients is refused where the file is chosen, in words, and nothing
// is written.
func TestImport_RefusedFile(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	adm := h.as(t, "Adm", "/manage/patients/file")
	for name, c := range map[string]struct {
		file string
		code int
		says string
	}{
		"nothing":         {"", http.StatusUnprocessableEntity, "The file is empty"},
		"a spreadsheet":   {"PK\x03\x04abc", http.StatusUnprocessableEntity, "spreadsheet's own file"},
		"UTF-16":          {"\xff\xfen\x00a\x00", http.StatusUnprocessableEntity, "UTF-16"},
		"Latin-1":         {"name,birth,email\n\xc5sa Berg,1980-01-30,a@file.example\n", http.StatusUnprocessableEntity, "Line 2 is not in UTF-8"},
		"bytes":           {"name,birth,email\nA\x00 B,1980-01-30,a@file.example\n", http.StatusUnprocessableEntity, "no text"},
		"a column less":   {"name,birth\nJane Doe,1990-04-12\n", http.StatusUnprocessableEntity, "The column email is missing"},
		"semicolons":      {"name;birth;email\n", http.StatusUnprocessableEntity, "not separated by commas"},
		"an open quote":   {"name,birth,email\n\"Jane,1990-04-12,j@b.example\n", http.StatusUnprocessableEntity, "quotation mark"},
		"a form's end":    {"\r\n--x--\r\n", http.StatusUnprocessableEntity, "The column name is missing"},
		"1,001 patients":  {patientsCSV(1001), http.StatusRequestEntityTooLarge, "more than 1000 patients"},
		"over the limit":  {patientsCSV(1) + strings.Repeat("x", 371<<10), http.StatusRequestEntityTooLarge, "larger than 370 KB"},
		"over all limits": {strings.Repeat("x", 600<<10), http.StatusRequestEntityTooLarge, "larger than 370 KB"},
	} {
		adm.get("/manage/patients/file")
		adm.choose("list.csv", []byte(c.file))
		if got := adm.mistakes("file"); adm.code != c.code || len(got) == 0 || !strings.Contains(strings.Join(got, " "), c.says) {
			t.Errorf("%s: %d, %q", name, adm.code, got)
		}
		if strings.Contains(adm.text(), "sa Berg") || strings.Contains(adm.text(), "Jane Doe") {
			t.Errorf("%s: the page shows what the file says", name)
		}
	}
	adm.choose("", nil)
	if got := adm.mistakes("file"); adm.code != http.StatusUnprocessableEntity || len(got) != 1 || !strings.Contains(got[0], "Choose a file") {
		t.Errorf("no file: %d, %q", adm.code, got)
	}
	for name, c := range map[string]struct{ kind, body string }{
		"no form with a file":  {"application/x-www-form-urlencoded", "file=name"},
		"no boundary":          {"multipart/form-data", "--x\r\n"},
		"no part":              {"multipart/form-data; boundary=x", "--x--\r\n"},
		"cut off":              {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\nname,"},
		"another field's file": {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"other\"; filename=\"a\"\r\n\r\nname\r\n--x--\r\n"},
	} {
		adm.postAs("/manage/patients/file", c.kind, bytes.NewBufferString(c.body))
		if adm.code != http.StatusBadRequest {
			t.Errorf("%s: %d", name, adm.code)
		}
	}
	for _, b := range []string{"", "!", "bmFtZQ="} {
		adm.post(h.url+"/manage/patients/file/import", url.Values{"bytes": {b}})
		adm.wants(http.StatusBadRequest)
	}
	adm.post(h.url+"/manage/patients/file/import", url.Values{"bytes": {"bmFtZSxiaXJ0aA"}}) // name,birth
	adm.wants(http.StatusUnprocessableEntity, "The column email is missing")
	if n := h.imported(t); n != 0 {
		t.Errorf("%d patients are imported", n)
	}
}

// An import that is cut short says how far it has come, then and when the file is chosen
// again, and goes on with one press.
func TestImport_GoesOnAfterItWasCutShort(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	whole := h.rooms.Kernel.Store
	adm := h.as(t, "Adm", "/manage/patients/file")
	file := []byte(patientsCSV(40))
	adm.choose("list.csv", file)
	h.rooms.Kernel.Store = &dying{Store: whole, left: 1}
	adm.press("Import 40 patients", nil)
	adm.wants(http.StatusInternalServerError, "The import was cut short: 16 of 40 patients are stored so far", "begins where it stopped")
	if n := h.imported(t); n != 0 {
		t.Errorf("%d patients count of an import that was cut short", n)
	}
	page, at := adm.page, adm.at
	h.rooms.Kernel.Store = whole
	adm.get("/manage/patients/file")
	adm.choose("list.csv", file)
	adm.wants(http.StatusOK, "An import of this file was cut short: 16 of 40 patients are stored so far")
	adm.press("Go on with the import", nil)
	adm.wants(http.StatusOK, "40 patients of this file were imported")
	adm.page, adm.at = page, at
	adm.press("Go on with the import", nil)
	adm.wants(http.StatusOK, "40 patients of this file were imported")
	if n := h.imported(t); n != 40 {
		t.Errorf("%d patients are imported, want 40", n)
	}
}

// A dying store takes so many batches of an import, and then none.
type dying struct {
	clinic.Store

	left int
}

func (s *dying) Commit(ctx context.Context, c clinic.Commit) error {
	if c.Import != nil {
		if s.left--; s.left < 0 {
			return errors.New("killed")
		}
	}
	return s.Store.Commit(ctx, c)
}
