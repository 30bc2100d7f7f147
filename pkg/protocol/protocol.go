// Package protocol holds how a practice makes a form of its own: an author hands in a
// questionnaire with examples, which is a draft; the medical director approves the text
// that was previewed; publishing makes it a version that never changes again. Storing
// them, and asking who may, are left to others; what a questionnaire means is package
// intake's.
package protocol

import (
	"encoding/json"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/intake"
)

// MaxBytes is the largest text of a source, its value sets and its examples together.
const MaxBytes = intake.MaxQuestionnaireBytes

// A Source is what an author hands in.
type Source struct {
	// Questionnaire is FHIR R4.
	Questionnaire json.RawMessage `json:"questionnaire"`
	// ValueSets are ValueSets and CodeSystems to which the questionnaire refers by url.
	ValueSets []json.RawMessage `json:"value_sets,omitempty"`
	// Examples show the form's rules (intake.Example).
	Examples json.RawMessage `json:"examples,omitempty"`
	// About is what the practice says of the questionnaire where its author has not.
	About intake.About `json:"about,omitzero"`
}

// A Draft is a practice's form that is not published. A new source replaces the one
// before, and ends its approval.
type Draft struct {
	Practice string `json:"-"`
	Name     string `json:"-"`
	Source
	By       Author    `json:"by"` // who handed in the source
	Approved *Approval `json:"approved,omitempty"`
	// Published is set when the draft has become a version: until another source
	// replaces it, there is nothing more to do with it.
	Published *Author `json:"published,omitempty"`
	Version   int     `json:"-"`
}

// An Author is who did something to a draft, and when.
type Author struct {
	Person string    `json:"person"`
	Name   string    `json:"name"` // as the practice shows the person
	At     time.Time `json:"at"`
}

// An Approval is the medical director's of one text: of the form whose JSON has the hash.
type Approval struct {
	Author
	Form string `json:"form"` // version
	Hash string `json:"hash"` // SHA-256 of the form's JSON
}

// A Reading is a draft as the engine reads it.
type Reading struct {
	Form        *intake.Form
	Examination intake.Examination // of the examples
}

// Read composes a source with the common block and tries its examples. It refuses, with
// every problem at once, a source that cannot be a form: what is no questionnaire
// (fault.Malformed), is longer than MaxBytes (fault.TooLarge), or may not be published
// (fault.Invalid). Examples that do not show the form's rules are no refusal: they are in
// the Examination, and keep the form from being approved.
func Read(common *intake.Questionnaire, s Source) (Reading, error) {
	if s.size() > MaxBytes {
		return Reading{}, fault.New(fault.TooLarge, "questionnaire-too-large",
			"A questionnaire, its value sets and its examples are together at most 1 MB.")
	}
	examples, err := intake.ParseExamples(s.Examples)
	if err != nil {
		return Reading{}, err
	}
	f, err := Compose(common, s)
	if err != nil {
		return Reading{}, err
	}
	return Reading{f, f.Examine(common, examples)}, nil
}

// Compose is the form of a source, of which Read has accepted the size, without a look at
// its examples: trying them takes far longer.
func Compose(common *intake.Questionnaire, s Source) (*intake.Form, error) {
	sets := make([][]byte, len(s.ValueSets))
	for i, set := range s.ValueSets {
		sets[i] = set
	}
	f, err := intake.PublishAs(s.About, common, s.Questionnaire, sets...)
	if err == nil && f.Name() == common.Name() {
		return nil, fault.New(fault.Invalid, "questionnaire-refused", "This questionnaire may not be published.",
			fault.Problem{Where: "id", Code: "name", Text: "This is the name of the block with which every form begins: choose another."})
	}
	return f, err
}

// ParseValueSets reads an author's value sets, a JSON array; there may be none.
func ParseValueSets(array []byte) (sets []json.RawMessage, err error) {
	if len(array) == 0 {
		return nil, nil
	}
	if err := json.Unmarshal(array, &sets); err != nil {
		return nil, fault.New(fault.Malformed, "wrong_type", "a field has the wrong type",
			fault.Problem{Where: "/value_sets", Code: "type", Text: "give an array of ValueSets and CodeSystems"})
	}
	return sets, nil
}

func (s Source) size() int {
	n := len(s.Questionnaire) + len(s.Examples)
	for _, set := range s.ValueSets {
		n += len(set)
	}
	return n
}

// Submit returns the draft of a source that by hands in, which replaces was (the zero
// Draft if there is none). Replaces is the version of the draft that the author has seen,
// 0 for none: a draft that somebody else has handed in since is not lost.
func (r Reading) Submit(was Draft, practice string, s Source, replaces int, by Author) (Draft, error) {
	if was.Version != replaces {
		return Draft{}, fault.New(fault.Conflict, "draft_changed", changedText(was))
	}
	return Draft{Practice: practice, Name: r.Form.Name(), Source: s, By: by, Version: was.Version + 1}, nil
}

func changedText(was Draft) string {
	if was.Version == 0 {
		return "there is no draft of this form to replace; hand it in as a new one"
	}
	return was.By.Name + " has handed in another draft of this form; look at it, and replace it by its version number"
}

// ready returns nil if the draft's examples show every rule of the form; else it is a
// fault.Conflict with what they do not show.
func (r Reading) ready() error {
	if ps := r.Examination.Problems; len(ps) > 0 {
		return fault.New(fault.Conflict, "examples_missing", "the examples do not show everything that the form's rules do", ps...)
	}
	return nil
}

// Approve returns the draft as the medical director by approves it. Hash is of the text
// that the director has seen: another one is not approved. A draft that is approved with
// this text stays as it is.
func (r Reading) Approve(d Draft, hash string, by Author) (Draft, error) {
	if hash != r.Form.Hash() {
		return d, fault.New(fault.Conflict, "other_text", "this is no longer the text that you have seen; look at it again before you approve it")
	}
	if err := r.ready(); err != nil {
		return d, err
	}
	if r.approved(d) {
		return d, nil
	}
	d.Approved, d.Published = &Approval{Author: by, Form: r.Form.Version(), Hash: hash}, nil
	d.Version++
	return d, nil
}

// approved reports whether the draft's approval is of the form that it makes: the common
// block may have changed since.
func (r Reading) approved(d Draft) bool { return d.Approved != nil && d.Approved.Hash == r.Form.Hash() }

// Publish returns the draft as by publishes it. A draft that is published stays as it is.
func (r Reading) Publish(d Draft, by Author) (Draft, error) {
	if err := r.ready(); err != nil {
		return d, err
	}
	if !r.approved(d) {
		return d, fault.New(fault.Conflict, "not_approved", "the medical director has not approved this text")
	}
	if d.Published == nil {
		d.Published, d.Version = &by, d.Version+1
	}
	return d, nil
}
