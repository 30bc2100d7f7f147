package registry_test

import (
	"testing"
	"time"

	"evisit/pkg/identity"
	"evisit/pkg/phi"
	"evisit/pkg/registry"
)

func contact(name, birth, phone, email string) identity.Contact {
	c := identity.Contact{Name: phi.Text(name), Phone: phi.Text(phone), Email: phi.Text(email)}
	if birth != "" {
		c.Birth, _ = time.Parse(time.DateOnly, birth)
	}
	return c
}

func TestDoubles_WhoMayBeOnePerson(t *testing.T) {
	t.Parallel()
	m := registry.Marker{Key: []byte("a key of the practice's"), Practice: "lakeside"}
	jane := contact("Jane O'Neil-Smith", "1990-04-12", "+1 503 555 0101", "jane@example.com")
	for name, test := range map[string]struct {
		other identity.Contact
		want  bool
	}{
		"the same":                          {jane, true},
		"written in another way":            {contact("SMITH, Jané ONeil", "1990-04-12", "", ""), true},
		"married, the same address":         {contact("Jane Miller", "1990-04-12", "", "JANE@example.com"), true},
		"another day of birth, same phone":  {contact("Jane O'Neil Smith", "1990-12-04", "503-555-0101", ""), true},
		"a twin with the family's phone":    {contact("Joan O'Neil-Smith", "1990-04-12", "503-555-0101", ""), true},
		"a child with all of the family's":  {contact("Max O'Neil-Smith", "2019-05-01", "+15035550101", "jane@example.com"), false},
		"a namesake":                        {contact("Jane O'Neil-Smith", "1971-01-30", "+1 971 555 0102", "j@example.com"), false},
		"born on the same day":              {contact("Ana Rivera", "1990-04-12", "+1 971 555 0102", "ana@example.com"), false},
		"both without phone and an address": {contact("Ana Rivera", "1990-04-12", "", ""), false},
		"nothing known":                     {contact("", "", "", ""), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := m.Marks(jane), m.Marks(test.other)
			if registry.PossibleDouble(a, b) != test.want || registry.PossibleDouble(b, a) != test.want {
				t.Errorf("possible double: %t, want %t", !test.want, test.want)
			}
		})
	}
	none := m.Marks(contact("", "", "", ""))
	if registry.PossibleDouble(none, none) {
		t.Error("two records that say nothing are taken for one person's")
	}
}

func TestMarks_TellNothing(t *testing.T) {
	t.Parallel()
	c := contact("Jane Smith", "1990-04-12", "+15035550101", "jane@example.com")
	here := registry.Marker{Key: []byte("key"), Practice: "lakeside"}.Marks(c)
	for name, other := range map[string]registry.Marks{
		"another practice": registry.Marker{Key: []byte("key"), Practice: "harbor"}.Marks(c),
		"another key":      registry.Marker{Key: []byte("other"), Practice: "lakeside"}.Marks(c),
	} {
		if here.Name == other.Name || here.Birth == other.Birth || here.Phone == other.Phone || here.Email == other.Email {
			t.Errorf("%s has the same marks", name)
		}
	}
	same := registry.Marker{Key: []byte("key"), Practice: "lakeside"}.Marks(contact("x@example.com", "", "", "x@example.com"))
	if same.Name == same.Email {
		t.Error("a name and an address of the same text have the same mark")
	}
}
