package web

import (
	"net/http"
	"net/url"
	"strconv"

	"evisit/pkg/fault"
)

// providerAt is the identity provider of a number; nil if there is none.
func (s *site) providerAt(number string) *provider {
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n >= len(s.providers) {
		return nil
	}
	return s.providers[n]
}

// signInAt is where r asks to sign in: the only provider, or the one that r names; nil if
// there are several and it names none.
func (s *site) signInAt(r *http.Request) (*provider, error) {
	at := r.URL.Query().Get("at")
	switch {
	case len(s.providers) == 1:
		return s.providers[0], nil
	case at == "":
		return nil, nil
	}
	if p := s.providerAt(at); p != nil {
		return p, nil
	}
	return nil, fault.New(fault.NotFound, "no_page", "nobody signs in there; go back and choose again")
}

type signInView struct{ Ways []way }

// A way is where one kind of people sign in.
type way struct{ Href, For, At string }

// chooseSignIn asks who is about to sign in: patients do at the first provider, people
// who work at the others.
func (s *site) chooseSignIn(w http.ResponseWriter, r *http.Request) error {
	var view signInView
	for n, p := range s.providers {
		q := url.Values{"at": {strconv.Itoa(n)}}
		if next := local(r.URL.Query().Get("next")); next != "" {
			q.Set("next", next)
		}
		if r.URL.Query().Get("factors") == "2" {
			q.Set("factors", "2")
		}
		one := way{Href: "/sign-in?" + q.Encode(), For: "I work at a practice"}
		if n == 0 {
			one.For = "I am a patient, or act for one"
		}
		if u, err := url.Parse(p.URL); err == nil && n > 1 { // there is more than one of the kind
			one.At = u.Hostname()
		}
		view.Ways = append(view.Ways, one)
	}
	return s.show(w, nil, page{view: "signin", title: "Sign in", data: view})
}
