package main

import (
	"fmt"
	"strings"
)

// The patient's answers, to real forms and of invented people.

func yesNo(yes bool, linkIDs ...string) string {
	var items []string
	for _, id := range linkIDs {
		items = append(items, fmt.Sprintf(`{"linkId":%q,"answer":[{"valueBoolean":%t}]}`, id, yes))
	}
	return strings.Join(items, ",")
}

func one(linkID, value string) string {
	return fmt.Sprintf(`{"linkId":%q,"answer":[{%s}]}`, linkID, value)
}

func coded(code string) string  { return fmt.Sprintf(`"valueCoding":{"code":%q}`, code) }
func worded(text string) string { return fmt.Sprintf(`"valueString":%q`, text) }
func whole(n int) string        { return fmt.Sprintf(`"valueInteger":%d`, n) }

func response(items ...string) string {
	return `{"resourceType":"QuestionnaireResponse","status":"in-progress","item":[` + strings.Join(items, ",") + `]}`
}

var aboutYou = about("self-pay")

// about answers the common block, and how the visit is paid for.
func about(route string) string {
	return strings.Join([]string{
		yesNo(true, "emergency-ack"), one("completed-by", coded("self")), one("location-state", coded("OR")),
		one("language", coded("en")), one("callback-phone", worded("+1 503 555 0177")),
		yesNo(false, "seen-7d", "surgery-90d", "accident"), one("pregnant", coded("no")), one("conditions", coded("none")),
		`{"linkId":"allergies","item":[` + yesNo(true, "allergy-none") + `]}`, one("medications", worded("none")), one("payment-route", coded(route)),
	}, ",")
}

var refill = response(
	aboutYou,
	`{"linkId":"rx","item":[`+strings.Join([]string{
		one("rx-name", worded("lisinopril")), one("rx-strength", worded("10 mg")),
		one("rx-directions", worded("one tablet daily")), one("rx-left", whole(9)),
	}, ",")+`]}`,
	yesNo(false, "rx-controlled", "rx-critical", "rx-out", "rx-reaction", "rx-change", "rx-newdx"),
	one("rx-sideeffects", coded("none")), one("rx-working", coded("yes")), one("rx-pharmacy", worded("Main Street Pharmacy")),
)

var urinary = response(
	one("uti-onset", whole(2)), one("uti-sx", coded("burning")),
	yesNo(false, "uti-fever", "uti-flank", "uti-vomit", "uti-confused", "uti-retention", "uti-discharge", "uti-sti",
		"uti-catheter", "uti-kidney", "uti-abx"),
	one("uti-count", whole(1)),
)
