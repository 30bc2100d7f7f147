package practice

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

// maxReaders bounds the text about who reads, in characters.
const maxReaders = 1000

// ReadBy says for patients who reads their requests at the practice of that name
// (guideline G2), from who works there: clinicians by name, nurses and staff by what they
// are. Nobody who has left is named.
func ReadBy(name string, people []identity.Person) string {
	var clinicians []string
	nurses, staff := false, false
	for _, p := range people {
		switch {
		case p.Inactive:
		case p.Has(identity.Clinician):
			clinicians = append(clinicians, p.Display)
		case p.Has(identity.Nurse):
			nurses = true
		case p.Has(identity.Staff):
			staff = true
		}
	}
	slices.Sort(clinicians)
	var who []string
	who = append(who, clinicians...)
	if nurses {
		who = append(who, "the nurses of "+name)
	}
	if len(who) == 0 {
		who = []string{"Nobody reads medical requests at " + name + " now"}
	}
	text := joined(who) + "."
	if len(clinicians) > 1 {
		text += " When one is away another answers."
	}
	if staff {
		text += " Administrative requests are read by the staff of " + name + "."
	}
	first, size := utf8.DecodeRuneInString(text)
	return strings.ToUpper(string(first)) + text[size:]
}

// ReadByWith returns the practice as patients are told who reads once changed, who may be
// new among people, works there so. It reports false if they are told the same: the text
// is the practice's own, or names nobody else.
func (p Practice) ReadByWith(people []identity.Person, changed identity.Person) (Practice, bool) {
	others := slices.DeleteFunc(slices.Clone(people), func(q identity.Person) bool { return q.ID == changed.ID })
	return p.ReadByThese(append(others, changed))
}

// ReadByThese returns the practice as patients are told who reads while people work there.
// It reports false if they are told the same: the text is the practice's own, or stands so.
func (p Practice) ReadByThese(people []identity.Person) (Practice, bool) {
	text := ReadBy(p.Name, people)
	if p.OwnReaders || p.Readers == text {
		return p, false
	}
	p.Readers = text
	return p, true
}

func joined(all []string) string {
	if len(all) == 1 {
		return all[0]
	}
	return strings.Join(all[:len(all)-1], ", ") + " and " + all[len(all)-1]
}

// DecideReaders returns the practice with the text that patients are told about who reads;
// an empty text is that of ReadBy.
func (p Practice) DecideReaders(text string, people []identity.Person) (Practice, error) {
	p.OwnReaders = strings.TrimSpace(text) != ""
	if !p.OwnReaders {
		text = ReadBy(p.Name, people)
	}
	if p.OwnReaders && utf8.RuneCountInString(text) > maxReaders {
		return p, fault.New(fault.Invalid, "invalid_request", "this text is too long",
			fault.Problem{Where: "/who_reads", Code: "too_long", Text: fmt.Sprintf("Say it in at most %d characters, or leave it to be made of who works here.", maxReaders)})
	}
	p.Readers = text
	return p, nil
}
