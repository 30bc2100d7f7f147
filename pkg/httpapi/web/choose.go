package web

import (
	"net/http"

	"evisit/pkg/identity"
)

// choosePath is the page on which people whom several practices know say at which of
// them they are.
const choosePath = "/choose"

type chooseView struct {
	Next      string
	Practices []choice
}

// A choice is a practice that knows the visitor, and as what.
type choice struct {
	ID, Name, As string
	Now          bool // where they are already
}

func (s *site) chooseFrom(w http.ResponseWriter, r *http.Request, v visitor) error {
	people, err := s.Kernel.Memberships(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	view := chooseView{Next: local(r.URL.Query().Get("next"))}
	for _, p := range people {
		at, err := s.Kernel.Practice(r.Context(), p.Practice)
		if err != nil {
			return err
		}
		view.Practices = append(view.Practices, choice{at.ID, at.Name, p.Role.Words(), p.ID == v.Person.ID})
	}
	return s.show(w, known(v), page{view: "choose", title: "At which practice", data: view})
}

// choose has the session go on at another practice, and leads to where its holder
// wanted to go, if that was said.
func (s *site) choose(w http.ResponseWriter, r *http.Request, v visitor) error {
	values, err := posted(r)
	if err != nil {
		return err
	}
	chosen := v.Caller
	chosen.Person, chosen.Practice = identity.Person{}, values.Get("practice")
	if chosen, err = s.Kernel.Identify(r.Context(), chosen); err != nil {
		return err
	}
	name, err := s.nameOf(r.Context(), chosen.Person, v.Name)
	if err != nil {
		return err
	}
	if err := s.sessions.Choose(r.Context(), s.session(r), v.Caller, chosen, name); err != nil {
		return err
	}
	if next := local(values.Get("next")); next != "" {
		return redirect(w, next)
	}
	return redirect(w, home(chosen.Person))
}
