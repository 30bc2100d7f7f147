package request

import (
	"context"
	"encoding/json"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
	"evisit/pkg/clinic/books"
	"evisit/pkg/clinic/chart"
	"evisit/pkg/coverage"
	"evisit/pkg/identity"
	"evisit/pkg/practice"
	"evisit/pkg/record"
	"evisit/pkg/visit"
)

// A Record is what is stored of a patient beside their visits.
type Record struct {
	Patient  string
	Reader   record.Reader // who takes it
	Contact  identity.Contact
	Practice practice.Practice
	Trail    []audit.Record // of what is about no visit, newest first, at most mostActs; only at the beginning
	Cut      bool           // Trail had more
	// Coverages are the patient's health plans, ended ones too; only at the beginning.
	Coverages []coverage.Held
}

// A VisitRecord is what is stored of one visit. Notes of colleagues to each other are not
// in it.
type VisitRecord struct {
	Chart    chart.Chart
	Money    books.Money
	Answer   *record.Answer  // nil before the answer
	Document json.RawMessage // the encounter document; nil before the answer
	Addendum json.RawMessage // nil until the visit is closed
	Trail    []audit.Record  // newest first, at most mostActs
	Cut      bool            // Trail had more
}

const (
	// mostActs bounds a trail in a record: nobody reads so many, and a reply has an end.
	mostActs = 2000
	// mostVisits bounds the visits of one part of a record.
	mostVisits = 20
)

// A Place is where in whose record a part begins, and of how many visits it may be.
type Place struct {
	Patient string // empty: the caller
	Cursor  string // empty: the beginning
	Limit   int    // never more than twenty; 0 is twenty
}

func (p Place) visits() int {
	if p.Limit <= 0 {
		return mostVisits
	}
	return min(p.Limit, mostVisits)
}

// Download reads a patient's record, newest visit first, from a place on, and gives
// take each visit until take reports that it has enough.
// Visits that are in no list of the patient's are left out, and those that the caller may
// not know of. It returns where the record
// goes on; empty at its end. That the caller took it, and read each visit, is recorded
// before it returns.
func (m *Room) Download(ctx context.Context, c clinic.Caller, from Place, take func(Record, VisitRecord) (enough bool, err error)) (Record, string, error) {
	c, patient, err := m.forPatient(ctx, c, identity.DownloadRecord, from.Patient)
	if err != nil {
		return Record{}, "", err
	}
	out, err := m.beside(ctx, c, patient, from.Cursor == "")
	if err != nil {
		return Record{}, "", err
	}
	var taken []visit.Visit
	next, err := m.eachVisit(ctx, c, patient, from.Cursor, func(v visit.Visit) (bool, error) {
		r, err := m.visitRecord(ctx, v)
		if err != nil {
			return false, err
		}
		taken = append(taken, r.Chart.Visit)
		enough, err := take(out, r)
		return enough || len(taken) == from.visits(), err
	})
	if err != nil {
		return Record{}, "", err
	}
	s := clinic.Subject{Practice: c.Person.Practice, Patient: patient}
	return out, next, m.Kernel.RecordDownload(ctx, c, identity.DownloadRecord, s, taken)
}

// eachVisit gives each visit of a patient's lists after cursor of which c may know to do, until that reports
// that it has enough. It returns where the visits go on; empty if there are none.
func (m *Room) eachVisit(ctx context.Context, c clinic.Caller, patient, cursor string, do func(visit.Visit) (enough bool, err error)) (string, error) {
	for enough := false; ; {
		vs, next, err := m.Store.VisitsOfPatient(ctx, patient, cursor, 1)
		if err == nil {
			vs, err = m.Kernel.Shown(ctx, c, patient, vs)
		}
		if err != nil {
			return "", err
		}
		if len(vs) == 1 && !vs[0].Unlisted() {
			if enough {
				return cursor, nil
			}
			if enough, err = do(vs[0]); err != nil {
				return "", err
			}
		}
		if cursor = next; cursor == "" {
			return "", nil
		}
	}
}

func (m *Room) beside(ctx context.Context, c clinic.Caller, patient string, beginning bool) (Record, error) {
	out := Record{Patient: patient, Reader: record.Reader{ID: c.Person.ID, Patient: c.Person.Patient}}
	var err error
	if out.Contact, err = m.Charts.Contact(ctx, patient); err != nil {
		return out, err
	}
	if c.Person.Patient != patient {
		out.Reader.For = out.Contact.Name
	}
	if out.Practice, err = m.Kernel.Practice(ctx, c.Person.Practice); err != nil || !beginning {
		return out, err
	}
	_, all, err := m.Charts.Coverages(ctx, patient)
	if err != nil {
		return out, err
	}
	if out.Coverages, err = m.Charts.Held(ctx, all); err != nil {
		return out, err
	}
	out.Trail, out.Cut, err = m.trail(ctx, patient)
	return out, err
}

// trail returns the latest records about a visit, or of a patient about no visit, and
// whether there are more.
func (m *Room) trail(ctx context.Context, of string) (_ []audit.Record, cut bool, _ error) {
	rs, err := m.Store.LatestTrail(ctx, of, "", mostActs+1)
	if len(rs) > mostActs {
		return rs[:mostActs], true, err
	}
	return rs, false, err
}

func (m *Room) visitRecord(ctx context.Context, v visit.Visit) (VisitRecord, error) {
	var out VisitRecord
	var err error
	if out.Chart, err = m.Charts.Chart(ctx, v); err != nil {
		return out, err
	}
	v = out.Chart.Visit // as its content was read
	if out.Money, err = books.Load(ctx, m.Store, v); err != nil {
		return out, err
	}
	if out.Document, out.Addendum, err = m.Charts.Documents(ctx, v); err != nil {
		return out, err
	}
	if out.Answer, err = m.Charts.AnswerIn(v, out.Document); err != nil {
		return out, err
	}
	out.Trail, out.Cut, err = m.trail(ctx, v.ID)
	return out, err
}
