package identity_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/identity"
)

var noon = time.Date(2026, time.March, 2, 12, 0, 0, 0, time.UTC)

var actions = []identity.Action{
	identity.StartVisit, identity.ListVisits, identity.ReadVisit, identity.ReadChart, identity.FillVisit, identity.WriteToTeam, identity.ReadQueue,
	identity.TakeVisit, identity.TreatVisit, identity.ReadMoney, identity.ReadTrail, identity.ReadLog, identity.ReadWork, identity.EndWork,
	identity.ResumeWork, identity.RunPractices, identity.ReadRoster, identity.ManagePeople, identity.DecideTerms, identity.ConnectAccount, identity.WriteForms, identity.ApproveForms,
	identity.ReadAccess, identity.DownloadRecord, identity.ReleaseVisit, identity.HandOverVisit, identity.TakeOverVisit,
	identity.ReadDispute, identity.AnswerDispute, identity.ReadBooks, identity.RefundPayment, identity.BillPlan, identity.ReadPatient, identity.ChangePatient, identity.DelegatePower, identity.ManagePatients, identity.GiveDiscounts, identity.HoldMembership, identity.EndMembership,
}

// How a person may stand to the visit of patient-1 at practice-1.
var relations = map[string]func(*identity.Person, *identity.Resource){
	"is the patient": func(p *identity.Person, r *identity.Resource) { p.Patient = r.Patient },
	"acts for the patient": func(p *identity.Person, r *identity.Resource) {
		p.Grants = []identity.Grant{{Patient: "patient-9"}, {Patient: r.Patient, Until: noon.Add(time.Nanosecond)}}
	},
	"acts without end": func(p *identity.Person, r *identity.Resource) { p.Grants = []identity.Grant{{Patient: r.Patient}} },
	"reads of the patient": func(p *identity.Person, r *identity.Resource) {
		p.Grants = []identity.Grant{{Patient: "patient-9"}, {Patient: r.Patient, Scope: identity.Reading}}
	},
	"acted until now": func(p *identity.Person, r *identity.Resource) {
		p.Patient, p.Grants = "patient-9", []identity.Grant{{Patient: r.Patient, Until: noon}}
	},
	"is someone else's": func(p *identity.Person, _ *identity.Resource) {
		p.Patient, p.Grants = "patient-9", []identity.Grant{{Patient: "patient-8"}}
	},
	"works there":   func(*identity.Person, *identity.Resource) {},
	"has taken it":  func(p *identity.Person, r *identity.Resource) { r.Holder = p.ID },
	"had it last":   func(p *identity.Person, r *identity.Resource) { r.Holder, r.Former = "person-9", p.ID },
	"another's has": func(_ *identity.Person, r *identity.Resource) { r.Holder = "person-9" },
}

const (
	ofPatient = "visit.start visit.list visit.read chart.read visit.fill message.send ledger.read audit.read access.read record.download patient.read patient.change membership.hold"
	ofReader  = "visit.list visit.read chart.read ledger.read audit.read access.read record.download patient.read"
	ofStaff   = " payment.refund plan.bill patient.read patient.change patient.delegate patient.manage discount.give"
	anyPool   = "clinical staff none"
	nothing   = "" // the visit is not there for them: 404 to everything
)

// policy is who may do what, written out: what is not in allowed is denied, or
// not found where nothing is allowed.
var policy = []struct {
	role      identity.Role
	relations string // separated by commas
	pools     string
	allowed   string
}{
	{identity.PatientRole, "is the patient,acts for the patient,acts without end", anyPool, ofPatient + " patient.delegate"},
	{identity.PatientRole, "reads of the patient", anyPool, ofReader},
	{identity.Caregiver, "reads of the patient", anyPool, ofReader},
	{identity.PatientRole, "acted until now,is someone else's,works there,has taken it", anyPool, nothing},
	{identity.Caregiver, "is the patient,acts for the patient,acts without end", anyPool, ofPatient},
	{identity.Caregiver, "acted until now,is someone else's,works there,has taken it", anyPool, nothing},

	{identity.Clinician, "works there,another's has,is the patient,acts without end", "clinical", "visit.read chart.read queue.read visit.take visit.take_over work.read work.end"},
	{identity.Clinician, "has taken it", "clinical", "visit.read chart.read queue.read visit.take visit.take_over visit.treat visit.release visit.hand_over work.read work.end"},
	{identity.Clinician, "had it last", "clinical", "visit.read chart.read queue.read visit.take visit.take_over visit.release visit.hand_over work.read work.end"},
	{identity.Clinician, "works there,another's has,has taken it,had it last,is the patient", "staff none", nothing},

	{identity.Nurse, "works there,another's has,has taken it,had it last", "clinical", "visit.read chart.read queue.read work.read work.end"},
	{identity.Nurse, "works there,another's has,has taken it", "staff none", nothing},

	{identity.Staff, "works there,another's has", "staff", "visit.read chart.read queue.read visit.take visit.take_over ledger.read work.read work.end" + ofStaff},
	{identity.Staff, "has taken it", "staff", "visit.read chart.read queue.read visit.take visit.take_over visit.treat visit.release visit.hand_over ledger.read work.read work.end" + ofStaff},
	{identity.Staff, "had it last", "staff", "visit.read chart.read queue.read visit.take visit.take_over visit.release visit.hand_over ledger.read work.read work.end" + ofStaff},
	{identity.Staff, "works there,another's has,has taken it,had it last", "clinical none", "visit.read ledger.read" + ofStaff},

	{identity.Admin, "works there,another's has,has taken it", anyPool, "visit.read ledger.read ledger.books dispute.read dispute.answer audit.read log.read work.read work.end work.resume roster.read roster.change terms.decide account.connect form.write membership.end" + ofStaff},
	{identity.Director, "works there,another's has,has taken it", anyPool, "roster.read form.write form.approve"},
	{identity.Operator, "works there,another's has,has taken it", anyPool, "practice.run work.read work.end work.resume"},

	{"", "works there,is the patient,has taken it", anyPool, nothing},
	{"janitor", "works there,is the patient,has taken it", anyPool, nothing},
}

func TestAllow_WholePolicy(t *testing.T) {
	t.Parallel()
	for _, line := range policy {
		for relation := range strings.SplitSeq(line.relations, ",") {
			for pool := range strings.FieldsSeq(line.pools) {
				p, r := stand(t, line.role, relation, pool)
				for _, a := range actions {
					want := error(fault.Denied)
					switch {
					case slices.Contains(strings.Fields(line.allowed), string(a)):
						want = nil
					case line.allowed == nothing:
						want = fault.NotFound
					}
					name := fmt.Sprintf("%s who %s, %s pool: %s", line.role, relation, pool, a)
					if got := identity.Allow(p, a, r, noon); !errors.Is(got, want) {
						t.Errorf("%s = %v, want %v", name, got, want)
					}
					foreign := p
					foreign.Practice = "practice-2"
					if got := identity.Allow(foreign, a, r, noon); !errors.Is(got, fault.NotFound) {
						t.Errorf("%s, at another practice = %v, want not found", name, got)
					}
					gone := p
					gone.Inactive = true
					if got := identity.Allow(gone, a, r, noon); !errors.Is(got, fault.NotFound) {
						t.Errorf("%s, deactivated = %v, want not found", name, got)
					}
				}
			}
		}
	}
}

func stand(t *testing.T, role identity.Role, relation, pool string) (identity.Person, identity.Resource) {
	t.Helper()
	p := identity.Person{ID: "person-1", Practice: "practice-1", Role: role}
	r := identity.Resource{Practice: "practice-1", Patient: "patient-1"}
	if pool != "none" {
		r.Pool = identity.Pool(pool)
	}
	relate, ok := relations[relation]
	if !ok {
		t.Fatalf("no relation %q", relation)
	}
	relate(&p, &r)
	return p, r
}

func TestAllow_ZeroFieldsMatchNobody(t *testing.T) {
	t.Parallel()
	for _, role := range []identity.Role{identity.PatientRole, identity.Caregiver, identity.Clinician, identity.Nurse, identity.Staff, identity.Admin, identity.Director, identity.Operator} {
		for name, r := range map[string]identity.Resource{
			"nothing at all":    {},
			"no practice":       {Patient: "patient-1", Holder: "person-1", Pool: identity.ClinicalPool},
			"no practice, pool": {Patient: "patient-1", Holder: "person-1", Pool: identity.StaffPool},
		} {
			for _, p := range []identity.Person{
				{Role: role},
				{ID: "person-1", Role: role, Patient: "patient-1", Grants: []identity.Grant{{Patient: ""}}},
			} {
				for _, a := range actions {
					if err := identity.Allow(p, a, r, noon); !errors.Is(err, fault.NotFound) {
						t.Errorf("%s, %s of %s = %v, want not found", role, a, name, err)
					}
				}
			}
		}
	}
	p := identity.Person{Practice: "practice-1", Role: identity.Clinician}
	r := identity.Resource{Practice: "practice-1", Pool: identity.ClinicalPool}
	if err := identity.Allow(p, identity.TreatVisit, r, noon); !errors.Is(err, fault.Denied) {
		t.Errorf("a visit nobody has taken, treated by nobody = %v, want denied", err)
	}
	if (identity.Person{}).ActsFor("", noon) {
		t.Error("nobody acts for nobody")
	}
}

func TestLicensedIn_StateAndExpiry(t *testing.T) {
	t.Parallel()
	p := identity.Person{Licenses: []identity.License{
		{State: "CA", Expires: noon.Add(-time.Hour)}, {State: "CA", Expires: noon}, {State: "OR", Expires: noon},
	}}
	for _, test := range []struct {
		state string
		now   time.Time
		want  bool
	}{
		{"CA", noon.Add(-time.Nanosecond), true},
		{"CA", noon, false},
		{"OR", noon.Add(-2 * time.Hour), true},
		{"WA", noon.Add(-2 * time.Hour), false},
		{"", noon.Add(-2 * time.Hour), false},
		{"ca", noon.Add(-2 * time.Hour), false},
	} {
		if got := p.LicensedIn(test.state, test.now); got != test.want {
			t.Errorf("licensed in %q at %v: %t", test.state, test.now, got)
		}
	}
}

func TestPoolOf_QueueIsReadable(t *testing.T) {
	t.Parallel()
	for role, want := range map[identity.Role]identity.Pool{
		identity.Staff: identity.StaffPool, identity.Clinician: identity.ClinicalPool, identity.Nurse: identity.ClinicalPool,
	} {
		p := identity.Person{ID: "person-1", Practice: "practice-1", Role: role}
		if got := p.PoolOf(); got != want {
			t.Errorf("%s works from %s, want %s", role, got, want)
		}
		if err := identity.Allow(p, identity.ReadQueue, identity.Resource{Practice: "practice-1", Pool: p.PoolOf()}, noon); err != nil {
			t.Errorf("%s may not read the queue it works from: %v", role, err)
		}
	}
}

// Each refusal says the reason that is true of the one who is refused, and a
// stranger learns nothing.
func TestAllow_SaysWhy(t *testing.T) {
	t.Parallel()
	const clinical, staff = identity.ClinicalPool, identity.StaffPool
	at := func(pool identity.Pool, holder, name string) identity.Resource {
		return identity.Resource{Practice: "practice-1", Patient: "patient-1", Pool: pool, Holder: holder, HolderName: name}
	}
	whole := identity.Resource{Practice: "practice-1", Pool: clinical, Whole: true}
	const role = "your role does not allow this; it is for "
	for name, c := range map[string]struct {
		role   identity.Role
		action identity.Action
		on     identity.Resource
		want   string
	}{
		"treat, a colleague's":          {identity.Clinician, identity.TreatVisit, at(clinical, "person-9", "Ana Rivera, MD"), "Ana Rivera, MD has taken this visit, and nobody else may do this"},
		"treat, a nameless colleague's": {identity.Clinician, identity.TreatVisit, at(clinical, "person-9", ""), "a colleague has taken this visit, and nobody else may do this"},
		"treat, nobody's":               {identity.Clinician, identity.TreatVisit, at(clinical, "", ""), "nobody has taken this visit, and only who takes it may do this"},
		"treat paperwork, a colleague's": {
			identity.Staff, identity.TreatVisit, at(staff, "person-9", "Sam Lee"), "Sam Lee has taken this visit, and nobody else may do this",
		},
		"treat, staff":          {identity.Staff, identity.TreatVisit, at(clinical, "person-9", "Ana Rivera, MD"), role + "clinicians"},
		"treat, nurse":          {identity.Nurse, identity.TreatVisit, at(clinical, "person-9", "Ana Rivera, MD"), role + "clinicians"},
		"treat, patient":        {identity.PatientRole, identity.TreatVisit, at(clinical, "person-9", "Ana Rivera, MD"), role + "clinicians"},
		"take paperwork":        {identity.Admin, identity.TakeVisit, at(staff, "", ""), role + "staff"},
		"take, nurse":           {identity.Nurse, identity.TakeVisit, at(clinical, "", ""), role + "clinicians"},
		"read a chart, staff":   {identity.Staff, identity.ReadChart, at(clinical, "", ""), role + "the patient, who acts for the patient, clinicians, nurses"},
		"cancel, clinician":     {identity.Clinician, identity.FillVisit, at(clinical, "", ""), role + "the patient, who acts for the patient"},
		"read the money":        {identity.Clinician, identity.ReadMoney, at(clinical, "", ""), role + "the patient, who acts for the patient, staff, administrators"},
		"read the books, staff": {identity.Staff, identity.ReadBooks, whole, role + "administrators"},
		"read the log, staff":   {identity.Staff, identity.ReadLog, whole, role + "administrators"},
		"read the log, nurse":   {identity.Nurse, identity.ReadLog, whole, role + "administrators"},
		"read the log, doctor":  {identity.Clinician, identity.ReadLog, whole, role + "administrators"},
		"read the log, ill":     {identity.PatientRole, identity.ReadLog, whole, role + "administrators"},
		"read the queue, ill":   {identity.Caregiver, identity.ReadQueue, whole, role + "clinicians, nurses, staff"},
		"read the queue":        {identity.Admin, identity.ReadQueue, whole, role + "clinicians, nurses, staff"},
		"what nobody may":       {identity.Admin, "visit.burn", whole, "your role does not allow this"},
	} {
		p := identity.Person{ID: "person-1", Practice: "practice-1", Role: c.role, Patient: "patient-1"}
		err := identity.Allow(p, c.action, c.on, noon)
		if f, ok := fault.Public(err); !ok || !errors.Is(err, fault.Denied) || f.Code != "denied" || f.Text != c.want {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		p.Practice = "practice-2"
		if err := identity.Allow(p, c.action, c.on, noon); !errors.Is(err, fault.NotFound) || strings.Contains(err.Error(), "Ana") {
			t.Errorf("%s, at another practice: %v", name, err)
		}
	}
	for name, p := range map[string]identity.Person{
		"no role":      {ID: "person-1", Practice: "practice-1"},
		"another role": {ID: "person-1", Practice: "practice-1", Role: "janitor"},
		"deactivated":  {ID: "person-1", Practice: "practice-1", Role: identity.Staff, Inactive: true},
		"no practice":  {ID: "person-1", Role: identity.Staff},
	} {
		if err := identity.Allow(p, identity.ReadLog, whole, noon); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s reads the log: %v", name, err)
		}
	}
}

// The record of a refusal says which kind of stranger was refused.
func TestReason_KindsOfStrangers(t *testing.T) {
	t.Parallel()
	at := identity.Resource{Practice: "practice-1", Patient: "patient-1", Pool: identity.ClinicalPool}
	grant := []identity.Grant{{Patient: "patient-1", Until: noon}}
	for want, p := range map[string]identity.Person{
		"inactive":       {Practice: "practice-1", Role: identity.Clinician, Inactive: true},
		"other_practice": {Practice: "practice-2", Role: identity.Caregiver, Grants: grant},
		"grant_ended":    {Practice: "practice-1", Role: identity.Caregiver, Grants: grant},
		"no_relation":    {Practice: "practice-1", Role: identity.PatientRole, Patient: "patient-2"},
		"role":           {Practice: "practice-1", Role: identity.Admin},
	} {
		if got := identity.Reason(p, identity.ReadChart, at, noon); got != want {
			t.Errorf("%+v is refused as %s, want %s", p, got, want)
		}
	}
}

func TestPurposeOf_RoleAndAction(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		role   identity.Role
		action string
		want   identity.Purpose
	}{
		{identity.PatientRole, "chart.read:page", identity.Individual},
		{identity.Caregiver, "ledger.read", identity.Individual},
		{identity.Clinician, "visit.treat:answered", identity.Treatment},
		{identity.Nurse, "chart.read:chart", identity.Treatment},
		{identity.Staff, "ledger.read", identity.Payment},
		{identity.Staff, "work.end", identity.Operations},
		{identity.Admin, "audit.read", identity.Operations},
		{"system", "payment.captured", identity.Payment},
		{"system", "visit.due:expired", identity.Operations},
	} {
		if got := identity.PurposeOf(c.role, c.action); got != c.want {
			t.Errorf("%s by %s is for %s, want %s", c.action, c.role, got, c.want)
		}
	}
}

// Who has several roles may do what each of them may, and no more.
func TestAllow_RolesAddUp(t *testing.T) {
	t.Parallel()
	r := identity.Resource{Practice: "practice-1", Patient: "patient-1", Pool: identity.ClinicalPool}
	of := func(main identity.Role, also ...identity.Role) []identity.Action {
		rights := identity.Rights(identity.Person{ID: "person-1", Practice: "practice-1", Role: main, Also: also}, r, noon)
		slices.Sort(rights)
		return slices.Compact(rights)
	}
	both := append(of(identity.Clinician), of(identity.Admin)...)
	slices.Sort(both)
	if got := of(identity.Clinician, identity.Admin); !slices.Equal(got, slices.Compact(both)) {
		t.Errorf("a clinician and administrator may %v, want %v", got, both)
	}
	if got := of(identity.Nurse, ""); !slices.Equal(got, of(identity.Nurse)) {
		t.Errorf("an empty role adds %v", got)
	}
}
