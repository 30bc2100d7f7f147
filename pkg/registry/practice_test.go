package registry_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"evisit/pkg/fault"
	"evisit/pkg/practice"
	"evisit/pkg/registry"
)

func lakeside() registry.Registration {
	return registry.Registration{
		ID: "lakeside", Name: "Lakeside Family Medicine", Zone: "America/Los_Angeles", Phone: "(503) 555-0100", Inbox: "Desk@Lakeside.Example",
		Address: practice.Address{Line: "12 Shore Road", City: "Portland", State: "OR", ZIP: "97201-1234"},
		NPI:     "1234567893", EIN: "12-3456789", Taxonomy: "207Q00000X",
	}
}

func TestRegistration_IsNormalized(t *testing.T) {
	t.Parallel()
	got, err := lakeside().Check()
	if err != nil {
		t.Fatal(err)
	}
	if got.Phone != "+15035550100" || got.Inbox != "Desk@lakeside.example" || got.EIN != "123456789" {
		t.Errorf("kept as %q, %q, %q", got.Phone, got.Inbox, got.EIN)
	}
	if again, err := got.Check(); err != nil || again != got {
		t.Errorf("what is kept is changed by a second check: %+v, %v", again, err)
	}
}

func TestRegistration_EveryProblemIsNamed(t *testing.T) {
	t.Parallel()
	_, err := registry.Registration{}.Check()
	want := []string{
		"/id", "/name", "/address/line", "/address/city", "/address/state", "/address/zip", "/time_zone", "/phone", "/inbox", "/npi", "/ein", "/taxonomy",
	}
	if got := where(t, err); !slices.Equal(got, want) {
		t.Errorf("an empty registration names %v, want %v", got, want)
	}
	for name, test := range map[string]struct {
		change func(*registry.Registration)
		where  string
	}{
		"an id with capitals":               {func(r *registry.Registration) { r.ID = "Lakeside" }, "/id"},
		"a platform's part above 30%":       {func(r *registry.Registration) { r.PlatformFee = 3001 }, "/platform_fee_basis_points"},
		"a platform's part below nothing":   {func(r *registry.Registration) { r.PlatformFee = -1 }, "/platform_fee_basis_points"},
		"an account that is a customer":     {func(r *registry.Registration) { r.Account = "cus_123456789" }, "/stripe_account"},
		"an id of two hyphens":              {func(r *registry.Registration) { r.ID = "lake--side" }, "/id"},
		"an id that ends in a hyphen":       {func(r *registry.Registration) { r.ID = "lakeside-" }, "/id"},
		"an id of 41":                       {func(r *registry.Registration) { r.ID = strings.Repeat("a", 41) }, "/id"},
		"an id of the platform":             {func(r *registry.Registration) { r.ID = "platform" }, "/id"},
		"a name that turns the text around": {func(r *registry.Registration) { r.Name = "Lakeside \u202egnp.exe" }, "/name"},
		"a name of two lines":               {func(r *registry.Registration) { r.Name = "Lake\nside" }, "/name"},
		"a name of 121":                     {func(r *registry.Registration) { r.Name = strings.Repeat("é", 121) }, "/name"},
		"a zone of the machine":             {func(r *registry.Registration) { r.Zone = "Local" }, "/time_zone"},
		"a zone that is a path":             {func(r *registry.Registration) { r.Zone = "../etc/localtime" }, "/time_zone"},
		"an area code of 1":                 {func(r *registry.Registration) { r.Phone = "150 355 5010" }, "/phone"},
		"two addresses":                     {func(r *registry.Registration) { r.Inbox = "a@b.example, c@d.example" }, "/inbox"},
		"an address with a name":            {func(r *registry.Registration) { r.Inbox = "Desk <a@b.example>" }, "/inbox"},
		"an NPI with a wrong digit":         {func(r *registry.Registration) { r.NPI = "1234567894" }, "/npi"},
		"an EIN of no campus":               {func(r *registry.Registration) { r.EIN = "00-3456789" }, "/ein"},
		"an EIN written as an SSN":          {func(r *registry.Registration) { r.EIN = "123-45-678" }, "/ein"},
		"a taxonomy without its X":          {func(r *registry.Registration) { r.Taxonomy = "207Q000000" }, "/taxonomy"},
		"no state":                          {func(r *registry.Registration) { r.Address.State = "XX" }, "/address/state"},
		"two states":                        {func(r *registry.Registration) { r.Address.State = "R PA" }, "/address/state"},
		"a ZIP code of four":                {func(r *registry.Registration) { r.Address.ZIP = "9720" }, "/address/zip"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := lakeside()
			test.change(&r)
			if _, err := r.Check(); !slices.Equal(where(t, err), []string{test.where}) {
				t.Errorf("names %v, want %s alone", where(t, err), test.where)
			}
		})
	}
}

func where(t *testing.T, err error) []string {
	t.Helper()
	f, ok := fault.Public(err)
	if !ok || !errors.Is(err, fault.Invalid) {
		t.Fatalf("not refused as invalid: %v", err)
	}
	var out []string
	for _, p := range f.Problems {
		out = append(out, p.Where)
		if p.Code == "" || !strings.HasSuffix(p.Text, ".") {
			t.Errorf("%s is said without a code or a sentence: %+v", p.Where, p)
		}
	}
	return out
}

func TestPhone_AsItIsDialled(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]string{
		"503 555 0100": "+15035550100", "1-503-555-0100": "+15035550100", "+1 (503) 555.0100": "+15035550100", "+44 20 7946 0018": "+442079460018",
		"": "", "555 0100": "", "911": "", "+1 503 055 0100": "", "+0 503 555 0100": "", "4420 7946 0018": "", "+1234567890123456": "", "503 555 0100 x12": "",
		"٥٠٣٥٥٥٠١٠٠": "",
	} {
		if got, ok := registry.Phone(s); ok != (want != "") || ok && got != want {
			t.Errorf("Phone(%q) is %q, %t; want %q", s, got, ok, want)
		}
	}
}
