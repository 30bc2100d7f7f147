package p835_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"evisit/pkg/fault"
	"evisit/pkg/money"
	"evisit/pkg/x12"
	"evisit/pkg/x12/p835"
	"evisit/pkg/x12/x12test"
)

// A remittance is one with its claims.
type remittance struct {
	p835.Remittance
	List []*p835.Claim
}

func read(src io.Reader) (all []remittance, err error) {
	r := p835.NewReader(src)
	for {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		one := remittance{}
		for {
			c, err := r.Claim()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return all, err
			}
			one.List = append(one.List, c)
		}
		one.Remittance = *m
		all = append(all, one)
	}
}

func readAll(src io.Reader) error {
	_, err := read(src)
	return err
}

func sample(t testing.TB) string {
	t.Helper()
	file, err := os.ReadFile("testdata/sample.x12")
	if err != nil {
		t.Fatal(err)
	}
	return string(file)
}

// bodied is the sample with other segments from BPR to the last before SE.
func bodied(t testing.TB, segments ...string) string {
	t.Helper()
	head, _, _ := strings.Cut(sample(t), "BPR")
	return fmt.Sprintf("%s%s~SE*%d*0001~GE*1*777~IEA*1*000000777~", head, strings.Join(segments, "~"), len(segments)+2)
}

const (
	bpr = "BPR*I*%s*C*ACH*CCP*01*110000000*DA*123456*1512345678**01*999999992*DA*987654*20260213"
	trn = "TRN*1*EFT0012345*1512345678"
)

func paid(amount string) string { return fmt.Sprintf(bpr, amount) }

func TestReader_Sample(t *testing.T) {
	t.Parallel()
	got, err := read(strings.NewReader(sample(t)))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 2, 12, 8, 0, 0, 0, time.UTC)
	want := []remittance{{
		Remittance: p835.Remittance{
			Interchange: x12.Interchange{Sender: x12.Address{Qualifier: "ZZ", ID: "EXPLAN01"}, Receiver: x12.Address{Qualifier: "ZZ", ID: "EVISITSUBMIT"}, At: at, Control: 777, Test: true},
			Group:       x12.Group{Kind: "HP", Sender: "EXPLAN01", Receiver: "EVISITSUBMIT", At: at, Control: 777, Version: p835.Version},
			Control:     "0001", Handling: "I", Amount: 5_70, Method: "ACH", Paid: x12test.Day(20260213), Trace: "EFT0012345", Origin: "1512345678", Currency: "USD", Produced: x12test.Day(20260212),
			Payer:  p835.Party{Name: "EXAMPLE HEALTH PLAN", ID: "EXPLAN01"},
			Payee:  p835.Party{Name: "LAKESIDE FAMILY MEDICINE", ID: "1234567893", TaxID: "123456789"},
			Claims: 1, ClaimsPaid: 5_70,
		},
		List: []*p835.Claim{{
			ID: "EV-2026-000123", Status: p835.Primary, Charge: 30_00, Paid: 5_70, PatientShare: 10_00, Filing: "12", PayerControl: "PAYERCTRL001", Place: "11", Frequency: "1",
			Patient: p835.Person{Last: "SMITH", First: "JANE", ID: "MEM123456"}, RenderingNPI: "1679576722", Received: x12test.Day(20260130),
			Lines: []p835.Line{{
				Code: "99421", Charge: 30_00, Paid: 5_70, Units: "1", From: x12test.Day(20260114), To: x12test.Day(20260114), Control: "EV-2026-000123-1", Allowed: 15_70,
				Adjustments: []p835.Adjustment{{Cause: p835.Contractual, Reason: "45", Amount: 14_30}, {Cause: p835.PatientBears, Reason: "3", Amount: 10_00}},
			}},
		}},
	}}
	if diff := x12test.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if left := append(got[0].Imbalances(), got[0].List[0].Imbalances()...); len(left) > 0 {
		t.Errorf("the sample does not balance: %v", left)
	}
}

// A remittance as large payers send: a foreign currency, a debit, a reversal and
// its correction, a denial, bundled codes, adjustments of several kinds, remarks,
// and money that belongs to no claim.
func TestReader_EverythingThatIsKept(t *testing.T) {
	t.Parallel()
	file := bodied(t,
		strings.Replace(paid("16.5"), "*C*", "*D*", 1), trn, "CUR*PR*CAD", "DTM*405*20260212", "N1*PR*PLAN*XV*PLAN7", "REF*2U*OTHER", "N1*PE*DR RIVERA*FI*987654321", "N1*XX*NOBODY", "REF*TJ*111111111",
		"LX*1", "TS3*1*11*20261231*1*30",
		"CLP*A*22*-30*-5.7**12*CTRL1", "CAS*CO*45*-14.3", "CAS*PR*3*-10", "NM1*QC*1*SMITH*JANE",
		"CLP*A*1*30*0*12.5*12*CTRL2", "NM1*QC*1*SMITH*TOM", "NM1*IL*1*SMITH*JANE****MI*M1", "NM1*74*1*SMYTH*****C*M2", "NM1*82*1*RIVERA*ANA****FI*123", "NM1*TT*2*OTHER",
		"MOA***MA01*MA15", "DTM*232*20260110", "DTM*233*20260114", "AMT*AU*17.5", "AMT*I*1",
		"SVC*HC:99422:25*20*0**0*HC:99421*1", "DTM*150*20260110", "DTM*151*20260114", "CAS*CO*45*7.5*1*97*0**B7*0*2", "CAS*PR*3*12.5", "LQ*HE*N130", "LQ*HE*M15",
		"SVC*HC:96127*10*0", "DTM*472*20260114", "CAS*OA*23*4*****", "CAS*PI*B1*6", "NTE*X*Y",
		"LX*2", "CLP*B*4*20*0*0**CTRL3", "CAS*CO*29*20",
		"PLB*1234567893*20261231*WO:OVER1*10.8*L6:INT*-5*****", "PLB*1234567893*20261231*FB*5")
	got, err := read(strings.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	m := got[0]
	if m.Amount != -16_50 || m.Currency != "CAD" || m.Payer != (p835.Party{Name: "PLAN", ID: "PLAN7"}) || m.Payee != (p835.Party{Name: "DR RIVERA", ID: "987654321", TaxID: "987654321"}) {
		t.Errorf("header %+v", m.Remittance)
	}
	wantPLB := []p835.ProviderAdjustment{
		{Provider: "1234567893", FiscalYear: x12test.Day(20261231), Reason: "WO", Reference: "OVER1", Amount: 10_80},
		{Provider: "1234567893", FiscalYear: x12test.Day(20261231), Reason: "L6", Reference: "INT", Amount: -5_00},
		{Provider: "1234567893", FiscalYear: x12test.Day(20261231), Reason: "FB", Amount: 5_00},
	}
	if diff := x12test.Diff(wantPLB, m.Adjustments); diff != "" {
		t.Error(diff)
	}
	want := []*p835.Claim{
		{
			ID: "A", Status: p835.Reversal, Charge: -30_00, Paid: -5_70, Filing: "12", PayerControl: "CTRL1", Patient: p835.Person{Last: "SMITH", First: "JANE"},
			Adjustments: []p835.Adjustment{{Cause: "CO", Reason: "45", Amount: -14_30}, {Cause: "PR", Reason: "3", Amount: -10_00}},
		},
		{
			ID: "A", Status: p835.Primary, Charge: 30_00, PatientShare: 12_50, Filing: "12", PayerControl: "CTRL2",
			Patient: p835.Person{Last: "SMITH", First: "TOM"}, Subscriber: p835.Person{Last: "SMITH", First: "JANE", ID: "M1"}, Corrected: p835.Person{Last: "SMYTH", ID: "M2"},
			From: x12test.Day(20260110), To: x12test.Day(20260114), Covered: 17_50, Remarks: []string{"MA01", "MA15"},
			Lines: []p835.Line{
				{
					Code: "99422", Modifiers: []string{"25"}, Charge: 20_00, Units: "0", SentCode: "99421", From: x12test.Day(20260110), To: x12test.Day(20260114), Remarks: []string{"N130", "M15"},
					Adjustments: []p835.Adjustment{
						{Cause: "CO", Reason: "45", Amount: 7_50, Quantity: "1"}, {Cause: "CO", Reason: "97"}, {Cause: "CO", Reason: "B7", Quantity: "2"}, {Cause: "PR", Reason: "3", Amount: 12_50},
					},
				},
				{
					Code: "96127", Charge: 10_00, From: x12test.Day(20260114), To: x12test.Day(20260114),
					Adjustments: []p835.Adjustment{{Cause: "OA", Reason: "23", Amount: 4_00}, {Cause: "PI", Reason: "B1", Amount: 6_00}},
				},
			},
		},
		{ID: "B", Status: p835.Denied, Charge: 20_00, PayerControl: "CTRL3", Adjustments: []p835.Adjustment{{Cause: "CO", Reason: "29", Amount: 20_00}}},
	}
	if diff := x12test.Diff(want, m.List); diff != "" {
		t.Error(diff)
	}
	left := m.Imbalances()
	for _, c := range m.List {
		left = append(left, c.Imbalances()...)
	}
	if len(left) > 0 {
		t.Errorf("it does not balance: %v", left)
	}
}

// Each equation that does not hold is named, with the difference.
func TestImbalances_SayTheDifference(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, new, want string }{
		{"line paid a cent more", "5.7**1", "5.71**1", "line 1: the parts come to $5.70, the payer states $5.71, which differs by -$0.01"},
		{"adjustment of the line", "CAS*CO*45*14.3", "CAS*CO*45*14.31", "line 1: the parts come to $5.69, the payer states $5.70, which differs by -$0.01\nclaim: the parts come to $5.69, the payer states $5.70, which differs by -$0.01"},
		{"claim paid more", "*30*5.7*10*", "*30*6.7*10*", "claim: the parts come to $5.70, the payer states $6.70, which differs by -$1.00\ntransaction: the parts come to $6.70, the payer states $5.70, which differs by $1.00"},
		{"claim's charge", "*1*30*5.7*", "*1*31*5.7*", "claim: the parts come to $6.70, the payer states $5.70, which differs by $1.00\ncharges: the parts come to $30.00, the payer states $31.00, which differs by -$1.00"},
		{"patient's share", "*5.7*10*12", "*5.7*9*12", "share: the parts come to $10.00, the payer states $9.00, which differs by $1.00"},
		{"payment", "*I*5.70*", "*I*15.70*", "transaction: the parts come to $5.70, the payer states $15.70, which differs by -$10.00"},
		{"payment by an adjustment of the provider", "SE*23", "PLB*1*20261231*WO:X*5.7~SE*24", "transaction: the parts come to $0.00, the payer states $5.70, which differs by -$5.70"},
		{"a claim too many", "SE*23", "CLP*B*1*1*1*0~SE*24", "transaction: the parts come to $6.70, the payer states $5.70, which differs by $1.00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := strings.Replace(sample(t), c.old, c.new, 1)
			if file == sample(t) {
				t.Fatal("the sample has no such place")
			}
			got, err := read(strings.NewReader(strings.ReplaceAll(file, "\n", "")))
			if err != nil {
				t.Fatal(err)
			}
			var said []string
			for _, claim := range got[0].List {
				for _, i := range claim.Imbalances() {
					said = append(said, i.String())
				}
			}
			for _, i := range got[0].Imbalances() {
				said = append(said, i.String())
			}
			if diff := x12test.Diff(c.want, strings.Join(said, "\n")); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReader_Errors(t *testing.T) {
	t.Parallel()
	x12test.Refuses(t, sample(t), readAll, []x12test.Spoil{
		{"another kind of group", "GS*HP", "GS*HC", "(ST)"},
		{"another version", "005010X221A1~\nST", "004010X091A1~\nST", "(ST)"},
		{"payment empty", "BPR*I*5.70", "BPR*I*", "(BPR), element 2"},
		{"payment negative twice", "*5.70*C*", "*5.70*X*", "(BPR), element 3"},
		{"no trace", "TRN*1*EFT0012345*", "TRN*1**", "(TRN), element 2"},
		{"no payment", "BPR*I", "BPX*I", "must have BPR and TRN"},
		{"no claim number", "CLP*EV-2026-000123", "CLP*", "(CLP), element 1"},
		{"charge empty", "*1*30*5.7", "*1**5.7", "(CLP), element 3"},
		{"paid empty", "*30*5.7*10", "*30**10", "(CLP), element 4"},
		{"three decimals", "*30*5.7*10", "*30*5.705*10", "(CLP), element 4"},
		{"eleven digits", "*1*30*5.7", "*1*100000000*5.7", "(CLP), element 3"},
		{"line paid empty", "*30*5.7**1~", "*30*~", "(SVC), element 3"},
		{"group of adjustments", "CAS*CO", "CAS*CR", "(CAS), element 1"},
		{"adjustment without amount", "CAS*PR*3*10", "CAS*PR*3", "(CAS), element 3"},
		{"adjustment without reason", "CAS*PR*3*10", "CAS*PR**10", "(CAS), element 2"},
		{"second adjustment without amount", "CAS*PR*3*10", "CAS*PR*3*10**96", "(CAS), element 6"},
		{"day", "DTM*472*20260114", "DTM*472*20260132", "(DTM), element 2"},
		{"provider adjustment empty", "SE*23", "PLB*1*20261231*WO~SE*24", "(PLB), element 4"},
		{"the last value of the claim", "AMT*B6*15.7", "AMT*B6*SECRET", "(AMT), element 2"},
		{"counts that lie", "SE*23", "SE*22", "(SE), element 1"},
		{"group's count", "GE*1", "GE*2", "(GE), element 1"},
	})
}

func TestReader_TruncatedAnywhere(t *testing.T) {
	t.Parallel()
	x12test.RefusesCut(t, sample(t), readAll)
}

// Claims that the caller did not ask for are read all the same, and checked.
func TestReader_NextPassesClaims(t *testing.T) {
	t.Parallel()
	file := strings.ReplaceAll(sample(t), "~\n", "|")
	for name, c := range map[string]struct {
		file string
		want int
		err  bool
	}{
		"whole":       {strings.ReplaceAll(file, "*0*T*:|", "*0*T*:|"), 3, false},
		"a bad claim": {strings.Replace(file, "CAS*PR*3*10", "CAS*PR*3*1O", 1), 1, true},
	} {
		r := p835.NewReader(strings.NewReader(c.file + c.file + c.file))
		n := 0
		var err error
		for ; err == nil; n++ {
			var m *p835.Remittance
			if m, err = r.Next(); err == nil && m.Trace != "EFT0012345" {
				t.Errorf("%s: %+v", name, m)
			}
		}
		if n-1 != c.want || errors.Is(err, io.EOF) == c.err {
			t.Errorf("%s: %d remittances, %v", name, n-1, err)
		}
		if _, again := r.Claim(); !errors.Is(again, err) && !errors.Is(again, io.EOF) {
			t.Errorf("%s: afterwards %v", name, again)
		}
	}
}

func TestReader_EndlessClaim(t *testing.T) {
	t.Parallel()
	segments := []string{paid("0"), trn, "CLP*A*1*0*0"}
	for range 20_001 {
		segments = append(segments, "CAS*CO*45*0")
	}
	if _, err := read(strings.NewReader(bodied(t, segments...))); err == nil || !strings.Contains(err.Error(), "at most 20000 segments") {
		t.Errorf("error %v", err)
	}
}

// A remittance made to balance balances, and any one amount changed shows by how
// much.
func TestImbalances_AnyCent(t *testing.T) {
	t.Parallel()
	cents := func(c money.Cents) string { return string(x12.AppendAmount(nil, c)) }
	rapid.Check(t, func(rt *rapid.T) {
		amount := rapid.Int64Range(-100_000, 1_000_000)
		var claims []string
		var all money.Cents
		for i := range rapid.IntRange(1, 5).Draw(rt, "claims") {
			var lines []string
			var charge, given, share money.Cents
			for range rapid.IntRange(1, 4).Draw(rt, "lines") {
				pays, co, pr := money.Cents(amount.Draw(rt, "paid")), money.Cents(amount.Draw(rt, "CO")), money.Cents(amount.Draw(rt, "PR"))
				lines = append(lines, "SVC*HC:99421*"+cents(pays+co+pr)+"*"+cents(pays), "CAS*CO*45*"+cents(co), "CAS*PR*3*"+cents(pr))
				charge, given, share = charge+pays+co+pr, given+pays, share+pr
			}
			claims = append(claims, fmt.Sprintf("CLP*%d*1*%s*%s*%s", i, cents(charge), cents(given), cents(share)))
			claims = append(claims, lines...)
			all += given
		}
		plb, wrong := money.Cents(amount.Draw(rt, "PLB")), money.Cents(rapid.SampledFrom([]int64{0, 0, 1, -1, 999}).Draw(rt, "wrong"))
		side := rapid.SampledFrom([]string{"payment", "claim"}).Draw(rt, "side")
		pays := all - plb
		if side == "payment" {
			pays += wrong
		} else {
			claims = append(claims, "CLP*X*1*0*"+cents(wrong)+"*0")
		}
		file := bodied(t, append(append([]string{paid(cents(pays)), trn}, claims...), "PLB*1*20261231*WO*"+cents(plb))...)
		got, err := read(strings.NewReader(file))
		if err != nil {
			rt.Fatal(err)
		}
		for i, c := range got[0].List {
			if left := c.Imbalances(); len(left) > 0 && (side == "payment" || wrong == 0 || i < len(got[0].List)-1 || left[0].Difference() != -wrong) {
				rt.Errorf("claim %d: %v", i, left)
			}
		}
		left := got[0].Imbalances()
		if (len(left) > 0) != (wrong != 0) || wrong != 0 && left[0].Difference() != wrong && left[0].Difference() != -wrong {
			rt.Errorf("wrong by %d: %v", wrong, left)
		}
	})
}

// What is read is the same with new lines behind the segments, and its claims
// come to what the remittance says.
func FuzzReader(f *testing.F) {
	f.Add([]byte(sample(f)))
	f.Add([]byte(strings.ReplaceAll(sample(f), "\n", "")))
	f.Add([]byte(bodied(f, paid("0"), trn, "CLP*A*22*-1*-1", "CAS*CO*45*0**3*0", "PLB*1*20261231*WO:X*-1")))
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := read(bytes.NewReader(file))
		if err != nil {
			if !errors.Is(err, fault.Malformed) {
				t.Errorf("error %v", err)
			}
			return
		}
		for _, m := range got {
			var sum money.Cents
			for _, c := range m.List {
				sum += c.Paid
			}
			if sum != m.ClaimsPaid || len(m.List) != m.Claims {
				t.Errorf("%d claims of %s, said to be %d of %s", len(m.List), sum, m.Claims, m.ClaimsPaid)
			}
		}
		again, err := read(bytes.NewReader(append(file, "\r\n"...)))
		if err != nil || x12test.Diff(got, again) != "" {
			t.Errorf("%v %s", err, x12test.Diff(got, again))
		}
	})
}
