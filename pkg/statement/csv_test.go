package statement_test

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/ledger"
	"evisit/pkg/statement"
)

// Each posting is a line in the practice's time, and a cell that a spreadsheet would take for a
// formula is text; an amount that begins with a minus stays a number.
func TestWriteCSV_PostingsOfEntries(t *testing.T) {
	t.Parallel()
	odd := must(ledger.Charged("=1+1.q", "x", 5, 0, noon))
	// Of an id that no constructor makes, which is taken for a membership's.
	odd.ID, odd.Kind, odd.Postings[1].Account = "@cmd", "-kind", `+a,"b"`
	var b bytes.Buffer
	captured := must(ledger.Captured("v1.q", "x", 40_00, 30_05, 0, before))
	captured.Form, captured.Clinician, captured.Payer = "uti-women", "@ana", "60054"
	err := statement.WriteCSV(&b, []ledger.Entry{
		captured, must(ledger.FeePaid("m1.a", "x", "in_1", 0, 350_00, 0, march.Through.AddDays(-1).Start(zone))), odd,
	}, zone)
	const want = "time,entry,kind,about,payment,way,account,figure,amount_cents,amount_usd,form,clinician,payer\r\n" +
		"2026-03-01T12:00:00.000-08:00,capture,capture,v1,v1.q,plan,holds_owed,,4000,40.00,uti-women,'@ana,60054\r\n" +
		"2026-03-01T12:00:00.000-08:00,capture,capture,v1,v1.q,plan,holds,,-4000,-40.00,uti-women,'@ana,60054\r\n" +
		"2026-03-01T12:00:00.000-08:00,capture,capture,v1,v1.q,plan,stripe,,3005,30.05,uti-women,'@ana,60054\r\n" +
		"2026-03-01T12:00:00.000-08:00,capture,capture,v1,v1.q,plan,visit_fees,collected,-3005,-30.05,uti-women,'@ana,60054\r\n" +
		"2026-03-30T00:00:00.000-07:00,membership_fee-in_1-35000,membership_fee,m1.a,m1.a,membership,stripe,,35000,350.00,,,\r\n" +
		"2026-03-30T00:00:00.000-07:00,membership_fee-in_1-35000,membership_fee,m1.a,m1.a,membership,deferred_fees,collected,-35000,-350.00,,,\r\n" +
		"2026-03-02T04:00:00.000-08:00,'@cmd,'-kind,'=1+1.q,'=1+1.q,membership,stripe,,5,0.05,,,\r\n" +
		"2026-03-02T04:00:00.000-08:00,'@cmd,'-kind,'=1+1.q,'=1+1.q,membership,\"'+a,\"\"b\"\"\",other,-5,-0.05,,,\r\n"
	if d := cmp.Diff(want, b.String()); d != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, d)
	}
}
