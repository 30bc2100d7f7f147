package fee_test

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"evisit/pkg/civil"
	"evisit/pkg/coding/fee"
	"evisit/pkg/fault"
	"evisit/pkg/money"
)

func day(t testing.TB, s string) civil.Day {
	t.Helper()
	d, err := civil.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func medicare(t testing.TB) *fee.Schedule {
	t.Helper()
	s, err := fee.Medicare()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func allowed(t testing.TB, s *fee.Schedule, q fee.Question) money.Cents {
	t.Helper()
	a, err := s.Amount(q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	return a.Cents
}

// published reads the amounts that CMS published, by the columns' names.
func published(t testing.TB) []map[string]string {
	t.Helper()
	file, err := os.ReadFile("testdata/fees_2025_2026.csv")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(file)).ReadAll()
	if err != nil || len(rows) != 23 {
		t.Fatalf("%d rows (%v)", len(rows), err)
	}
	var all []map[string]string
	for _, r := range rows[1:] {
		named := map[string]string{}
		for i, column := range rows[0] {
			named[column] = r[i]
		}
		all = append(all, named)
	}
	return all
}

// Every published amount comes out of the schedule that ships, on the first and
// the last day of its year, and out of the published row's own relative values and
// factor by other arithmetic.
func TestAmount_PublishedAmounts(t *testing.T) {
	t.Parallel()
	s := medicare(t)
	for _, row := range published(t) {
		for _, on := range []string{row["effective_from"], row["effective_to"]} {
			for _, facility := range []bool{false, true} {
				want, practice := row["national_nonfac_cents"], row["pe_rvu_nonfac"]
				if facility {
					want, practice = row["national_fac_cents"], row["pe_rvu_fac"]
				}
				got := allowed(t, s, fee.Question{Code: row["code"], On: day(t, on), Locality: fee.National, Facility: facility})
				if fmt.Sprint(int64(got)) != want {
					t.Errorf("%s on %s, facility %t: %s, published %s cents", row["code"], on, facility, got, want)
				}
				if again := recompute(row["cf"], row["work_rvu"], practice, row["mp_rvu"]); again != want {
					t.Errorf("%s on %s, facility %t: the row's own numbers make %s, published %s cents", row["code"], on, facility, again, want)
				}
			}
		}
	}
}

// recompute is (sum of the parts) · factor in cents, half up, by fractions.
func recompute(factor string, parts ...string) string {
	sum := new(big.Rat)
	for _, p := range parts {
		r, _ := new(big.Rat).SetString(p)
		sum.Add(sum, r)
	}
	f, _ := new(big.Rat).SetString(factor)
	sum.Mul(sum, f)
	sum.Mul(sum, big.NewRat(100, 1))
	sum.Add(sum, big.NewRat(1, 2))
	return new(big.Int).Quo(sum.Num(), sum.Denom()).String()
}

// Medicare's patient pays a fifth (medicare.gov), as the published table has it.
func TestAmount_Coinsurance(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]money.Cents{
		"99421": 314, "99422": 615, "99423": 975, "98970": 247, "98971": 461, "98972": 688,
		"98016": 347, "G2010": 261, "G2250": 261, "G2251": 281, "G2252": 568,
	} {
		a, err := medicare(t).Amount(fee.Question{Code: code, On: day(t, "2026-01-14"), Locality: fee.National})
		if err != nil || a.Share != want {
			t.Errorf("%s: %s of %s (%v), want %s", code, a.Share, a.Cents, err, want)
		}
	}
}

func TestAmount_SaysHow(t *testing.T) {
	t.Parallel()
	a, err := medicare(t).Amount(fee.Question{Code: "99421", On: day(t, "2026-01-14"), Locality: fee.National})
	want := "99421 on 2026-01-14, outside a facility, national: (work 0.25 × 1.000 + practice 0.20 × 1.000 + malpractice 0.02 × 1.000) × 33.4009 = $15.70"
	if err != nil || a.Why != want || !strings.Contains(a.Source, "PPRRVU2026_Jan_nonQPP") {
		t.Errorf("%q from %q (%v)", a.Why, a.Source, err)
	}
}

// The row of the date of service holds: the year turns at midnight, and what is not
// known for a day is not taken from another.
func TestAmount_DateOfService(t *testing.T) {
	t.Parallel()
	s := medicare(t)
	for on, want := range map[string]money.Cents{"2025-12-31": 1456, "2026-01-01": 1570} {
		if got := allowed(t, s, fee.Question{Code: "99421", On: day(t, on), Locality: fee.National}); got != want {
			t.Errorf("on %s: %s, want %s", on, got, want)
		}
	}
	for name, q := range map[string]fee.Question{
		"before the data":       {Code: "99421", On: day(t, "2024-12-31"), Locality: fee.National},
		"after the data":        {Code: "99421", On: day(t, "2027-01-01"), Locality: fee.National},
		"no day":                {Code: "99421", Locality: fee.National},
		"another code":          {Code: "99213", On: day(t, "2026-01-14"), Locality: fee.National},
		"another locality":      {Code: "99421", On: day(t, "2026-01-14"), Locality: "OR-01"},
		"no locality":           {Code: "99421", On: day(t, "2026-01-14")},
		"another participation": {Code: "99421", On: day(t, "2026-01-14"), Locality: fee.National, Participation: "mips"},
	} {
		if a, err := s.Amount(q); !errors.Is(err, fault.NotFound) {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
}

func TestAmount_Participation(t *testing.T) {
	t.Parallel()
	q := fee.Question{Code: "99423", On: day(t, "2026-01-14"), Locality: fee.National, Participation: fee.Qualifying}
	if got := allowed(t, medicare(t), q); got != 4901 { // 1.46 × 33.5675 = 49.008…
		t.Errorf("a qualifying participant: %s", got)
	}
}

const (
	rvuHead      = "code,from,until,work,practice,practice_facility,malpractice,source\n"
	factorHead   = "participation,from,until,factor,coinsurance,source\n"
	localityHead = "locality,from,until,work,practice,malpractice,source\n"
	year         = "2026-01-01,2026-12-31"
)

func schedule(t testing.TB, rvu, factor, locality string) *fee.Schedule {
	t.Helper()
	s, err := fee.Read(strings.NewReader(rvuHead+rvu), strings.NewReader(factorHead+factor), strings.NewReader(localityHead+locality))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each part is weighed by its own index, and nothing is rounded before the end:
// exactly half a cent goes up, and a hair less goes down.
func TestAmount_LocalityAndRounding(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, rvu, factor, locality string
		want                        money.Cents
	}{
		{"each its own index", "1,10,0,100", "1", "2.000,3.000,5.000", 53200},
		{"half a cent", "0.01,0,0,0", "0.5000", "1.000,1.000,1.000", 1},
		{"a hair below", "0.01,0,0,0", "0.4999", "1.000,1.000,1.000", 0},
		{"the parts are not rounded", "0.01,0.01,0,0.01", "0.3334", "0.500,0.500,0.500", 1},
		{"the largest numbers", "9999.99,9999.99,0,9999.99", "9999.9999", "9999.999,9999.999,9999.999", 299999667000033},
	} {
		s := schedule(t, "X,"+year+","+c.rvu+",test\n", ","+year+","+c.factor+",20,test\n", "here,"+year+","+c.locality+",test\n")
		if got := allowed(t, s, fee.Question{Code: "X", On: day(t, "2026-06-01"), Locality: "here"}); got != c.want {
			t.Errorf("%s: %d cents, want %d", c.name, got, c.want)
		}
	}
}

func TestRead_Refusals(t *testing.T) {
	t.Parallel()
	good := "99421," + year + ",0.25,0.20,0.06,0.02,CMS\n"
	for name, c := range map[string]struct{ rvu, says string }{
		"nothing":             {"", "columns' names"},
		"a column missing":    {"code,from,until,work\n", `column "practice" is missing`},
		"a column unknown":    {strings.Replace(rvuHead, "source", "source,price", 1), `column "price" is not known`},
		"a float":             {rvuHead + "99421," + year + ",2.5e-1,0,0,0,CMS\n", "line 2"},
		"negative":            {rvuHead + "99421," + year + ",-0.25,0,0,0,CMS\n", "line 2"},
		"a place too many":    {rvuHead + "99421," + year + ",0.255,0,0,0,CMS\n", "2 decimal places"},
		"empty":               {rvuHead + "99421," + year + ",,0,0,0,CMS\n", "is no number"},
		"a point at the end":  {rvuHead + "99421," + year + ",1.,0,0,0,CMS\n", "is no number"},
		"ten digits":          {rvuHead + "99421," + year + ",1234567890,0,0,0,CMS\n", "is no number"},
		"no source":           {rvuHead + "99421," + year + ",1,0,0,0,\n", "name the source"},
		"no such day":         {rvuHead + "99421,2026-02-30,2026-12-31,1,0,0,0,CMS\n", "from:"},
		"no end":              {rvuHead + "99421,2026-01-01,,1,0,0,0,CMS\n", "until:"},
		"the end first":       {rvuHead + "99421,2026-12-31,2026-01-01,1,0,0,0,CMS\n", "is before"},
		"twice on a day":      {rvuHead + good + "99421,2026-12-31,2027-12-31,1,0,0,0,CMS\n", `line 3: "99421" is in force twice`},
		"a day inside a year": {rvuHead + good + "99421,2026-03-01,2026-03-01,1,0,0,0,CMS\n", "in force twice"},
		"a field too many":    {rvuHead + "99421," + year + ",1,0,0,0,CMS,x\n", "line 2"},
		"a quote left open":   {rvuHead + good + "\"99421,", "fee: rvu"},
	} {
		_, err := fee.Read(strings.NewReader(c.rvu), strings.NewReader(factorHead), strings.NewReader(localityHead))
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// A year's row may follow another's without a day between them.
func TestRead_YearsFollow(t *testing.T) {
	t.Parallel()
	schedule(t, "X,2026-01-01,2026-12-31,1,0,0,0,t\nX,2027-01-01,2027-12-31,1,0,0,0,t\nX,2025-12-31,2025-12-31,1,0,0,0,t\n", "", "")
}

func TestContracted_AmountOrShareOfMedicare(t *testing.T) {
	t.Parallel()
	contracts := []fee.Contract{
		{Payer: "EXPLAN01", From: day(t, "2025-01-01"), Until: day(t, "2026-06-30"), Rates: []fee.Rate{{Code: "99421", Amount: 1800}, {OfMedicare: 110_00}}, Description: "exhibit B"},
		{Payer: "EXPLAN01", From: day(t, "2026-06-01"), Rates: []fee.Rate{{Code: "99421", Amount: 2000}}},
		{Payer: "OTHER", From: day(t, "2025-01-01"), Rates: []fee.Rate{{Amount: 1}}},
	}
	for _, c := range []struct {
		name, payer, code, on string
		want                  money.Cents // 0: unknown
	}{
		{"the code's amount", "EXPLAN01", "99421", "2026-01-14", 1800},
		{"110 % of $30.73", "EXPLAN01", "99422", "2026-01-14", 3380}, // 30.7288… × 1.1 = 33.8017…
		{"the later contract", "EXPLAN01", "99421", "2026-06-15", 2000},
		{"the day before it", "EXPLAN01", "99421", "2026-05-31", 1800},
		{"the later contract has no rate for it", "EXPLAN01", "99422", "2026-06-15", 3380},
		{"after the earlier one's end", "EXPLAN01", "99422", "2026-07-01", 0},
		{"before the first", "EXPLAN01", "99421", "2024-12-31", 0},
		{"no contract", "NOBODY", "99421", "2026-01-14", 0},
		{"a part of what is not known", "EXPLAN01", "99213", "2026-01-14", 0},
	} {
		a, err := medicare(t).Contracted(contracts, c.payer, fee.Question{Code: c.code, On: day(t, c.on), Locality: fee.National})
		if a.Cents != c.want || errors.Is(err, fault.NotFound) != (c.want == 0) {
			t.Errorf("%s: %s (%v), want %s", c.name, a.Cents, err, c.want)
		}
		if err == nil && !strings.Contains(a.Source, "contract from 202") {
			t.Errorf("%s: source %q", c.name, a.Source)
		}
	}
}

func TestContract_Check(t *testing.T) {
	t.Parallel()
	good := fee.Contract{Payer: "P", From: day(t, "2026-01-01"), Rates: []fee.Rate{{Code: "99421", Amount: 1800}, {OfMedicare: 11000}}}
	if ps := good.Check(); ps != nil {
		t.Errorf("a good contract: %v", ps)
	}
	for where, spoil := range map[string]func(*fee.Contract){
		"/payer":               func(c *fee.Contract) { c.Payer = "" },
		"/from":                func(c *fee.Contract) { c.Until = day(t, "2025-12-31") },
		"/rates":               func(c *fee.Contract) { c.Rates = nil },
		"/rates/1/code":        func(c *fee.Contract) { c.Rates[1].Code = "99421" },
		"/rates/0":             func(c *fee.Contract) { c.Rates[0].OfMedicare = 1 },
		"/rates/1":             func(c *fee.Contract) { c.Rates[1].OfMedicare = 0 },
		"/rates/0/amount":      func(c *fee.Contract) { c.Rates[0].Amount = -1 },
		"/rates/1/of_medicare": func(c *fee.Contract) { c.Rates[1].OfMedicare = 100_001 },
	} {
		c := good
		c.Rates = append([]fee.Rate(nil), good.Rates...)
		spoil(&c)
		if ps := c.Check(); len(ps) != 1 || ps[0].Where != where {
			t.Errorf("want a problem at %s: %v", where, ps)
		}
	}
}

// A code worth more, or a dearer place, is never allowed less.
func TestAmount_Monotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		hundredths := rapid.IntRange(0, 200_00)
		work, practice := hundredths.Draw(t, "work"), hundredths.Draw(t, "practice")
		more, index := rapid.IntRange(0, 100).Draw(t, "more"), rapid.IntRange(500, 2500).Draw(t, "index")
		of := func(work, index int) money.Cents {
			s, err := fee.Read(
				strings.NewReader(rvuHead+fmt.Sprintf("X,%s,%d.%02d,%d.%02d,0,0,t\n", year, work/100, work%100, practice/100, practice%100)),
				strings.NewReader(factorHead+","+year+",33.4009,20,t\n"),
				strings.NewReader(localityHead+fmt.Sprintf("here,%s,%d.%03d,1.000,1.000,t\n", year, index/1000, index%1000)))
			if err != nil {
				t.Fatal(err)
			}
			a, err := s.Amount(fee.Question{Code: "X", On: civil.Date(2026, 6, 1), Locality: "here"})
			if err != nil {
				t.Fatal(err)
			}
			return a.Cents
		}
		if of(work, index) > of(work+more, index) || of(work, index) > of(work, index+more) {
			t.Fatal("more is worth less")
		}
	})
}

// What is read has no amount that is negative, and is read without harm.
func FuzzRead_AnyFile(f *testing.F) {
	for _, name := range []string{"rvu.csv", "factor.csv", "locality.csv"} {
		if file, err := os.ReadFile(name); err == nil {
			f.Add(string(file))
		}
	}
	f.Fuzz(func(t *testing.T, file string) {
		s, err := fee.Read(strings.NewReader(file), strings.NewReader(factorHead+","+year+",33.4009,20,t\n"), strings.NewReader(localityHead+"here,"+year+",1,1,1,t\n"))
		if err != nil {
			return
		}
		if a, err := s.Amount(fee.Question{Code: "99421", On: civil.Date(2026, 6, 1), Locality: "here"}); err == nil && a.Cents < 0 {
			t.Fatalf("%s", a.Why)
		}
	})
}
