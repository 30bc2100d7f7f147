package web

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"

	"evisit/pkg/clinic/session"
	"evisit/pkg/phi"
)

// A page on which people write is one form, with the id questions. Every button that
// leads away from it belongs to that form: those that send something, those in place of
// the links at the top, and signing out. So each of them brings all that was typed. What
// a button does not send is kept by where it leads: answers by their draft, all else by
// the session, for who typed it.

// The buttons of such a page other than those that send, by the value of the field
// press. Those in place of links have the address where they lead.
const (
	pressField   = "press"
	pressBack    = "back"
	pressLater   = "later"
	pressSignOut = "sign-out"
	pressDrop    = "drop" // throws away what can no longer be sent
)

const (
	// keptField says that the page was drawn with texts that are kept.
	keptField = "kept"
	// strayField names a field whose form is no longer on the page.
	strayField = "stray"
)

// What is typed on the pages of a visit, by field.
var (
	deskTexts    = namesOf(askForm, answerForm, awayForm, handOverForm)
	patientTexts = []string{"text", "number"}
)

func namesOf(forms ...[]field) []string {
	var names []string
	for _, f := range slices.Concat(forms...) {
		names = append(names, f.Name)
		if f.OtherName != "" {
			names = append(names, f.OtherName)
		}
	}
	return names
}

// typed are the fields among names that were filled in.
func typed(values url.Values, names []string) url.Values {
	all := url.Values{}
	for _, name := range names {
		filled := slices.DeleteFunc(slices.Clone(values[name]), func(s string) bool { return strings.TrimSpace(s) == "" })
		if len(filled) > 0 {
			all[name] = filled
		}
	}
	return all
}

// keepRest keeps what was typed on the page of a visit, save for the fields that were
// sent. Nothing is written if nothing else was typed and nothing is kept. An error is an
// unkept.
func (s *site) keepRest(r *http.Request, v visitor, page string, values url.Values, sent ...string) error {
	rest := typed(values, slices.Concat(deskTexts, patientTexts))
	for _, name := range sent {
		delete(rest, name)
	}
	if len(rest) == 0 && values.Get(keptField) == "" {
		return nil
	}
	if err := s.sessions.KeepUnsent(r.Context(), v.Proof, session.Form{Path: page, Values: rest}); err != nil {
		return unkept{err, page, rest}
	}
	return nil
}

// An unkept is the failure to keep what was typed on a page, of which all that was sent
// has arrived.
type unkept struct {
	error
	page string
	rest url.Values
}

func (u unkept) Unwrap() error { return u.error }

// keep keeps what was typed on the page of a visit and leads on, where the button that
// was pressed says.
func (s *site) keep(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	page, pressed := path.Dir(r.URL.EscapedPath()), values.Get(pressField)
	var thrown []string
	if pressed == pressDrop {
		thrown = values[strayField]
	}
	if err := s.keepRest(r, v, page, values, thrown...); err != nil {
		return err
	}
	if pressed == pressSignOut {
		return s.signOut(w, r)
	}
	if to := local(pressed); to != "" {
		return redirect(w, to)
	}
	return redirect(w, page)
}

// A stray is what was typed in a field whose form is no longer on the page.
type stray struct {
	Name, Label string
	Text        phi.Text
}

// An again is a form that was refused on a page that has none of its fields: what was
// filled in, to be read and to be sent again.
type again struct {
	Action string // where it is sent
	Keep   string // where the buttons at the top bring it
	Press  string // the button that was pressed
	Fields []stray
	Rows   []answerRow
}

// refused returns what r posted and did not arrive because of err, if something was
// typed.
func (s *site) refused(r *http.Request, v *visitor, err error) *again {
	p, known := postings[r.Pattern]
	if r.Method != http.MethodPost || !known || p.keep == "" {
		return nil
	}
	values, unread := posted(r)
	if unread != nil {
		return nil
	}
	a := &again{Action: r.URL.Path, Keep: path.Join(r.URL.Path, p.keep), Press: values.Get(pressField)}
	if left, ok := errors.AsType[unkept](err); ok {
		values, a.Action, a.Press = left.rest, a.Keep, ""
	}
	names := slices.Sorted(maps.Keys(values))
	if len(typed(values, slices.DeleteFunc(slices.Clone(names), isOurs))) == 0 {
		return nil
	}
	for _, name := range names {
		if name == pressField {
			continue
		}
		for _, text := range values[name] {
			a.Fields = append(a.Fields, stray{Name: name, Text: phi.Text(text)})
		}
	}
	if v != nil {
		a.Rows = s.keptRows(r, *v, session.Form{Path: r.URL.Path, Values: values})
	}
	return a
}

// isOurs reports whether a field is not filled in by people, but tells of the page.
func isOurs(name string) bool {
	return oneOf(name, pressField, keptField, strayField, shownField, thenField, addField, removeField) || strings.HasPrefix(name, rowsField)
}
