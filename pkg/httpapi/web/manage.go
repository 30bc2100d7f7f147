package web

import (
	"net/http"
	"strings"

	"evisit/pkg/identity"
)

// managing are the pages of function registry: who works at a practice.
func (s *site) managing() []route {
	return []route{
		{"GET /manage/people", s.as(s.peoplePage)},
	}
}

type peopleView struct{ People []workerRow }

type workerRow struct {
	ID, Name, Roles, Licenses string
	Inactive                  bool
}

// peoplePage lists who works at the visitor's practice.
func (s *site) peoplePage(w http.ResponseWriter, r *http.Request, v visitor) error {
	all, err := s.Registrar.People(r.Context(), v.Caller)
	if err != nil {
		return err
	}
	var view peopleView
	for _, p := range all {
		view.People = append(view.People, workerRow{p.ID, p.Display, rolesWords(p), licensesWords(p.Licenses), p.Inactive})
	}
	return s.show(w, &v, page{view: "people", title: "People", data: view})
}

func rolesWords(p identity.Person) string {
	words := []string{roleWords(string(p.Role))}
	for _, r := range p.Also {
		words = append(words, strings.ToLower(roleWords(string(r))))
	}
	return strings.Join(words, ", ")
}

func licensesWords(ls []identity.License) string {
	var words []string
	for _, l := range ls {
		words = append(words, l.State+" "+l.Number+" until "+l.Expires.Format("2 January 2006"))
	}
	return strings.Join(words, "; ")
}
