package registry

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
	"evisit/pkg/phi"
)

// CheckContact returns contact data as they are kept, or a fault.Invalid that names
// everything that is wrong with them.
func CheckContact(c identity.Contact, now time.Time) (identity.Contact, error) {
	var p problems
	p.must(plain(c.Name.Reveal()) && nameKey(c.Name.Reveal()) != "", "/name", "name", "Give the whole name in one line of at most 120 characters.")
	if c.Birth.IsZero() {
		p.must(false, "/birth_date", "required", "Give the day of birth.")
	} else if _, err := Birth(c.Birth.Format(time.DateOnly), now); err != nil {
		p.must(false, "/birth_date", "birth", sentence(err))
	}
	sex, ok := sexes[c.Sex]
	p.must(c.Sex == "" || ok, "/sex", "sex", "Give female, male, other or unknown.")
	email, ok := Email(c.Email.Reveal())
	p.must(ok, "/email", "email", "Give one e-mail address.")
	phone, ok := Phone(c.Phone.Reveal())
	p.must(c.Phone == "" || ok, "/phone", "phone", "Give a number that can be called, such as +1 503 555 0100, or leave it out.")
	if err := p.err(); err != nil {
		return identity.Contact{}, err
	}
	c.Sex, c.Email = sex, phi.Text(email)
	if c.Phone != "" {
		c.Phone = phi.Text(phone)
	}
	return c, nil
}

// A Pair is a key under which two records of one person are found: the hash of two
// marks that PossibleDouble counts together.
type Pair string

// Pairs returns the keys of m, of which two possible doubles share at least one.
func (m Marks) Pairs() []Pair {
	var all []Pair
	for _, pair := range []struct {
		kind string
		a, b Mark
	}{
		{"name birth", m.Name, m.Birth},
		{"name phone", m.Name, m.Phone},
		{"name email", m.Name, m.Email},
		{"birth phone", m.Birth, m.Phone},
		{"birth email", m.Birth, m.Email},
	} {
		if pair.a == (Mark{}) || pair.b == (Mark{}) {
			continue
		}
		h := sha256.New()
		_, _ = h.Write([]byte(pair.kind))
		_, _ = h.Write(pair.a[:])
		_, _ = h.Write(pair.b[:])
		all = append(all, Pair(hex.EncodeToString(h.Sum(nil)[:len(pair.a)])))
	}
	return all
}

// Sum is a keyed hash of a file: who has it alone cannot try files.
func (m Marker) Sum(file []byte) []byte {
	h := hmac.New(sha256.New, m.Key)
	_, _ = h.Write([]byte("file"))
	_, _ = h.Write(file)
	return h.Sum(nil)
}

// ImportID is the id of the import of a file for which nobody chooses one; sum is its
// Marker.Sum.
func ImportID(sum []byte) string { return "file-" + hex.EncodeToString(sum[:len(Mark{})]) }

// An Import is how far a file of patients has been taken over. Its patients count
// once it is done; until then the same file, sent again under the same id, goes on
// where it stopped.
type Import struct {
	ID       string    `json:"id"`
	Practice string    `json:"practice"`
	Sum      []byte    `json:"sum"`     // Marker.Sum of the file
	Lines    int       `json:"lines"`   // that are patients
	Written  int       `json:"written"` // of these, the first ones
	By       string    `json:"by"`
	At       time.Time `json:"at"`
	Done     time.Time `json:"done,omitzero"`
	Version  int       `json:"-"`
}

var errOtherFile = fault.New(fault.Conflict, "import_other_file", "another file was sent under this id; send this one under an id of its own")

// Next returns the import after its next lines are written at now, at most so many,
// and which of all they are. It is done with the last.
func (i Import) Next(most int, now time.Time) (next Import, from, to int) {
	from, to = i.Written, min(i.Written+most, i.Lines)
	i.Written, i.Version = to, i.Version+1
	if to == i.Lines {
		i.Done = now
	}
	return i, from, to
}

// Continues returns nil if a file with that sum is the one of i.
func (i Import) Continues(sum []byte) error {
	if hmac.Equal(i.Sum, sum) {
		return nil
	}
	return errOtherFile
}

// PatientOf is the id of the patient of a line of an import. It follows from practice,
// import and line, and shows none of them.
func (i Import) PatientOf(line int) string {
	sum := sha256.Sum256([]byte(i.Practice + " " + i.ID + " " + strconv.Itoa(line)))
	return strings.ToLower(base32.StdEncoding.EncodeToString(sum[:])[:patientLength])
}

const patientLength = 16
