package setup

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"evisit/pkg/clinic"
)

// An Issuer is one whose tokens are trusted. Settings list them in the same order,
// separated by commas.
type Issuer struct {
	URL      string // OIDC_ISSUER: as its tokens name it
	Keys     string // OIDC_JWKS_URL: its signing keys
	Audience string // OIDC_AUDIENCE: the audience of its tokens; also the pages' OIDC client id
	// AlwaysTwo is set for an issuer in OIDC_SECOND_FACTOR: it signs in nobody without a
	// second factor, whatever its tokens say of it.
	AlwaysTwo bool
}

// loadIssuers reads the issuers, and reports all that is wrong with them. A list that is
// left out whole leaves its part of each empty, for Need to tell.
func loadIssuers(getenv func(string) string) ([]Issuer, error) {
	var failures []error
	urls, keys, audiences := list(getenv("OIDC_ISSUER")), list(getenv("OIDC_JWKS_URL")), list(getenv("OIDC_AUDIENCE"))
	all := make([]Issuer, max(len(urls), len(keys), len(audiences)))
	for _, s := range []struct {
		name   string
		values []string
		set    func(*Issuer, string)
		ok     func(string) bool
	}{
		{"OIDC_ISSUER", urls, func(i *Issuer, v string) { i.URL = v }, isAddress},
		{"OIDC_JWKS_URL", keys, func(i *Issuer, v string) { i.Keys = v }, isAddress},
		{"OIDC_AUDIENCE", audiences, func(i *Issuer, v string) { i.Audience = v }, func(v string) bool { return v != "" }},
	} {
		if len(s.values) > 0 && len(s.values) != len(all) {
			failures = append(failures, fmt.Errorf("%s lists %d values, and another of OIDC_ISSUER, OIDC_JWKS_URL and OIDC_AUDIENCE lists %d", s.name, len(s.values), len(all)))
		}
		for n, v := range s.values {
			if s.set(&all[n], v); !s.ok(v) {
				failures = append(failures, fmt.Errorf("%s: its %d. value is not what it should be", s.name, n+1))
			}
		}
	}
	for n, u := range urls {
		if slices.Contains(urls[:n], u) {
			failures = append(failures, fmt.Errorf("OIDC_ISSUER: its %d. value is there twice", n+1))
		}
	}
	for n, u := range list(getenv("OIDC_SECOND_FACTOR")) {
		at := slices.Index(urls, u)
		if len(urls) == 0 { // which Need tells
			break
		}
		if at < 0 || u == "" {
			failures = append(failures, fmt.Errorf("OIDC_SECOND_FACTOR: its %d. value is none of OIDC_ISSUER", n+1))
			continue
		}
		all[at].AlwaysTwo = true
	}
	if len(all) == 0 {
		all = nil
	}
	return all, errors.Join(failures...)
}

// loadOperators reads who runs the system.
func loadOperators(getenv func(string) string, issuers []Issuer) ([]clinic.Proof, error) {
	var failures []error
	var all []clinic.Proof
	for n, s := range list(getenv("EVISIT_OPERATORS")) {
		p := clinic.Proof{Subject: s}
		if issuer, subject, named := strings.Cut(s, "|"); named {
			p = clinic.Proof{Issuer: issuer, Subject: subject}
		} else if len(issuers) > 0 {
			p.Issuer = issuers[0].URL
		}
		unset := len(issuers) == 0 || issuers[0].URL == "" // which Need tells
		if p.Subject == "" || !unset && !slices.ContainsFunc(issuers, func(i Issuer) bool { return i.URL == p.Issuer }) {
			failures = append(failures, fmt.Errorf("EVISIT_OPERATORS: its %d. value is no subject, or no issuer of OIDC_ISSUER, | and subject", n+1))
		}
		all = append(all, p)
	}
	return all, errors.Join(failures...)
}

// list splits a setting at its commas.
func list(s string) []string {
	if s == "" {
		return nil
	}
	all := strings.Split(s, ",")
	for n := range all {
		all[n] = strings.TrimSpace(all[n])
	}
	return all
}

func isAddress(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && u.User == nil && u.Fragment == ""
}
