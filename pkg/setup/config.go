// Package setup turns the environment into the parts of a function, and each
// package below it makes the handler of one function from them. Every main, in
// Lambda and on a laptop, makes its handler there, so that the code tested
// locally is the code deployed; and a function links no package that only
// another function needs.
package setup

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"

	"evisit/pkg/audit"
	"evisit/pkg/clinic"
)

// A Config is a function's settings, read from its environment. Every function
// needs Table, and is given no setting that it does not use.
type Config struct {
	Table  string // EVISIT_TABLE: the DynamoDB table
	Bucket string // EVISIT_BUCKET: the S3 bucket of documents
	Pages  string // EVISIT_PAGES: where people reach the pages, such as https://visit.example.org

	// Issuers, of OIDC_ISSUER, OIDC_JWKS_URL, OIDC_AUDIENCE and OIDC_SECOND_FACTOR, are
	// those whose tokens are trusted; patients sign in at the first, people who work at
	// the others if there are any.
	Issuers []Issuer
	// Operators, EVISIT_OPERATORS, run the system: of each the issuer and the subject, as
	// in https://issuer.example|subject, separated by commas. A subject alone is one of
	// the first issuer.
	Operators []clinic.Proof

	// Secrets, EVISIT_SECRETS, is the folder of the installation's secrets in Secrets
	// Manager, such as evisit/production. No secret is a setting (package secret).
	Secrets string
	// StaffIdle, EVISIT_STAFF_IDLE, is how long a person who works at a practice may
	// be idle before they must sign in again; 0 is 15 minutes.
	StaffIdle time.Duration

	StripeBase string // STRIPE_API_BASE: empty is Stripe itself
	StripeMode string // EVISIT_STRIPE_MODE: live or test, as the keys; webhooks of the other are not used

	KMSKey string // EVISIT_KMS_KEY: the key that the keyset is encrypted under

	MailFrom   string // EVISIT_MAIL_FROM: sender address
	MailEvents string // EVISIT_MAIL_EVENTS: the SES configuration set that tells of letters that come back

	Log audit.Key // EVISIT_LOG_ORIGIN, EVISIT_LOG_PUBLIC: base64 of the public half of an Ed25519 key

	// Metrics, EVISIT_METRICS, is the namespace of the function's metrics in
	// CloudWatch; empty: the log has their numbers, and CloudWatch no metrics.
	Metrics string
	// Unlimited, EVISIT_LIMITS=off, lets everyone ask as often as they like; for
	// measurements only.
	Unlimited bool
	// ClockOffset, EVISIT_CLOCK_OFFSET, moves the clock; for trials only.
	ClockOffset time.Duration
	// Endpoints of AWS services elsewhere than at AWS; empty is AWS itself.
	DynamoDB string // DYNAMODB_ENDPOINT
	S3       string // S3_ENDPOINT
}

// The bounds of StaffIdle. Use is written every five minutes, and no session lasts
// longer than twelve hours.
const (
	shortestIdle = 5 * time.Minute
	longestIdle  = 12 * time.Hour
)

// Load reads a Config and reports all its faults at once.
func Load(getenv func(string) string) (Config, error) {
	var failures []error
	c := Config{
		Table: getenv("EVISIT_TABLE"), Bucket: getenv("EVISIT_BUCKET"), Pages: strings.TrimSuffix(getenv("EVISIT_PAGES"), "/"),
		Secrets: getenv("EVISIT_SECRETS"), StripeBase: getenv("STRIPE_API_BASE"),
		KMSKey: getenv("EVISIT_KMS_KEY"), MailFrom: getenv("EVISIT_MAIL_FROM"), MailEvents: getenv("EVISIT_MAIL_EVENTS"), Metrics: getenv("EVISIT_METRICS"),
		Log:      audit.Key{Base: getenv("EVISIT_LOG_ORIGIN")},
		DynamoDB: getenv("DYNAMODB_ENDPOINT"), S3: getenv("S3_ENDPOINT"),
	}
	var err error
	if c.Issuers, err = loadIssuers(getenv); err != nil {
		failures = append(failures, err)
	}
	if c.Operators, err = loadOperators(getenv, c.Issuers); err != nil {
		failures = append(failures, err)
	}
	if s := getenv("EVISIT_LOG_PUBLIC"); s != "" {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil || len(b) != ed25519.PublicKeySize {
			failures = append(failures, errors.New("EVISIT_LOG_PUBLIC is not the base64 of an Ed25519 public key"))
		}
		c.Log.Public = b
	}
	if c.StripeMode = getenv("EVISIT_STRIPE_MODE"); !slices.Contains([]string{"", "live", "test"}, c.StripeMode) {
		failures = append(failures, errors.New("EVISIT_STRIPE_MODE is neither live nor test"))
	}
	if u, err := url.Parse(c.Pages); c.Pages != "" && (err != nil || u.Scheme == "" || u.Host == "") {
		failures = append(failures, errors.New("EVISIT_PAGES is not an address such as https://visit.example.org"))
	}
	if s := getenv("EVISIT_CLOCK_OFFSET"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil {
			failures = append(failures, errors.New("EVISIT_CLOCK_OFFSET is not a duration such as 36h"))
		}
		c.ClockOffset = d
	}
	switch getenv("EVISIT_LIMITS") {
	case "", "on":
	case "off":
		c.Unlimited = true
	default:
		failures = append(failures, errors.New("EVISIT_LIMITS is neither on nor off"))
	}
	if s := getenv("EVISIT_STAFF_IDLE"); s != "" {
		d, err := time.ParseDuration(s)
		if err != nil || d < shortestIdle || d > longestIdle {
			failures = append(failures, errors.New("EVISIT_STAFF_IDLE is not a duration from 5m to 12h"))
		}
		c.StaffIdle = d
	}
	return c, errors.Join(failures...)
}

// Need reports which of the named settings are empty.
func Need(settings map[string]string) error {
	var failures []error
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		if settings[name] == "" {
			failures = append(failures, errors.New(name+" is not set"))
		}
	}
	return errors.Join(failures...)
}
