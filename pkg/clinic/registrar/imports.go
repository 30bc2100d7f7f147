package registrar

import (
	"context"
	"errors"
	"regexp"
	"slices"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/registry"
)

// A Finding is what is to be known of a file of patients, by line.
type Finding struct {
	registry.Preview
	Doubles []LineDouble
}

// A LineDouble is a line of which the patient may be known already: to the practice, as
// Patients, or by earlier Lines of the file. Of each at most mostDoubles are named.
type LineDouble struct {
	Line     int
	Patients []string
	Lines    []int
}

// mostDoubles bounds what is named of one line: lines that share an address and a day of
// birth are each a possible double of all before them.
const mostDoubles = 10

// PreviewPatients says what an import of a file would do. It writes nothing but the
// record that its caller was shown possible doubles.
func (r *Room) PreviewPatients(ctx context.Context, c clinic.Caller, file []byte) (Finding, error) {
	c, err := r.allow(ctx, c, identity.ManagePatients, "")
	if err != nil {
		return Finding{}, err
	}
	f := Finding{}
	if f.Preview, err = registry.ReadPatients(file, r.Kernel.Time()); err != nil {
		return Finding{}, err
	}
	m, err := r.madeMarker(ctx, c.Person.Practice)
	if err != nil {
		return Finding{}, err
	}
	f.Doubles, err = r.lineDoubles(ctx, c, m, f.Lines, nil)
	return f, err
}

// lineDoubles are the possible doubles of lines, but for the patients of except. That c's
// person is shown patients of the practice among them is recorded.
func (r *Room) lineDoubles(ctx context.Context, c clinic.Caller, m marker, lines []registry.Line, except []string) ([]LineDouble, error) {
	who := make([]identity.Contact, len(lines))
	for n, l := range lines {
		who[n] = l.Contact
	}
	known, err := r.doubles(ctx, m, who, except...)
	if err != nil {
		return nil, err
	}
	var all []LineDouble
	shown := false
	earlier := map[registry.Pair][]int{}
	for n, l := range lines {
		d := LineDouble{Line: l.Number, Patients: known[n][:min(len(known[n]), mostDoubles)]}
		for _, pair := range m.Marks(l.Contact).Pairs() {
			d.Lines = append(d.Lines, earlier[pair]...)
			if len(earlier[pair]) < mostDoubles { // more are never named
				earlier[pair] = append(earlier[pair], l.Number)
			}
		}
		slices.Sort(d.Lines)
		d.Lines = slices.Compact(d.Lines)
		d.Lines = d.Lines[:min(len(d.Lines), mostDoubles)]
		if len(d.Patients)+len(d.Lines) > 0 {
			all = append(all, d)
		}
		shown = shown || len(d.Patients) > 0
	}
	if !shown {
		return all, nil
	}
	return all, r.Kernel.RecordLook(ctx, c, identity.ReadPatient, clinic.Subject{Practice: m.Practice, Resource: "patients"})
}

var (
	importID    = regexp.MustCompile(`^[A-Za-z0-9-]{1,40}$`)
	errImportID = fault.New(fault.Invalid, "invalid_request", "some fields need to be put right",
		fault.Problem{Where: "/id", Code: "id", Text: "Choose an id of at most 40 letters, digits and hyphens."})
)

// linesAtOnce is how many lines one commit takes over: with a row and at most five marks
// each, beside the import's row and its record, they fit into one transaction.
const linesAtOnce = 16

// ImportPatients takes over a file of patients under an id that the caller chooses; under
// an empty one it is that of the file, so that the same file is the same import. A file with a line that is wrong is refused whole. Who may be known already is listed
// and taken over all the same, unverified. The patients count once all are stored: the
// same file again under the same id goes on where an earlier request stopped, and one
// that is done is returned unchanged. On an error the import is as far as it is known to
// have come.
//
// Errors: fault.Invalid and fault.TooLarge for the file; fault.Conflict
// (import_other_file) if another file was sent under the id.
func (r *Room) ImportPatients(ctx context.Context, c clinic.Caller, id string, file []byte) (registry.Import, []LineDouble, error) {
	c, err := r.allow(ctx, c, identity.ManagePatients, "")
	if err != nil {
		return registry.Import{}, nil, err
	}
	found, err := registry.ReadPatients(file, r.Kernel.Time())
	if err == nil {
		err = found.Importable()
	}
	if id != "" && !importID.MatchString(id) {
		err = fault.Both(errImportID, err)
	}
	if err != nil {
		return registry.Import{}, nil, err
	}
	m, err := r.marker(ctx, c.Actor(""), c.Person.Practice)
	if err != nil {
		return registry.Import{}, nil, err
	}
	if id == "" {
		id = registry.ImportID(m.Sum(file))
	}
	i, err := r.importOf(ctx, c, m, id, file, len(found.Lines))
	if err != nil {
		return i, nil, err
	}
	own := make([]string, len(found.Lines))
	for n, l := range found.Lines {
		own[n] = i.PatientOf(l.Number)
	}
	doubles, err := r.lineDoubles(ctx, c, m, found.Lines, own)
	if err != nil {
		return i, nil, err
	}
	for i.Done.IsZero() {
		if i, err = clinic.Retry(func() (registry.Import, error) { return r.importNext(ctx, c, m, id, file, found.Lines) }); err != nil {
			return i, nil, err
		}
	}
	return i, doubles, nil
}

// importOf returns how far an import has come: not at all if it has no row yet.
func (r *Room) importOf(ctx context.Context, c clinic.Caller, m marker, id string, file []byte, lines int) (registry.Import, error) {
	sum := m.Sum(file)
	i, err := r.Store.Import(ctx, m.Practice, id)
	if errors.Is(err, fault.NotFound) {
		return registry.Import{ID: id, Practice: m.Practice, Sum: sum, Lines: lines, By: c.Person.ID, At: r.Kernel.Time()}, nil
	}
	if err == nil {
		err = i.Continues(sum)
	}
	return i, err
}

// importNext commits the next lines of an import, which others may be importing too.
func (r *Room) importNext(ctx context.Context, c clinic.Caller, m marker, id string, file []byte, lines []registry.Line) (registry.Import, error) {
	was, err := r.importOf(ctx, c, m, id, file, len(lines))
	if err != nil || !was.Done.IsZero() {
		return was, err
	}
	now := r.Kernel.Time()
	i, from, to := was.Next(linesAtOnce, now)
	commit := clinic.Commit{Import: &i, Audit: r.record(c, i.Practice, identity.ManagePatients, "imported", i.ID, now)}
	for _, l := range lines[from:to] {
		p := identity.Patient{
			ID: i.PatientOf(l.Number), Practice: i.Practice, Contact: l.Contact, Came: identity.ByFile, At: i.At, By: c.Person.ID, Import: i.ID, Version: 1,
		}
		row, err := r.Charts.SealPatient(ctx, p)
		if err != nil {
			return was, err
		}
		commit.Patients, commit.Marks = append(commit.Patients, row), append(commit.Marks, marksOf(m, p)...)
	}
	if err := r.commitNew(ctx, commit); err != nil {
		return was, err
	}
	return i, nil
}

// ImportOf returns how far an import of a file under an id of the file's own has come. It
// is zero if none was begun.
func (r *Room) ImportOf(ctx context.Context, c clinic.Caller, file []byte) (registry.Import, error) {
	c, err := r.allow(ctx, c, identity.ManagePatients, "")
	if err != nil {
		return registry.Import{}, err
	}
	m, err := r.madeMarker(ctx, c.Person.Practice)
	if err != nil || !m.made {
		return registry.Import{}, err
	}
	i, err := r.Store.Import(ctx, m.Practice, registry.ImportID(m.Sum(file)))
	if errors.Is(err, fault.NotFound) {
		return registry.Import{}, nil
	}
	return i, err
}
