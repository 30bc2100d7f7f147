package web

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"evisit/pkg/clinic/registrar"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/registry"
)

// importing are the pages by which a practice takes over a file of patients. The file
// comes with the request that shows what is in it, and goes with the page that shows it to
// the one that imports it: nothing of it is stored in between.
func (s *site) importing() []route {
	return []route{
		{"GET " + importAt, s.as(s.importPage)},
		{"POST " + importAt, s.as(s.previewImport)},
		{"POST " + importAt + "/import", s.as(s.importPatients)},
	}
}

const (
	importAt = "/manage/patients/file"
	// fileField has a file as it was chosen, and bytesField its bytes on the page that
	// shows what is in it, in base64 that a form does not make longer.
	fileField, bytesField = "file", "bytes"
	// maxUpload is the longest file of which the page's form is within exchange.MaxBody.
	maxUpload = 370 << 10
	// maxShown bounds the problems, and the possible doubles, that a page lists.
	maxShown = 200
)

type importView struct {
	Complaints []complaint
	File       field
	Seen       *seenFile // what is in the file; nil before one was chosen
}

// A seenFile is what is to be known of a file that was chosen.
type seenFile struct {
	Good     int
	Problems []string
	Doubles  []lineTwins
	More     moreShown
	Bytes    string // to be sent to import it, or to go on; empty if it cannot be
	Written  int    // how many an import has stored so far
	Begun    bool
	CutShort bool   // just now
	Done     string // when it was imported
}

// moreShown are how many problems and doubles are not listed.
type moreShown struct{ Problems, Doubles int }

// lineTwins are who may be the person of a line: records of the practice, and earlier lines.
type lineTwins struct {
	Line     int
	Patients []string
	Lines    []int
}

func newFileField() field {
	return field{
		ID: fileField, Name: fileField, Label: "The file", Required: true,
		Help: []string{fmt.Sprintf("CSV in UTF-8, with at most %s patients and %d KB. Import a longer list in parts.", thousands(registry.MaxLines), maxUpload>>10)},
	}
}

// thousands writes a number of up to six digits with a comma.
func thousands(n int) string {
	if n < 1000 {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// importPage asks for a file.
func (s *site) importPage(w http.ResponseWriter, r *http.Request, v visitor) error {
	if _, err := s.Registrar.ImportOf(r.Context(), v.Caller, nil); err != nil { // who may not import is refused here
		return err
	}
	return s.showImport(w, v, importView{File: newFileField()}, http.StatusOK)
}

func (s *site) showImport(w http.ResponseWriter, v visitor, view importView, code int) error {
	view.Complaints = append(view.Complaints, complaints([]field{view.File})...)
	title := "Import patients"
	if view.Seen != nil && view.Seen.Done != "" {
		title = "Patients imported"
	}
	return s.show(w, &v, page{view: "import", title: errorTitle(title, view.Complaints), data: view, code: code})
}

// previewImport shows what an import of the file that was chosen would do.
func (s *site) previewImport(w http.ResponseWriter, r *http.Request, v visitor) error {
	file, err := uploaded(r, fileField, maxUpload)
	if err != nil {
		return s.refusedFile(w, v, err)
	}
	seen, err := s.lookAt(r.Context(), v, file)
	if err != nil {
		return s.refusedFile(w, v, err)
	}
	return s.showImport(w, v, importView{File: newFileField(), Seen: &seen}, http.StatusOK)
}

// refusedFile shows the page again with what is wrong with a file as a whole, beside where it
// is chosen. An err that is not about the file is returned.
func (s *site) refusedFile(w http.ResponseWriter, v visitor, err error) error {
	f, ok := fault.Public(err)
	if !ok || f.Kind != fault.Invalid && f.Kind != fault.TooLarge {
		return err
	}
	view := importView{File: newFileField()}
	for _, p := range f.Problems {
		view.File.Errors = append(view.File.Errors, placed(p))
	}
	if len(f.Problems) == 0 {
		view.File.Errors = []string{sentence(f.Text)}
	}
	return s.showImport(w, v, view, exchange.Status(err))
}

// placed says what is wrong with a file, and where if that is a line or a column.
func placed(p fault.Problem) string {
	if p.Where == fileField {
		return sentence(p.Text)
	}
	return capital(p.Where) + ": " + p.Text
}

// lookAt says what is in a file, and how far an import of it has come.
func (s *site) lookAt(ctx context.Context, v visitor, file []byte) (seenFile, error) {
	found, err := s.Registrar.PreviewPatients(ctx, v.Caller, file)
	if err != nil {
		return seenFile{}, err
	}
	i, err := s.Registrar.ImportOf(ctx, v.Caller, file)
	if err != nil {
		return seenFile{}, err
	}
	seen := seenFile{Good: len(found.Lines)}
	for _, p := range found.Problems[:min(len(found.Problems), maxShown)] {
		seen.Problems = append(seen.Problems, placed(p))
	}
	seen.More.Problems = len(found.Problems) - len(seen.Problems)
	if found.Importable() == nil {
		seen.Bytes = base64.RawURLEncoding.EncodeToString(file)
	}
	seen.setDoubles(found.Doubles)
	seen.setImport(v, i)
	return seen, nil
}

func (seen *seenFile) setDoubles(all []registrar.LineDouble) {
	for _, d := range all[:min(len(all), maxShown)] {
		seen.Doubles = append(seen.Doubles, lineTwins(d))
	}
	seen.More.Doubles = len(all) - len(seen.Doubles)
}

func (seen *seenFile) setImport(v visitor, i registry.Import) {
	seen.Begun, seen.Written = i.ID != "", i.Written
	if !i.Done.IsZero() {
		seen.Done, seen.Bytes = v.practice.Local(i.Done), ""
	}
}

// importPatients imports the file that was shown, or goes on with it. If it is cut short,
// the page says how far it has come.
func (s *site) importPatients(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	file, err := base64.RawURLEncoding.DecodeString(values.Get(bytesField))
	if err != nil || len(file) == 0 {
		return errNotAForm
	}
	i, doubles, err := s.Registrar.ImportPatients(r.Context(), v.Caller, "", file)
	code := http.StatusOK
	switch {
	case err == nil:
	case i.ID == "", errors.Is(err, context.Canceled):
		return s.refusedFile(w, v, err)
	default:
		code = s.logFailure(r, err)
	}
	seen := seenFile{Good: i.Lines, Bytes: values.Get(bytesField), CutShort: err != nil}
	seen.setDoubles(doubles)
	seen.setImport(v, i)
	view := importView{File: newFileField(), Seen: &seen}
	if err != nil {
		view.Complaints = aboutPage(fmt.Sprintf("The import was cut short: %d of %d patients are stored so far.", i.Written, i.Lines))
	}
	return s.showImport(w, v, view, code)
}

// maxParts bounds the parts of a posted form with a file. Our pages send one.
const maxParts = 4

// uploaded reads the file that was chosen in a field of a posted form. One of more than most
// bytes is fault.TooLarge, and none fault.Invalid.
func uploaded(r *http.Request, field string, most int64) ([]byte, error) {
	large := fault.New(fault.TooLarge, "too_large", fmt.Sprintf("this file is larger than %d KB; import it in parts", most>>10))
	parts, err := r.MultipartReader()
	if err != nil || r.Header.Get("Content-Encoding") != "" {
		return nil, errNotAForm
	}
	for range maxParts {
		part, err := parts.NextRawPart()
		if err == nil && part.FormName() != field {
			continue
		}
		var file []byte
		if err == nil {
			file, err = io.ReadAll(io.LimitReader(part, most+1))
		}
		_, over := errors.AsType[*http.MaxBytesError](err)
		switch {
		case over, int64(len(file)) > most:
			return nil, large
		case err != nil:
			return nil, errNotAForm
		case len(file) == 0 && part.FileName() == "":
			return nil, fault.New(fault.Invalid, "invalid_file", "choose a file")
		}
		return file, nil
	}
	return nil, errNotAForm
}
