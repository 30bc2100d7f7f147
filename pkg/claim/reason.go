package claim

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"evisit/pkg/fault"
	"evisit/pkg/x12/ack"
)

// turned is why a claim was turned back, at a field.
func turned(of Record, where, code, text string) Problem {
	return Problem{Problem: fault.Problem{Where: where, Code: code, Text: text}, Of: of}
}

// refusedFile is why a file was refused as a whole. Nothing of the claim is to be put right for it.
func refusedFile(a *ack.Interchange) Problem {
	const usedBefore = "025" // TA105 (X12.5 §3): the interchange's control number was used before
	if a.Note == usedBefore {
		return turned(OfClaim, "file", "TA1:"+a.Note, "The receiver has had a file of this number. If that was this file, wait for its answers; if not, send the claim again in another.")
	}
	return turned(OfClaim, "file", "TA1:"+a.Note, "The receiver could not take the file. Nothing of this claim is wrong by that: send it again in another file.")
}

// refusedForm is why a transaction was refused in which the claim has a control number. What the
// receiver says of another claim is not this one's fault.
func refusedForm(set ack.Set, control string) []Problem {
	var all []Problem
	others := false
	for _, f := range set.Faults {
		if f.Claim != "" && f.Claim != control {
			others = true
			continue
		}
		code := strings.TrimSuffix("999:"+f.Segment+":"+f.Code, ":")
		of, where := fieldOf(f.Segment, f.Loop)
		text := fmt.Sprintf("The receiver cannot read segment %s (number %d of the batch).", f.Segment, f.Position)
		for _, e := range f.Elements {
			text += fmt.Sprintf(" Element %d is wrong (%s).", e.Element, e.Code)
		}
		all = append(all, turned(of, where, code, text+" "+wordsOf(of)))
	}
	switch {
	case len(all) > 0:
		return all
	case others:
		return []Problem{turned(OfClaim, "file", "999:other_claim", "The receiver could not take the batch because of another claim in it. Nothing of this one is wrong by that: send it again in another batch.")}
	}
	return []Problem{turned(OfClaim, "file", "999:"+strings.Join(append([]string{string(set.Verdict)}, set.Codes...), ":"),
		"The receiver could not take the batch and names no field. Ask the receiver, and send the claim again in another batch.")}
}

// wordsOf say where to look.
func wordsOf(of Record) string {
	switch of {
	case OfClaim:
		return "Look at the claim."
	case OfVisit, OfPractice, OfClinician, OfPatient, OfCoverage, OfPayer:
	}
	return "Look at what is on record of the " + string(of) + "."
}

// loops are the records of the loops of an 837P (005010X222A1), by the beginning of their names.
var loops = []struct {
	loop string
	of   Record
	part string
}{
	{"2010AA", OfPractice, "billing"},
	{"2000A", OfPractice, "billing"},
	{"2010BA", OfCoverage, "subscriber"},
	{"2000B", OfCoverage, "subscriber"},
	{"2010BB", OfPayer, "payer"},
	{"2010CA", OfPatient, "patient"},
	{"2000C", OfCoverage, "patient/relationship"},
	{"2310B", OfClinician, "rendering"},
	{"2400", OfClaim, "lines"},
	{"2300", OfClaim, ""},
}

// segments are the fields of segments of loop 2300.
var segments = map[string]string{"HI": "diagnoses", "CLM": "charge", "REF": "payer_control"}

// fieldOf is what a segment in a loop is about.
func fieldOf(segment, loop string) (Record, string) {
	for _, l := range loops {
		if !strings.HasPrefix(loop, l.loop) {
			continue
		}
		if l.part == "" {
			return OfClaim, segments[segment]
		}
		return l.of, l.part
	}
	if where, known := segments[segment]; known && loop == "" {
		return OfClaim, where
	}
	return OfClaim, "file"
}

// entities are the parties of a claim status (STC01-3, by the codes of element 98).
var entities = map[string]struct {
	of   Record
	part string
}{
	"85": {OfPractice, "billing"},
	"82": {OfClinician, "rendering"},
	"IL": {OfCoverage, "subscriber"},
	"QC": {OfPatient, "patient"},
	"PR": {OfPayer, "payer"},
	"41": {OfPractice, "submitter"},
	"40": {OfPayer, "payer/address"},
}

// partyFields are the fields of parties by the code of a claim status that is of an entity (code
// source 508; its texts are X12's and not copied).
var partyFields = map[string]string{
	"562": "npi", "128": "tax_id", "145": "taxonomy", "125": "last", "504": "last", "505": "first",
	"126": "address", "500": "address/zip", "501": "address/state", "502": "address/city", "503": "address/street",
	"153": "member_id", "164": "member_id", "162": "member_id", "163": "group", "157": "gender", "158": "birth", "480": "filing",
}

// claimFields are the records and fields of a claim by the code of a claim status (508).
var claimFields = map[string]struct {
	of    Record
	where string
}{
	"28":  {OfCoverage, "subscriber/payer"},
	"29":  {OfCoverage, "subscriber/group"},
	"30":  {OfCoverage, "subscriber/member_id"},
	"32":  {OfCoverage, "subscriber/member_id"},
	"33":  {OfCoverage, "subscriber/member_id"},
	"54":  {OfClaim, "id"},
	"78":  {OfClaim, "id"},
	"85":  {OfCoverage, "subscriber/order"},
	"88":  {OfCoverage, "subscriber/plan"},
	"90":  {OfCoverage, "subscriber/plan"},
	"97":  {OfCoverage, "subscriber/plan"},
	"116": {OfCoverage, "subscriber/payer"},
	"156": {OfCoverage, "patient/relationship"},
	"178": {OfClaim, "charge"},
	"187": {OfClaim, "lines/from"},
	"249": {OfClaim, "place"},
	"254": {OfClaim, "diagnoses"},
	"255": {OfClaim, "diagnoses"},
	"400": {OfClaim, "charge"},
	"402": {OfClaim, "charge"},
	"453": {OfClaim, "lines/modifiers"},
	"454": {OfClaim, "lines/code"},
	"464": {OfClaim, "payer_control"},
	"476": {OfClaim, "lines/units"},
	"477": {OfClaim, "lines/pointers"},
	"478": {OfClaim, "id"},
}

// turnedBack is why a 277CA turned a claim back: each status of it that does so, with the field to
// look at.
func turnedBack(r *ack.Report) []Problem {
	var all []Problem
	note := func(statuses []ack.Status, line string) {
		for _, s := range statuses {
			if (&ack.Report{Statuses: []ack.Status{s}}).Outcome() != ack.TurnedBack {
				continue
			}
			if p := statusProblem(s, line); !slices.Contains(all, p) {
				all = append(all, p)
			}
		}
	}
	note(r.Statuses, "")
	for i, l := range r.Lines {
		note(l.Statuses, lineOf(l.Control, i+1))
	}
	return all
}

// lineOf is the ordinal of a line by its control number (LineControl), or else its place in the report.
func lineOf(control string, ordinal int) string {
	if i := strings.LastIndexByte(control, '-'); i >= 0 && i+1 < len(control) {
		return control[i+1:]
	}
	return fmt.Sprint(ordinal)
}

func statusProblem(s ack.Status, line string) Problem {
	of, where := OfClaim, ""
	if f, known := claimFields[s.Code]; known {
		of, where = f.of, f.where
	} else if e, known := entities[s.Entity]; known {
		of, where = e.of, path.Join(e.part, partyFields[s.Code])
	}
	if rest, ok := strings.CutPrefix(where, "lines/"); ok && line != "" {
		where = "lines/" + line + "/" + rest
	} else if where == "" && line != "" {
		where = "lines/" + line
	}
	code := strings.TrimSuffix("277CA:"+s.Category+":"+s.Code+":"+s.Entity, ":")
	return turned(of, where, code, "The claim was turned back before it was decided on ("+strings.TrimPrefix(code, "277CA:")+"). "+wordsOf(of)+" What was wrong is named by the code, in X12's lists 507 and 508.")
}
