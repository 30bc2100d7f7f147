package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"evisit/pkg/clinic"
	"evisit/pkg/clinic/registrar"
	"evisit/pkg/fault"
	"evisit/pkg/httpapi/exchange"
	"evisit/pkg/identity"
)

var sexOptions = []option{
	{ID: "sex", Value: "female", Label: "Female"},
	{ID: "sex-male", Value: "male", Label: "Male"},
	{ID: "sex-other", Value: "other", Label: "Other"},
	{ID: "sex-unknown", Value: "unknown", Label: "I would rather not say"},
}

var joinForm = []field{
	{Kind: "text", ID: "name", Name: "name", Label: "Your name", Required: true, Help: []string{"As the practice knows it."}},
	{Kind: "date", ID: "birth", Name: "birth", Label: "Your date of birth", Required: true},
	{Kind: "radios", ID: "sex", Name: "sex", Label: "Your sex, as the practice has it", Required: true, Options: sexOptions},
}

var contactPlaces = map[string]string{"/name": "name", "/birth_date": "birth", "/sex": "sex", "/email": "email", "/phone": "phone"}

func joinPath(practice string) string { return "/join/" + url.PathEscape(practice) }

// contact reads what a form says of a patient. A day of birth that is none is zero, which
// the registrar refuses.
func (f filled) contact() identity.Contact {
	birth, err := time.Parse(time.DateOnly, f.values.Get("birth"))
	if err != nil {
		birth = time.Time{}
	}
	return identity.Contact{Name: f.text("name"), Birth: birth, Sex: f.values.Get("sex"), Email: f.text("email"), Phone: f.text("phone")}
}

// door is a practice's public page: anyone may read it, and who has signed in may register
// there as a patient.
func (s *site) door(w http.ResponseWriter, r *http.Request) error {
	d, err := s.Registrar.Door(r.Context(), r.PathValue("practice"))
	if err != nil {
		return err
	}
	c, name, err := s.sessions.UseAnyway(r.Context(), s.session(r), clinic.Caller{IP: exchange.ClientIP(r), UserAgent: r.UserAgent()})
	switch {
	case isSignedOut(err):
		return s.showSheet(w, nil, signedOutDoor(d), "", http.StatusOK)
	case err != nil:
		return err
	}
	return s.showSheet(w, nil, doorSheet(d, visitor{Caller: c, Name: name}), "", http.StatusOK)
}

const takesNobody = "The practice takes nobody online now. Please call."

func signedOutDoor(d registrar.Door) sheet {
	sh := sheet{
		Title: d.Name, Facts: []fact{{"Phone", d.Phone}},
		Intro: []string{"Patients of this practice can ask its clinicians online, and see the price and the promised time before anything is sent."},
	}
	if d.Open {
		sh.SignIn = "/sign-in?" + url.Values{"next": {joinPath(d.ID)}}.Encode()
	} else {
		sh.Intro = append(sh.Intro, takesNobody)
	}
	return sh
}

func doorMinors(d registrar.Door) string {
	if !d.Minors {
		return "It takes no online requests for patients under 18."
	}
	return "Who is under " + strconv.Itoa(d.From) + " is registered by the practice, with a parent or guardian."
}

func doorSheet(d registrar.Door, v visitor) sheet {
	sh := sheet{
		Title: "Register at " + d.Name, Action: joinPath(d.ID), Button: "Register", Fields: with(joinForm, nil),
		Intro: []string{"The practice then matches you with its records. " + doorMinors(d)},
		Facts: []fact{{"Phone of the practice", d.Phone}},
	}
	if !d.Open {
		sh.Action, sh.Intro = "", []string{takesNobody}
	}
	if v.Email != "" {
		sh.Facts = append(sh.Facts, fact{"Your e-mail address, as you signed in", v.Email.Reveal()})
	}
	return sh
}

// join registers the visitor as a patient, and leads on to their requests.
func (s *site) join(w http.ResponseWriter, r *http.Request, v visitor) error {
	f, err := readSheet(r, joinForm, contactPlaces)
	if err != nil {
		return err
	}
	d, err := s.Registrar.Door(r.Context(), r.PathValue("practice"))
	if err != nil {
		return err
	}
	_, err = s.Registrar.Join(r.Context(), v.Caller, d.ID, f.contact())
	if public, ok := fault.Public(err); ok && public.Kind == fault.Denied {
		sh := doorSheet(d, v)
		sh.Fields = f.fill(f.Form)
		return s.showSheet(w, nil, sh, sentence(public.Text), http.StatusForbidden)
	}
	if err != nil {
		return s.refusedSheet(w, nil, doorSheet(d, v), f, err)
	}
	return redirect(w, "/my")
}
