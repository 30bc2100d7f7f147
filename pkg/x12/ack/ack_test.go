package ack_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"evisit/pkg/fault"
	"evisit/pkg/x12/ack"
	"evisit/pkg/x12/x12test"
)

const isa = "ISA*00*          *00*          *ZZ*CLEARINGHOUSE  *ZZ*EVISITSUBMIT   *260129*1000*^*00501*000000901*0*T*:~"

// interchange is one with these segments between ISA and IEA.
func interchange(groups int, body string) string {
	return fmt.Sprintf("%s%sIEA*%d*000000901~", isa, body, groups)
}

// set is an interchange with one transaction.
func set(gs, st, version, segments string) string {
	return interchange(1, fmt.Sprintf("GS*%s*CLEARINGHOUSE*EVISITSUBMIT*20260129*1000*901*X*%s~ST*%s*0001*%s~%sSE*%d*0001~GE*1*901~",
		gs, version, st, version, segments, strings.Count(segments, "~")+2))
}

var (
	ta1 = interchange(0, "TA1*000000001*260129*0930*R*025~TA1*000000002*260129*0931*A*000~")

	group999 = set("FA", "999", ack.Version999, "AK1*HC*1*005010X222A1~"+
		"AK2*837*0001*005010X222A1~IK3*HI*21**3~CTX*CLM01:EV-2026-000123~CTX*SITUATIONAL TRIGGER*CLM~"+
		"IK3*NM1*16*2010*8~IK4*9*67*7*SECRET~IK4*5:3*1325*1~IK5*R*5*I6~"+
		"AK2*837*0002~IK5*A~AK9*P*3*2*1*2~")

	claims277 = set("HN", "277", ack.Version277, "BHT*0085*08*R1*20260129*1000*TH~"+
		"HL*1**20*1~NM1*AY*2*CLEARINGHOUSE*****46*CLEARINGHOUSE~TRN*1*X~DTP*050*D8*20260129~"+
		"HL*2*1*21*1~NM1*41*2*LAKESIDE*****46*EVISITSUBMIT~TRN*2*EV2601290001~STC*A1:19:PR*20260129*WQ*90~QTY*90*2~QTY*AA*1~AMT*YU*60~"+
		"HL*3*2*19*1~NM1*85*2*LAKESIDE*****XX*1234567893~TRN*1*0~STC*A1:19:85**WQ*90~QTY*QA*2~QTY*QC*1~"+
		"HL*4*3*PT~NM1*QC*1*SMITH*JANE****MI*MEM123456~TRN*2*EV-2026-000123~STC*A2:20:PR*20260129*WQ*30~REF*1K*PAYERCTRL001~REF*D9*CH1~DTP*472*D8*20260114~"+
		"HL*5*3*PT~NM1*QC*1*SMITH*TOM****MI*MEM123456~TRN*2*EV-2026-000124~STC*A7:562:85*20260129*U*30******A3:21~"+
		"SVC*HC:99421*30~STC*A7:454*20260129*U~REF*FJ*EV-2026-000124-1~"+
		"HL*6*3*PT~NM1*QC*1*LEE*ANN****MI*M2~TRN*2*EV-2026-000125~SVC*HC:99421*30~STC*A6:178**U*30~")
)

func read(src io.Reader) (all []ack.Answer, err error) {
	r := ack.NewReader(src)
	for {
		a, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, a)
	}
}

func readAll(src io.Reader) error {
	_, err := read(src)
	return err
}

func TestReader_EachKind(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 29, 9, 30, 0, 0, time.UTC)
	for name, c := range map[string]struct {
		file string
		want []ack.Answer
	}{
		"TA1": {ta1, []ack.Answer{
			&ack.Interchange{Control: 1, At: at, Verdict: ack.Rejected, Note: "025"},
			&ack.Interchange{Control: 2, At: at.Add(time.Minute), Verdict: ack.Accepted, Note: "000"},
		}},
		"999": {group999, []ack.Answer{&ack.Group{
			Kind: "HC", Control: 1, Verdict: ack.PartlyAccepted, Sent: 3, Received: 2, Accepted: 1, Codes: []string{"2"},
			Sets: []ack.Set{
				{Kind: "837", Control: "0001", Verdict: ack.Rejected, Codes: []string{"5", "I6"}, Faults: []ack.Fault{
					{Segment: "HI", Position: 21, Code: "3", Claim: "EV-2026-000123"},
					{Segment: "NM1", Position: 16, Loop: "2010", Code: "8", Elements: []ack.ElementFault{{Element: 9, Code: "7", Value: "SECRET"}, {Element: 5, Component: 3, Code: "1"}}},
				}},
				{Kind: "837", Control: "0002", Verdict: ack.Accepted},
			},
		}}},
		"277CA": {claims277, []ack.Answer{
			&ack.Report{
				Level: ack.BatchLevel, Reference: "EV2601290001", Accepted: 2, Rejected: 1,
				Statuses: []ack.Status{{Category: "A1", Code: "19", Entity: "PR", At: x12test.Day(20260129), Action: "WQ", Amount: 90_00}},
			},
			&ack.Report{
				Level: ack.ProviderLevel, Batch: "EV2601290001", Reference: "0", NPI: "1234567893", Accepted: 2, Rejected: 1,
				Statuses: []ack.Status{{Category: "A1", Code: "19", Entity: "85", Action: "WQ", Amount: 90_00}},
			},
			&ack.Report{
				Level: ack.ClaimLevel, Batch: "EV2601290001", Reference: "EV-2026-000123", PayerControl: "PAYERCTRL001",
				Statuses: []ack.Status{{Category: "A2", Code: "20", Entity: "PR", At: x12test.Day(20260129), Action: "WQ", Amount: 30_00}},
			},
			&ack.Report{
				Level: ack.ClaimLevel, Batch: "EV2601290001", Reference: "EV-2026-000124",
				Statuses: []ack.Status{
					{Category: "A7", Code: "562", Entity: "85", At: x12test.Day(20260129), Action: "U", Amount: 30_00},
					{Category: "A3", Code: "21", At: x12test.Day(20260129), Action: "U", Amount: 30_00},
				},
				Lines: []ack.Line{{Code: "99421", Control: "EV-2026-000124-1", Statuses: []ack.Status{{Category: "A7", Code: "454", At: x12test.Day(20260129), Action: "U"}}}},
			},
			&ack.Report{
				Level: ack.ClaimLevel, Batch: "EV2601290001", Reference: "EV-2026-000125",
				Lines: []ack.Line{{Code: "99421", Statuses: []ack.Status{{Category: "A6", Code: "178", Action: "U", Amount: 30_00}}}},
			},
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := read(strings.NewReader(c.file))
			if err != nil {
				t.Fatal(err)
			}
			if diff := x12test.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// One file may hold answers of every kind.
func TestReader_KindsInOneFile(t *testing.T) {
	t.Parallel()
	got, err := read(strings.NewReader(ta1 + "\n" + strings.ReplaceAll(group999, "~", "~\r\n") + claims277))
	if err != nil || len(got) != 8 {
		t.Errorf("%d answers, %v", len(got), err)
	}
}

func TestReport_Outcome(t *testing.T) {
	t.Parallel()
	for categories, want := range map[string]ack.Outcome{
		"A0": ack.Waiting, "A1": ack.Waiting, "A2": ack.Taken, "A5": ack.Taken,
		"A3": ack.TurnedBack, "A4": ack.TurnedBack, "A6": ack.TurnedBack, "A7": ack.TurnedBack, "A8": ack.TurnedBack,
		"A1 A2": ack.Taken, "A2 A7": ack.TurnedBack, "A1 A9": ack.NotUnderstood, "F1": ack.NotUnderstood, "A2 F1": ack.Taken,
	} {
		ofClaim, ofLine := &ack.Report{}, &ack.Report{Lines: []ack.Line{{}}}
		for c := range strings.FieldsSeq(categories) {
			ofClaim.Statuses = append(ofClaim.Statuses, ack.Status{Category: c})
			ofLine.Lines[0].Statuses = append(ofLine.Lines[0].Statuses, ack.Status{Category: c})
		}
		if a, b := ofClaim.Outcome(), ofLine.Outcome(); a != want || b != want {
			t.Errorf("%s: %s of the claim, %s of a line, want %s", categories, a, b, want)
		}
	}
}

func TestVerdict_Took(t *testing.T) {
	t.Parallel()
	for v, want := range map[ack.Verdict]bool{
		ack.Accepted: true, ack.AcceptedWithErrors: true, ack.PartlyAccepted: false, ack.Rejected: false,
		ack.RejectedMAC: false, ack.RejectedAssurance: false, ack.RejectedUnreadable: false, "": false,
	} {
		if v.Took() != want {
			t.Errorf("%s: %t", v, !want)
		}
	}
}

func TestReader_Errors(t *testing.T) {
	t.Parallel()
	x12test.Refuses(t, ta1, readAll, []x12test.Spoil{
		{"TA1 about nothing", "TA1*000000001", "TA1*", "(TA1), element 1"},
		{"TA1's time", "*260129*0930*", "*260129*9930*", "(TA1), element 2"},
		{"TA1's verdict", "*R*025", "*P*025", "(TA1), element 4"},
	})
	x12test.Refuses(t, group999, readAll, []x12test.Spoil{
		{"another guide", "ST*999*0001*005010X231A1", "ST*999*0001*005010X230", "(ST)"},
		{"997", "ST*999", "ST*997", "(ST)"},
		{"group's number", "AK1*HC*1*", "AK1*HC**", "(AK1), element 2"},
		{"no AK9", "AK9*P*3*2*1*2~SE*14", "SE*13", "AK2 or AK9"},
		{"no IK5", "IK5*A~AK9*P", "AK9*A", "IK3, CTX, IK4 or IK5"},
		{"AK9's verdict", "AK9*P", "AK9*Q", "(AK9), element 1"},
		{"AK9's count", "AK9*P*3*2*1", "AK9*P*3**1", "(AK9), element 3"},
		{"IK4 of nothing", "IK3*HI*21**3~CTX", "IK4*1*1*1~CTX", "IK3 must stand before"},
		{"IK4's element", "IK4*9*", "IK4*X*", "(IK4), element 1"},
		{"IK4's component", "IK4*5:3", "IK4*5:X", "(IK4), element 1"},
	})
	x12test.Refuses(t, claims277, readAll, []x12test.Spoil{
		{"277 of another guide", "ST*277*0001*005010X214", "ST*277*0001*005010X212", "(ST)"},
		{"claim's number", "TRN*2*EV-2026-000123", "TRN*2*", "(TRN), element 2"},
		{"status empty", "STC*A2:20:PR", "STC*", "(STC), element 1"},
		{"status's day", "STC*A2:20:PR*20260129", "STC*A2:20:PR*20260229", "(STC), element 2"},
		{"the last value", "STC*A6:178**U*30", "STC*A6:178**U*SECRET", "(STC), element 4"},
		{"count", "QTY*90*2", "QTY*90*two", "(QTY), element 2"},
	})
}

func TestReader_TruncatedAnywhere(t *testing.T) {
	t.Parallel()
	for _, file := range []string{ta1, group999, claims277} {
		x12test.RefusesCut(t, file, readAll)
	}
}

func TestReader_EndlessAnswer(t *testing.T) {
	t.Parallel()
	file := set("HN", "277", ack.Version277, "HL*1**PT~"+strings.Repeat("STC*A1:1~", 20_001))
	if _, err := read(strings.NewReader(file)); err == nil || !strings.Contains(err.Error(), "at most 20000 segments") {
		t.Errorf("error %v", err)
	}
}

func TestElementFault_PrintsNoValue(t *testing.T) {
	t.Parallel()
	if got, err := read(strings.NewReader(group999)); err != nil || strings.Contains(fmt.Sprintf("%+v", *got[0].(*ack.Group)), "SECRET") {
		t.Errorf("%v: a value is printed", err)
	}
}

// What is read is the same with new lines behind the file, and an error is one of
// the file.
func FuzzReader(f *testing.F) {
	for _, file := range []string{ta1, group999, claims277} {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, file []byte) {
		got, err := read(bytes.NewReader(file))
		if err != nil {
			if !errors.Is(err, fault.Malformed) {
				t.Errorf("error %v", err)
			}
			return
		}
		if again, err := read(bytes.NewReader(append(file, "\r\n"...))); err != nil || x12test.Diff(got, again) != "" {
			t.Errorf("%v %s", err, x12test.Diff(got, again))
		}
	})
}
