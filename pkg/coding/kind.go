package coding

// A Kind is what a person is by training and license. The zero Kind is unknown.
type Kind string

// The kinds. Any other is unknown too.
const (
	Physician         Kind = "physician"
	NursePractitioner Kind = "np"
	PhysicianAssist   Kind = "pa"
	ClinicalNurseSpec Kind = "cns"
	NurseMidwife      Kind = "cnm"

	PhysicalTherapist     Kind = "pt"
	OccupationalTherapist Kind = "ot"
	SpeechPathologist     Kind = "slp"
	ClinicalSocialWorker  Kind = "lcsw"
	ClinicalPsychologist  Kind = "psychologist"

	Nurse Kind = "nurse"
	Staff Kind = "staff"
)

// A Family is the codes that a kind of clinician may report.
type Family string

// The families. Nurses and staff are of none.
const (
	Evaluation Family = "evaluation" // who may report evaluation and management
	Assessment Family = "assessment" // qualified professionals who may not
)

// A Role is whose time is kept apart.
type Role string

// The roles.
const (
	ClinicianTime Role = "clinician"
	NurseTime     Role = "nurse"
	StaffTime     Role = "staff"
	UnknownTime   Role = "unknown"
)

type kind struct {
	family   Family
	role     Role
	modifier string // of a therapist's discipline, where the payer asks for it
	words    string
}

// kinds are who may report which family (CPT; for Medicare, the second family is of
// therapists, clinical social workers and clinical psychologists: ASHA).
var kinds = map[Kind]kind{
	Physician:         {Evaluation, ClinicianTime, "", "a physician"},
	NursePractitioner: {Evaluation, ClinicianTime, "", "a nurse practitioner"},
	PhysicianAssist:   {Evaluation, ClinicianTime, "", "a physician assistant"},
	ClinicalNurseSpec: {Evaluation, ClinicianTime, "", "a clinical nurse specialist"},
	NurseMidwife:      {Evaluation, ClinicianTime, "", "a certified nurse-midwife"},

	PhysicalTherapist:     {Assessment, ClinicianTime, "GP", "a physical therapist"},
	OccupationalTherapist: {Assessment, ClinicianTime, "GO", "an occupational therapist"},
	SpeechPathologist:     {Assessment, ClinicianTime, "GN", "a speech-language pathologist"},
	ClinicalSocialWorker:  {Assessment, ClinicianTime, "", "a clinical social worker"},
	ClinicalPsychologist:  {Assessment, ClinicianTime, "", "a clinical psychologist"},

	Nurse: {"", NurseTime, "", "a nurse"},
	Staff: {"", StaffTime, "", "staff"},
}

// Clinicians are the kinds who answer patients in their own name.
var Clinicians = []Kind{
	Physician, NursePractitioner, PhysicianAssist, ClinicalNurseSpec, NurseMidwife,
	PhysicalTherapist, OccupationalTherapist, SpeechPathologist, ClinicalSocialWorker, ClinicalPsychologist,
}

// Treats reports whether k is one of Clinicians.
func (k Kind) Treats() bool { return k.Role() == ClinicianTime }

// Family returns the codes that k may report; empty if none.
func (k Kind) Family() Family { return kinds[k].family }

// Words says what somebody of kind k is: a nurse practitioner; empty if k is unknown.
func (k Kind) Words() string { return kinds[k].words }

// Role returns whose time a person's is.
func (k Kind) Role() Role {
	if known, ok := kinds[k]; ok {
		return known.role
	}
	return UnknownTime
}
