package issuer

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"net/mail"
	"net/url"
	"slices"
	"strings"
)

// people lists who may sign in: the seeded people, and then those who are new.
func (i *Issuer) people(ctx context.Context) []Person {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append(i.opts.People(ctx), i.state.People...)
}

func (i *Issuer) person(ctx context.Context, subject string) (Person, bool) {
	people := i.people(ctx)
	at := slices.IndexFunc(people, func(p Person) bool { return p.Subject == subject })
	if subject == "" || at < 0 {
		return Person{}, false
	}
	return people[at], true
}

// add makes somebody new, with a subject of their own, who is kept over restarts.
func (i *Issuer) add(p Person) (Person, error) {
	p.Name, p.Email, p.Phone = strings.TrimSpace(p.Name), strings.TrimSpace(p.Email), strings.TrimSpace(p.Phone)
	if p.Email != "" {
		if a, err := mail.ParseAddress(p.Email); err != nil || a.Address != p.Email {
			return p, &refusal{"invalid_request", "email must be one e-mail address"}
		}
	}
	if p.Name == "" {
		p.Name = p.Email
	}
	if p.Name == "" {
		return p, &refusal{"invalid_request", "a name or an email is required"}
	}
	p.Subject, p.TwoFactors = "new-"+strings.ToLower(rand.Text()), true
	i.mu.Lock()
	defer i.mu.Unlock()
	next := i.state
	next.People = append(slices.Clone(next.People), p)
	if err := next.save(i.opts.KeyFile); err != nil {
		return p, fmt.Errorf("adding a person: %w", err)
	}
	i.state = next
	return p, nil
}

// newcomer reads somebody new from the sign-in page.
func newcomer(form url.Values) Person {
	return Person{
		Name: form.Get("name"), Email: form.Get("email"), Phone: form.Get("phone"),
		EmailVerified: form.Get("email_verified") != "", PhoneVerified: form.Get("phone_verified") != "",
	}
}

// A wanted is what a script sends to sign in: as somebody new, or as the person with
// Subject. OneFactor asks for a token without a second factor.
type wanted struct {
	Subject       string `json:"subject"`
	Name          string `json:"name"`
	Email         string `json:"email"`
	EmailVerified bool   `json:"email_verified"`
	Phone         string `json:"phone"`
	PhoneVerified bool   `json:"phone_verified"`
	OneFactor     bool   `json:"one_factor"`
}

// A given is the subject that a script signed in as, and a token for the API.
type given struct {
	Subject string `json:"subject"`
	Token   string `json:"token"`
}

// serveNewcomer signs a script in.
func (i *Issuer) serveNewcomer(w http.ResponseWriter, r *http.Request) {
	var in wanted
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(&in); err != nil {
		reply(w, http.StatusBadRequest, &refusal{"invalid_request", `send {"name":…,"email":…,"email_verified":true,"phone":…,"phone_verified":true}, or {"subject":…}; {"one_factor":true} leaves out the second factor`})
		return
	}
	out, err := i.giveToken(r.Context(), in)
	if err != nil {
		i.refuse(w, r, err)
		return
	}
	reply(w, http.StatusCreated, out)
}

func (i *Issuer) giveToken(ctx context.Context, in wanted) (given, error) {
	p, known := i.person(ctx, in.Subject)
	var err error
	switch {
	case in.Subject != "" && !known:
		return given{}, &refusal{"invalid_request", "there is nobody of that subject here"}
	case in.Subject == "":
		if p, err = i.add(Person{Name: in.Name, Email: in.Email, EmailVerified: in.EmailVerified, Phone: in.Phone, PhoneVerified: in.PhoneVerified}); err != nil {
			return given{}, err
		}
	}
	c := addressesOf(p)
	c.Subject, c.Audience, c.Use, c.Methods = p.Subject, i.opts.Audience, idUse, methods(p.TwoFactors && !in.OneFactor)
	token, err := i.sign(c, refreshLife)
	return given{p.Subject, token}, err
}
