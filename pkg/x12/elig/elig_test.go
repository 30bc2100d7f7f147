package elig_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"evisit/pkg/civil"
	"evisit/pkg/fault"
	"evisit/pkg/phi"
	"evisit/pkg/x12"
	"evisit/pkg/x12/elig"
	"evisit/pkg/x12/x12test"
)

func inquiry() *elig.Inquiry {
	return &elig.Inquiry{
		Reference: "Q1", Trace: "Q1-1", Origin: "9EVISIT001", On: x12test.Day(20260114), Services: []string{elig.PlanCoverage, elig.OfficeVisit},
		Payer: elig.Organization{Name: "EXAMPLE HEALTH PLAN", ID: "EXPLAN01"}, Provider: elig.Provider{Name: "LAKESIDE FAMILY MEDICINE", NPI: "1234567893"},
		Subscriber: elig.Person{Last: "SMITH", First: "JANE", MemberID: "MEM123456", Birth: "19850412", Gender: "F"},
	}
}

func child() *elig.Inquiry {
	q := inquiry()
	q.Provider = elig.Provider{Name: "RIVERA", First: "ANA", NPI: "1679576722"}
	q.Dependent = &elig.Person{Last: "SMITH", First: "TOM", Middle: "B", Suffix: "JR", Birth: "20150601"}
	return q
}

func write(t testing.TB, all ...*elig.Inquiry) string {
	t.Helper()
	var file strings.Builder
	w := elig.NewWriter(&file, x12test.Interchange, x12test.Group)
	for _, q := range all {
		if err := w.Inquiry(q); err != nil {
			t.Fatal(err, elig.Check(q))
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return file.String()
}

func TestWriter_Golden(t *testing.T) {
	t.Parallel()
	x12test.Golden(t, "inquiries.x12", write(t, inquiry(), child()))
}

func TestCheck_NamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*elig.Inquiry){
		"reference: missing":                  func(q *elig.Inquiry) { q.Reference = "" },
		"trace: missing":                      func(q *elig.Inquiry) { q.Trace = "" },
		"origin: code":                        func(q *elig.Inquiry) { q.Origin = "9" },
		"on: date":                            func(q *elig.Inquiry) { q.On = civil.Day{} },
		"services: missing":                   func(q *elig.Inquiry) { q.Services = nil },
		"services: code":                      func(q *elig.Inquiry) { q.Services = []string{"30^98"} },
		"payer/id: missing":                   func(q *elig.Inquiry) { q.Payer.ID = "" },
		"provider/npi: npi":                   func(q *elig.Inquiry) { q.Provider.NPI = "1234567890" },
		"subscriber/member_id: missing":       func(q *elig.Inquiry) { q.Subscriber.MemberID = "" },
		"subscriber/last: character":          func(q *elig.Inquiry) { q.Subscriber.Last = "MUÑOZ" },
		"subscriber/birth: date":              func(q *elig.Inquiry) { q.Subscriber.Birth = "1985-04-12" },
		"subscriber/gender: unknown_code":     func(q *elig.Inquiry) { q.Subscriber.Gender = "U" },
		"dependent/first: missing":            func(q *elig.Inquiry) { *q = *child(); q.Dependent.First = "" },
		"dependent/member_id: not_subscriber": func(q *elig.Inquiry) { *q = *child(); q.Dependent.MemberID = "M" },
	} {
		q := inquiry()
		change(q)
		problems := elig.Check(q)
		if len(problems) != 1 || problems[0].Where+": "+problems[0].Code != want {
			t.Errorf("%s: got %v", want, problems)
		}
		var file strings.Builder
		w := elig.NewWriter(&file, x12test.Interchange, x12test.Group)
		first, refused := w.Inquiry(inquiry()), w.Inquiry(q)
		if err := errors.Join(first, w.Close()); err != nil || !errors.Is(refused, fault.Invalid) || file.String() != write(t, inquiry()) {
			t.Errorf("%s: %v, %v", want, err, refused)
		}
	}
}

func TestFit_WritesWhatCanBeWritten(t *testing.T) {
	t.Parallel()
	q := child()
	q.Subscriber.Last, q.Dependent.First, q.Subscriber.Gender = "muñoz", "Tom 🙂", "U"
	got, changed := elig.Fit(q)
	want := child()
	want.Subscriber.Last, want.Subscriber.Gender = "MUNOZ", ""
	if diff := x12test.Diff(want, got); diff != "" || !slices.Equal(changed, []string{"subscriber/last", "dependent/first"}) {
		t.Errorf("changed %q %s", changed, diff)
	}
	if q.Dependent.First != "Tom 🙂" {
		t.Error("the inquiry itself was changed")
	}
}

// Whatever names a person has: the inquiry is refused, or the file is whole and
// has them as they were.
func TestWriter_WholeOrRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		name := rapid.OneOf(rapid.StringMatching(`[A-Z][A-Z .'-]{0,20}[A-Z]`), rapid.StringN(0, 12, 80))
		q := child()
		q.Dependent.Last, q.Dependent.First = phi.Text(name.Draw(rt, "last")), phi.Text(name.Draw(rt, "first"))
		q, _ = elig.Fit(q)
		var file strings.Builder
		w := elig.NewWriter(&file, x12test.Interchange, x12test.Group)
		if err := errors.Join(w.Inquiry(inquiry()), w.Inquiry(q)); (err == nil) != (len(elig.Check(q)) == 0) {
			rt.Fatalf("%v, and Check says %v", err, elig.Check(q))
		}
		if err := w.Close(); err != nil {
			rt.Fatal(err)
		}
		r := x12.NewReader(strings.NewReader(file.String()))
		found := len(elig.Check(q)) > 0
		for r.Next() {
			found = found || r.Is("NM1") && r.Text(1) == "03" && r.Text(3) == q.Dependent.Last.Reveal() && r.Text(4) == q.Dependent.First.Reveal()
		}
		if !errors.Is(r.Err(), io.EOF) || !found {
			rt.Errorf("%v: %s", r.Err(), file.String())
		}
	})
}

// answered is a 271 with these segments between BHT and SE.
func answered(segments string) string {
	return fmt.Sprintf("ISA*00*          *00*          *ZZ*CLEARINGHOUSE  *ZZ*EVISITSUBMIT   *260114*0806*^*00501*000000032*0*T*:~"+
		"GS*HB*CLEARINGHOUSE*EVISITSUBMIT*20260114*0806*32*X*%s~ST*271*0001*%s~BHT*0022*11*Q1*20260114*0806~%sSE*%d*0001~GE*1*32~IEA*1*000000032~",
		elig.Version, elig.Version, segments, strings.Count(segments, "~")+3)
}

const (
	source     = "HL*1**20*1~NM1*PR*2*EXAMPLE HEALTH PLAN*****PI*EXPLAN01~PER*IC**TE*8005550100~HL*2*1*21*1~NM1*1P*2*LAKESIDE FAMILY MEDICINE*****XX*1234567893~"
	subscriber = "HL*3*2*22*0~TRN*2*Q1-1*9EVISIT001~TRN*1*PAYERS*9PAYER0001~NM1*IL*1*SMITH*JANE****MI*MEM123456~N3*22 OAK AVE~DMG*D8*19850412*F~DTP*346*D8*20250101~"
)

func read(src io.Reader) (all []*elig.Answer, err error) {
	err = elig.Read(src, func(a *elig.Answer) error { all = append(all, a); return nil })
	return all, err
}

func readAll(src io.Reader) error {
	_, err := read(src)
	return err
}

// one is the answer to an inquiry about the subscriber with these benefits.
func one(t *testing.T, benefits string) *elig.Answer {
	t.Helper()
	got, err := read(strings.NewReader(answered(source + subscriber + benefits)))
	if err != nil || len(got) != 1 {
		t.Fatalf("%d answers, %v", len(got), err)
	}
	return got[0]
}

func TestRead_Answer(t *testing.T) {
	t.Parallel()
	got := one(t, "EB*1*IND*30^98*HM*GOLD~EB*B*IND*98***27*25*****Y~MSG*ASK~EB*A*IND*98*****.2****N~EB*R**30~LS*2120~NM1*PR*2*OTHER PLAN*****PI*OTHER1~LE*2120~")
	want := &elig.Answer{
		Reference: "Q1", Trace: "Q1-1", Payer: elig.Organization{Name: "EXAMPLE HEALTH PLAN", ID: "EXPLAN01"},
		Subscriber: elig.Person{Last: "SMITH", First: "JANE", MemberID: "MEM123456", Birth: "19850412", Gender: "F"},
		Benefits: []elig.Benefit{
			{Info: elig.Active, Level: "IND", Services: []string{"30", "98"}, Insurance: "HM", Plan: "GOLD"},
			{Info: elig.Copay, Level: "IND", Services: []string{"98"}, Period: "27", Amount: elig.Amount{Cents: 25_00, Known: true}, Network: "Y"},
			{Info: elig.Coinsurance, Level: "IND", Services: []string{"98"}, Percent: ".2", Network: "N"},
			{Info: elig.OtherPayer, Services: []string{"30"}, Parties: []elig.Party{{Kind: "PR", Name: "OTHER PLAN", ID: "OTHER1"}}},
		},
	}
	if diff := x12test.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestRead_DependentsAndRejections(t *testing.T) {
	t.Parallel()
	above := strings.Replace(subscriber, "HL*3*2*22*0~TRN*2*Q1-1*9EVISIT001~", "HL*3*2*22*1~", 1)
	dependents := "HL*4*3*23*0~TRN*2*Q1-2*9EVISIT001~NM1*03*1*SMITH*TOM~DMG*D8*20150601~EB*1**30~HL*5*3*23*0~TRN*2*Q1-3*9EVISIT001~NM1*03*1*SMITH*ANN~AAA*N**75*C~"
	file := answered(source+above+dependents) + answered(source+subscriber+"AAA*N**72*C~") + answered("HL*1**20*1~NM1*PR*2*PLAN*****PI*P1~AAA*Y**42*P~")
	got, err := read(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, a := range got {
		who := a.Subscriber.First.Reveal()
		if a.Dependent != nil {
			who += "'s " + a.Dependent.First.Reveal()
		}
		said = append(said, fmt.Sprint(who, " ", a.Trace, " ", a.Rejections, " ", a.Status()))
	}
	want := []string{"JANE's TOM Q1-2 [] active", "JANE's ANN Q1-3 [{23 75 C}] unknown", "JANE Q1-1 [{22 72 C}] unknown", "  [{20 42 P}] unknown"}
	if diff := x12test.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}

// What the payer leaves out is unknown and never zero; what can be computed is.
func TestAnswer_Amounts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, benefits, want string }{
		{"nothing", "", "unknown, copay unknown, left unknown, share "},
		{"active alone", "EB*1**30~", "active, copay unknown, left unknown, share "},
		{"inactive", "EB*6**30~", "inactive, copay unknown, left unknown, share "},
		{"both", "EB*1**30~EB*6**30~", "unknown, copay unknown, left unknown, share "},
		{"active for something else", "EB*1**35~", "unknown, copay unknown, left unknown, share "},
		{"capitated", "EB*3**30~", "active, copay unknown, left unknown, share "},
		{"amounts left blank", "EB*1**30~EB*B**98~EB*C*IND*30***29~EB*A**98~", "active, copay unknown, left unknown, share "},
		{"said to be zero", "EB*1**30~EB*B**98****0~EB*C*IND*30***29*0~", "active, copay $0.00, left $0.00, share "},
		{"a visit's", "EB*B**98***27*25~", "unknown, copay $25.00, left unknown, share "},
		{"two copays", "EB*B**98****25~EB*B**98****40~", "unknown, copay unknown, left unknown, share "},
		{"the same twice", "EB*B**98****25~EB*B**98****25~", "unknown, copay $25.00, left unknown, share "},
		{"outside the network", "EB*B**98****60*****N~EB*B**98****25*****Y~", "unknown, copay $25.00, left unknown, share "},
		{"the family's", "EB*C*FAM*30***29*500~EB*C*IND*30***29*200~", "unknown, copay unknown, left $200.00, share "},
		{"computed", "EB*C*IND*30***23*1000~EB*C*IND*30***24*250.5~", "unknown, copay unknown, left $749.50, share "},
		{"the year's alone", "EB*C*IND*30***23*1000~", "unknown, copay unknown, left unknown, share "},
		{"no deductible", "EB*C*IND*30***23*0~", "unknown, copay unknown, left $0.00, share "},
		{"more used than there is", "EB*C*IND*30***23*100~EB*C*IND*30***24*101~", "unknown, copay unknown, left unknown, share "},
		{"a share", "EB*A*IND*98*****.2~", "unknown, copay unknown, left unknown, share .2"},
		{"two shares", "EB*A*IND*98*****.2~EB*A*IND*98*****.3~", "unknown, copay unknown, left unknown, share "},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			a := one(t, c.benefits)
			show := func(m elig.Amount) string {
				if !m.Known {
					return "unknown"
				}
				return m.Cents.String()
			}
			got := fmt.Sprintf("%s, copay %s, left %s, share %s", a.Status(), show(a.Copay(elig.OfficeVisit)), show(a.DeductibleLeft()), a.Coinsurance(elig.OfficeVisit))
			if got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

// A plan that manages Medicaid is the claim's payer; another payer is listed.
func TestAnswer_Parties(t *testing.T) {
	t.Parallel()
	a := one(t, "EB*1**30*MC*MEDICAID~EB*1**30*HM*CARE PLUS~LS*2120~NM1*PR*2*CARE PLUS*****PI*CP1~NM1*P3*1*RIVERA*ANA~LE*2120~EB*R**30*CI~LS*2120~NM1*SEP*2*OTHER*****PI*O1~LE*2120~")
	if diff := x12test.Diff([]elig.Party{{Kind: "PR", Name: "CARE PLUS", ID: "CP1"}}, a.ManagedBy()); diff != "" {
		t.Error(diff)
	}
	if diff := x12test.Diff([]elig.Party{{Kind: "SEP", Name: "OTHER", ID: "O1"}}, a.OtherPayers()); diff != "" {
		t.Error(diff)
	}
}

func TestRead_Errors(t *testing.T) {
	t.Parallel()
	whole := answered(source + subscriber + "EB*1**30~EB*C*IND*30***29*100~")
	x12test.Refuses(t, whole, readAll, []x12test.Spoil{
		{"another kind of group", "GS*HB", "GS*HS", "(ST)"},
		{"another guide", "ST*271*0001*005010X279A1", "ST*271*0001*005010X279", "(ST)"},
		{"level", "HL*3*2*22", "HL*3*2*25", "(HL), element 3"},
		{"trace", "TRN*2*Q1-1", "TRN*2*", "(TRN), element 2"},
		{"no information", "EB*1**30", "EB***30", "(EB), element 1"},
		{"the last amount", "*29*100", "*29*SECRET", "(EB), element 7"},
	})
	x12test.RefusesCut(t, whole, readAll)
}

func TestRead_EndlessAnswer(t *testing.T) {
	t.Parallel()
	endless := answered(source + subscriber + strings.Repeat("EB*1**30~", 20_001))
	if got, err := read(strings.NewReader(endless)); len(got) > 0 || err == nil || !strings.Contains(err.Error(), "at most 20000 segments") {
		t.Errorf("%d answers, %v", len(got), err)
	}
}

func TestRead_StopsWhenAsked(t *testing.T) {
	t.Parallel()
	enough := errors.New("enough")
	n := 0
	file := answered(source + subscriber + "EB*1**30~")
	if err := elig.Read(strings.NewReader(file+file), func(*elig.Answer) error { n++; return enough }); !errors.Is(err, enough) || n != 1 {
		t.Errorf("%d answers, %v", n, err)
	}
}

// What is read is the same with new lines behind the file, and an error is one of
// the file.
func FuzzRead(f *testing.F) {
	f.Add([]byte(answered(source + subscriber + "EB*1*IND*30^98*HM*GOLD~EB*R**30~NM1*PR*2*OTHER~")))
	f.Add([]byte(answered(source + strings.Replace(subscriber, "22*0", "22*1", 1) + "HL*4*3*23*0~NM1*03*1*SMITH*TOM~AAA*N**75*C~")))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := read(bytes.NewReader(file))
		if err != nil {
			if !errors.Is(err, fault.Malformed) {
				t.Errorf("error %v", err)
			}
			return
		}
		for _, a := range got {
			_ = fmt.Sprint(a.Status(), a.Copay(elig.OfficeVisit), a.DeductibleLeft(), a.Coinsurance(elig.OfficeVisit), a.OtherPayers(), a.ManagedBy())
		}
		if again, err := read(bytes.NewReader(append(file, "\r\n"...))); err != nil || x12test.Diff(got, again) != "" {
			t.Errorf("%v %s", err, x12test.Diff(got, again))
		}
	})
}
