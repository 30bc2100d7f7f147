// Package archive makes the record that patients take with them: a zip file of pages
// that people read and of JSON that programs read. What is in a record, and who may take
// it, is package request; that it is sent is left to the pages and the JSON API.
package archive

import (
	"archive/zip"
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"html/template"
	"io"
	"sync"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/request"
)

// A Part is one zip file of a record.
type Part struct {
	Zip  []byte
	Name string // of the file
	Next string // the cursor of the next part; empty if this is the last
}

// enough is how many bytes a part has before no further visit is added to it. A visit
// whose texts are as long as may be, and cannot be compressed, adds some three million:
// a reply of Lambda's has at most four and a half million.
const enough = 512 << 10

// Make makes the part of a patient's record from a place on, and records that the caller
// took it. page returns where the part after a cursor is had.
func Make(ctx context.Context, room *request.Room, c clinic.Caller, from request.Place, page func(cursor string) string) (Part, error) {
	w := &writer{now: room.Kernel.Time()}
	w.zip = zip.NewWriter(&w.file)
	rec, next, err := room.Download(ctx, c, from, w.addVisit)
	if err != nil {
		return Part{}, err
	}
	w.Index.Record, w.Index.Made, w.Index.First = rec, rec.Practice.Local(w.now), from.Cursor == ""
	if next != "" {
		w.Index.Next = page(next)
	}
	if err := w.addIndex(); err != nil {
		return Part{}, err
	}
	if err := w.zip.Close(); err != nil {
		return Part{}, err
	}
	return Part{Zip: w.file.Bytes(), Name: "record-" + w.now.Format(time.DateOnly) + ".zip", Next: next}, nil
}

// A writer writes a part.
type writer struct {
	now   time.Time
	file  bytes.Buffer
	zip   *zip.Writer
	Index index
}

// addVisit adds a folder of a visit.
func (w *writer) addVisit(rec request.Record, v request.VisitRecord) (bool, error) {
	shown := showVisit(rec, v)
	folder := "requests/" + shown.ID + "/"
	w.Index.Visits = append(w.Index.Visits, listed{folder, shown.Number, shown.Form.Title, rec.Practice.Local(shown.Started), shown.Status})
	for name, b := range map[string][]byte{"document.json": v.Document, "addendum.json": v.Addendum} {
		if err := w.write(folder+name, b); err != nil {
			return false, err
		}
	}
	if err := w.writeJSON(folder+"request.json", shown); err != nil {
		return false, err
	}
	if err := w.writePage(folder+"request.html", "request.html", newPage(rec, v, shown)); err != nil {
		return false, err
	}
	if err := w.zip.Flush(); err != nil {
		return false, err
	}
	return w.file.Len() >= enough, nil
}

func (w *writer) addIndex() error {
	rec := w.Index.Record
	w.Index.Acts = actsOf(rec, rec.Trail)
	shown := recordJSON{
		Patient: rec.Patient, Name: rec.Contact.Name, Birth: day(rec.Contact.Birth), Sex: rec.Contact.Sex, Email: rec.Contact.Email, Phone: rec.Contact.Phone,
		Practice: rec.Practice.ID, PracticeName: rec.Practice.Name, Made: w.now, Coverages: showCoverages(rec.Coverages), Next: w.Index.Next, Requests: []string{}, Access: showActs(rec, rec.Trail), AccessCut: rec.Cut,
	}
	for _, v := range w.Index.Visits {
		shown.Requests = append(shown.Requests, v.Folder)
	}
	if err := w.writeJSON("record.json", shown); err != nil {
		return err
	}
	return w.writePage("index.html", "index.html", w.Index)
}

// write adds a file; one without content is left out.
func (w *writer) write(name string, content []byte) error {
	if len(content) == 0 {
		return nil
	}
	f, err := w.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate, Modified: w.now})
	if err != nil {
		return err
	}
	_, err = io.Copy(f, bytes.NewReader(content))
	return err
}

func (w *writer) writeJSON(name string, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	return w.write(name, b.Bytes())
}

//go:embed *.html
var files embed.FS

var pages = sync.OnceValues(func() (*template.Template, error) { return template.ParseFS(files, "*.html") })

func (w *writer) writePage(name, page string, data any) error {
	t, err := pages()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, page, data); err != nil {
		return err
	}
	return w.write(name, b.Bytes())
}
