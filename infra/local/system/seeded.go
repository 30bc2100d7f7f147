package system

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"time"

	"evisit/infra/local/issuer"
	"evisit/infra/local/seed"
)

// Seeded is what `make seed` prints: all that a stranger needs to drive the
// system.
type Seeded struct {
	BaseURL string         `json:"base_url"`
	Stripe  string         `json:"stripe_url,omitempty"` // the simulator
	People  []SeededPerson `json:"people"`
	Plans   []SeededPlan   `json:"plans"`
	Forms   []SeededForm   `json:"forms"`
}

// A SeededPerson is one of the cast with a token that is good for a month.
type SeededPerson struct {
	Role     string `json:"role"`
	Name     string `json:"name"`
	Practice string `json:"practice"`
	ID       string `json:"id"`
	Token    string `json:"token"`
}

// A SeededPlan is a health plan with the key that signs its assertions.
type SeededPlan struct {
	Name       string `json:"name"`
	ClientID   string `json:"client_id"`
	PrivateKey string `json:"private_key"`
	TokenURL   string `json:"token_url"`
}

// A SeededForm is a form version and where to read it.
type SeededForm struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	URL     string `json:"url"`
}

const tokenLife = 30 * 24 * time.Hour

func (s *System) serveSeed(w http.ResponseWriter, r *http.Request) error {
	if err := s.plant(r.Context()); err != nil {
		return err
	}
	out := Seeded{BaseURL: s.URL, Stripe: s.Stripe}
	for _, m := range seed.Cast(s.clock.Now()) {
		token, err := s.issuer.Token(m.Subject(), tokenLife)
		if err != nil {
			return err
		}
		out.People = append(out.People, SeededPerson{string(m.Person.Role), m.Name, m.Person.Practice, m.Person.ID, token})
	}
	keys, err := s.planKeys()
	if err != nil {
		return err
	}
	for _, p := range seed.Plans {
		out.Plans = append(out.Plans, SeededPlan{p.Name, p.ClientID, keys[p.ClientID], s.issuer.TokenURL()})
	}
	fs, err := seed.Forms()
	if err != nil {
		return err
	}
	for _, f := range fs {
		out.Forms = append(out.Forms, SeededForm{f.Name(), f.Version(), s.URL + "/forms/" + f.Name() + "/versions/" + f.Version()})
	}
	return writeJSON(w, out)
}

// planKeys makes each plan's key once and registers it with the issuer.
func (s *System) planKeys() (map[string]string, error) {
	keys := map[string]string{}
	b, err := os.ReadFile(s.path("plans.json"))
	if err == nil {
		return keys, json.Unmarshal(b, &keys)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for _, p := range seed.Plans {
		private, public, err := issuer.GeneratePlanKey()
		if err != nil {
			return nil, err
		}
		if err := s.issuer.AddPlan(p.ClientID, public); err != nil {
			return nil, err
		}
		keys[p.ClientID] = private
	}
	if b, err = json.Marshal(keys); err != nil {
		return nil, err
	}
	return keys, os.WriteFile(s.path("plans.json"), b, 0o600)
}
