package author

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/intake"
	"evisit/pkg/practice"
	"evisit/pkg/protocol"
)

// A Draft is a practice's draft as the engine reads it.
type Draft struct {
	protocol.Draft
	Read protocol.Reading
}

// Form is the form that the draft would be.
func (d Draft) Form() *intake.Form { return d.Read.Form }

// Protocols lists the library's protocols, each as a form. They are compiled once.
func (r *Room) Protocols(ctx context.Context, c clinic.Caller) ([]*intake.Form, error) {
	if _, err := r.allow(ctx, c, identity.WriteForms, ""); err != nil {
		return nil, err
	}
	r.compiling.Do(func() { r.protocols, r.unusable = compiled(r.Library) })
	return r.protocols, r.unusable
}

func compiled(library func() (protocol.Library, error)) ([]*intake.Form, error) {
	l, err := library()
	if err != nil {
		return nil, err
	}
	var all []*intake.Form
	for _, e := range l.Protocols {
		f, err := intake.Publish(l.Common, e.Source.Questionnaire)
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, nil
}

// Adopt makes the library's protocol of that name, with its examples, a draft of the
// caller's practice, as HandIn does.
func (r *Room) Adopt(ctx context.Context, c clinic.Caller, name string, replaces int) (Draft, error) {
	c, err := r.allow(ctx, c, identity.WriteForms, name)
	if err != nil {
		return Draft{}, err
	}
	l, err := r.Library()
	if err != nil {
		return Draft{}, err
	}
	e, ok := l.Find(name)
	if !ok {
		return Draft{}, errNoProtocol
	}
	return r.handIn(ctx, c, l, e.Source, replaces, "adopted")
}

var errNoProtocol = fault.New(fault.NotFound, "no_protocol", "the library has no protocol of that name")

// HandIn makes a questionnaire with its examples a draft of the caller's practice.
// Replaces is the version of the draft that it takes the place of; 0 for a form without
// one. The same source handed in again by the same person is the same draft.
//
// Errors: those of protocol.Read, which name every problem, and nothing is stored;
// fault.Conflict (draft_changed) if the draft is another than the one that was seen.
func (r *Room) HandIn(ctx context.Context, c clinic.Caller, s protocol.Source, replaces int) (Draft, error) {
	c, err := r.allow(ctx, c, identity.WriteForms, "")
	if err != nil {
		return Draft{}, err
	}
	l, err := r.Library()
	if err != nil {
		return Draft{}, err
	}
	return r.handIn(ctx, c, l, s, replaces, "draft")
}

func (r *Room) handIn(ctx context.Context, c clinic.Caller, l protocol.Library, s protocol.Source, replaces int, how string) (Draft, error) {
	read, err := protocol.Read(l.Common, s)
	if err != nil {
		return Draft{}, err
	}
	name := read.Form.Name()
	was, err := r.Store.Draft(ctx, c.Person.Practice, name)
	if err = ifThere(err); err != nil {
		return Draft{}, err
	}
	if was.By.Person == c.Person.ID && sameSource(was.Source, s) {
		return Draft{was, read}, nil
	}
	now := r.Kernel.Time()
	d, err := read.Submit(was, c.Person.Practice, s, replaces, by(c, now))
	if err != nil {
		return Draft{}, err
	}
	err = r.Kernel.Store.Commit(ctx, clinic.Commit{Draft: &d, Audit: r.record(c, identity.WriteForms, how, about(name, read.Form), now)})
	return Draft{d, read}, err
}

// about names a text in the log: the form, its version, and what it is the hash of.
func about(name string, f *intake.Form) string { return name + " " + f.Version() + " " + f.Hash() }

func sameSource(a, b protocol.Source) bool {
	one, err := json.Marshal(a)
	if err != nil {
		return false
	}
	other, err := json.Marshal(b)
	return err == nil && bytes.Equal(one, other)
}

// Drafts lists the drafts of the caller's practice by name.
func (r *Room) Drafts(ctx context.Context, c clinic.Caller) ([]protocol.Draft, error) {
	c, err := r.allow(ctx, c, identity.WriteForms, "")
	if err != nil {
		return nil, err
	}
	return r.Store.Drafts(ctx, c.Person.Practice)
}

// Draft returns a draft of the caller's practice with what the engine makes of it.
func (r *Room) Draft(ctx context.Context, c clinic.Caller, name string) (Draft, error) {
	c, err := r.allow(ctx, c, identity.WriteForms, name)
	if err != nil {
		return Draft{}, err
	}
	return r.draft(ctx, c, name)
}

func (r *Room) draft(ctx context.Context, c clinic.Caller, name string) (Draft, error) {
	l, d, err := r.stored(ctx, c, name)
	if err != nil {
		return Draft{}, err
	}
	read, err := protocol.Read(l.Common, d.Source)
	return Draft{d, read}, err
}

// stored is a draft as it is stored, and the library with whose common block it is a form.
func (r *Room) stored(ctx context.Context, c clinic.Caller, name string) (protocol.Library, protocol.Draft, error) {
	l, err := r.Library()
	if err != nil {
		return l, protocol.Draft{}, err
	}
	d, err := r.Store.Draft(ctx, c.Person.Practice, name)
	if errors.Is(err, fault.NotFound) {
		err = errNoDraft
	}
	return l, d, err
}

var errNoDraft = fault.New(fault.NotFound, "no_draft", "there is no draft of a form of that name")

// Approve approves the draft's text, of which the medical director has seen the hash. The
// same approval again changes nothing.
//
// Errors: fault.Conflict if the text is another by now (other_text), or if its examples do
// not show everything that its rules do (examples_missing).
func (r *Room) Approve(ctx context.Context, c clinic.Caller, name, hash string) (Draft, error) {
	c, err := r.allow(ctx, c, identity.ApproveForms, name)
	if err != nil {
		return Draft{}, err
	}
	d, err := r.draft(ctx, c, name)
	if err != nil {
		return d, err
	}
	now := r.Kernel.Time()
	next, err := d.Read.Approve(d.Draft, hash, by(c, now))
	if err != nil || next.Version == d.Version {
		return d, err
	}
	err = r.Kernel.Store.Commit(ctx, clinic.Commit{Draft: &next, Audit: r.record(c, identity.ApproveForms, "approved", about(name, d.Form()), now)})
	return Draft{next, d.Read}, err
}

var errFormExists = fault.New(fault.Conflict, "form_exists", "this version is published with another text: give the new text a new version, and have it approved")

// Publish makes an approved draft a version that never changes, and offers it: patients
// begin new requests on it, and requests in progress keep theirs. A draft that was
// published is offered again.
//
// Errors: fault.Conflict if the text is not approved (not_approved), its examples lack
// something (examples_missing), or the version is published with another text
// (form_exists).
func (r *Room) Publish(ctx context.Context, c clinic.Caller, name string) (Draft, error) {
	c, err := r.allow(ctx, c, identity.WriteForms, name)
	if err != nil {
		return Draft{}, err
	}
	d, err := r.draft(ctx, c, name)
	if err != nil {
		return d, err
	}
	next, err := d.Read.Publish(d.Draft, by(c, r.Kernel.Time()))
	if err != nil {
		return d, err
	}
	stands, err := r.Kernel.Form(ctx, c.Person.Practice, name, d.Form().Version())
	if err = ifThere(err); err != nil {
		return d, err
	}
	if stands != nil && stands.Hash() != d.Form().Hash() {
		return d, errFormExists
	}
	_, err = r.change(ctx, c, func(p practice.Practice, now time.Time) (clinic.Commit, error) {
		commit, err := r.offering(c, p, name, d.Form().Version(), now)
		if err != nil || commit.Practice == nil && stands != nil && next.Version == d.Version {
			return clinic.Commit{}, err
		}
		if commit.Practice == nil {
			commit = clinic.Commit{Practice: &p}
		}
		if next.Version != d.Version {
			commit.Draft = &next
		}
		if stands == nil {
			commit.Forms = []clinic.Form{{Practice: p.ID, Name: name, Version: d.Form().Version(), JSON: d.Form().JSON(), Approved: next.Approved}}
		}
		commit.Audit = r.record(c, identity.WriteForms, "published", about(name, d.Form()), now)
		return commit, nil
	})
	return Draft{next, d.Read}, err
}

// offering is the commit by which a practice offers a version of a form, or with an empty
// version none; without a Practice if it does already.
func (r *Room) offering(c clinic.Caller, p practice.Practice, name, version string, now time.Time) (clinic.Commit, error) {
	if p.Config.At(now).Forms[name] == version {
		return clinic.Commit{}, nil
	}
	config, err := p.Decide(practice.Change{Forms: practice.VersionChange{name: version}}, c.Person.ID, now)
	if err != nil {
		return clinic.Commit{}, err
	}
	p.Config = config
	what := "offered"
	if version == "" {
		what = "withdrawn"
	}
	return clinic.Commit{Practice: &p, Config: true, Audit: r.record(c, identity.WriteForms, what, name+" "+version, now)}, nil
}

var errNoVersion = fault.New(fault.NotFound, "no_version", "this practice has published no such version of the form")

// Offer has new requests begin on a published version of a form; an empty version retires
// the form: nobody begins a request on it any more, and those in progress go on.
func (r *Room) Offer(ctx context.Context, c clinic.Caller, name, version string) (practice.Practice, error) {
	c, err := r.allow(ctx, c, identity.WriteForms, name)
	if err != nil {
		return practice.Practice{}, err
	}
	if version != "" {
		if _, err := r.version(ctx, c, name, version); err != nil {
			return practice.Practice{}, err
		}
	}
	return r.change(ctx, c, func(p practice.Practice, now time.Time) (clinic.Commit, error) {
		return r.offering(c, p, name, version, now)
	})
}

// Versions lists what the caller's practice has published, and the practice, which says
// what is offered.
func (r *Room) Versions(ctx context.Context, c clinic.Caller) ([]clinic.FormVersion, practice.Practice, error) {
	c, err := r.allow(ctx, c, identity.WriteForms, "")
	if err != nil {
		return nil, practice.Practice{}, err
	}
	p, err := r.Kernel.Store.Practice(ctx, c.Person.Practice)
	if err != nil {
		return nil, p, err
	}
	all, err := r.Store.FormVersions(ctx, p.ID)
	return all, p.At(r.Kernel.Time()), err
}

func (r *Room) version(ctx context.Context, c clinic.Caller, name, version string) (*intake.Form, error) {
	f, err := r.Kernel.Form(ctx, c.Person.Practice, name, version)
	if errors.Is(err, fault.NotFound) {
		err = errNoVersion
	}
	return f, err
}

// TheDraft stands for the draft where a version of a form is named.
const TheDraft = "draft"

// Form returns a published version of a form of the caller's practice, or TheDraft, whose
// examples are not tried.
func (r *Room) Form(ctx context.Context, c clinic.Caller, name, version string) (*intake.Form, error) {
	c, err := r.allow(ctx, c, identity.WriteForms, name)
	if err != nil {
		return nil, err
	}
	return r.form(ctx, c, name, version)
}

func (r *Room) form(ctx context.Context, c clinic.Caller, name, version string) (*intake.Form, error) {
	if version != TheDraft {
		return r.version(ctx, c, name, version)
	}
	l, d, err := r.stored(ctx, c, name)
	if err != nil {
		return nil, err
	}
	return protocol.Compose(l.Common, d.Source)
}

// versionName is what a version of a form, or TheDraft, can be.
var versionName = regexp.MustCompile(`^[A-Za-z0-9._+-]{1,128}$`)

func noVersion(where, version string) []fault.Problem {
	if versionName.MatchString(version) {
		return nil
	}
	return []fault.Problem{{Where: where, Code: "version", Text: "name a published version of the form, or draft"}}
}

// Compare lists what is otherwise in one version of a form than in another. Either may be
// TheDraft.
//
// Errors: fault.Invalid, which names what can be no version: from or to.
func (r *Room) Compare(ctx context.Context, c clinic.Caller, name, from, to string) ([]intake.Change, error) {
	c, err := r.allow(ctx, c, identity.WriteForms, name)
	if err != nil {
		return nil, err
	}
	if problems := slices.Concat(noVersion("from", from), noVersion("to", to)); len(problems) > 0 {
		return nil, fault.New(fault.Invalid, "invalid_request", "some fields need to be put right", problems...)
	}
	was, err := r.form(ctx, c, name, from)
	if err != nil {
		return nil, err
	}
	is, err := r.form(ctx, c, name, to)
	if err != nil {
		return nil, err
	}
	return intake.Compare(was, is), nil
}

// offers reports whether the practice has published a version.
func offers(all []clinic.FormVersion, name, version string) bool {
	return slices.ContainsFunc(all, func(v clinic.FormVersion) bool { return v.Name == name && v.Version == version })
}
