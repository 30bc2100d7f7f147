//go:build browser

package browser

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/dom"
)

// choosesFile chooses a file of that text where the page asks for one.
func (p *person) choosesFile(text string) {
	p.t.Helper()
	name := filepath.Join(p.t.TempDir(), "patients.csv")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		p.t.Fatal(err)
	}
	call(p, dom.SetFileInputFiles, dom.SetFileInputFilesParams{Files: []string{name}, BackendNodeID: p.find("button", "The file").id})
}

// Staff import a file of patients: what is wrong with it is told by line, and a good one
// is taken over with one press. A possible double is compared, and cannot be merged.
func TestManage_PatientsFromAFile(t *testing.T) {
	t.Parallel()
	sam := newPersonSignedIn(t, startSystem(t).URL, "file", "Sam Lee")
	sam.follow("Patients")
	sam.follow("Import a file of patients")
	sam.checkPage("choose", http.StatusOK)
	sam.press("See what is in it")
	sam.wantText("There is a problem", "Choose a file")
	sam.checkPage("none", http.StatusUnprocessableEntity)
	sam.choosesFile("name,birth,email,phone\nאביגיל כהן,1980-01-30,a@file.example,12\nAnn Lee,12.4.1990,ann@file.example,\n")
	sam.press("See what is in it")
	sam.wantText("What has to be put right", "Line 2, phone", "Line 3, birth")
	sam.checkPage("wrong", http.StatusOK)
	sam.choosesFile("\ufeffname,birth,email\r\nאביגיל כהן,1980-01-30,a@file.example\r\nPat Twin,1990-04-12,pat@file.example\r\nTwin Pat,1990-04-13,pat@file.example\r\n")
	sam.press("See what is in it")
	sam.wantText("3 lines are patients", "Line 4: may be the same person as line 3", "Nothing is imported yet")
	sam.checkPage("preview", http.StatusOK)
	sam.press("Import 3 patients")
	sam.wantText("3 patients of this file were imported")
	sam.checkPage("imported", http.StatusOK)
	sam.follow("See the patients")
	sam.wantText("אביגיל כהן", "Came by a file")
	sam.checkPage("patients", http.StatusOK)
	sam.follow("Pat Twin")
	sam.wantText("Possible doubles", "Who acts for the patient")
	sam.checkPage("patient", http.StatusOK)
	sam.follow("Compare the possible doubles")
	sam.wantText("Twin Pat", "13 April 1990", "They cannot be merged")
	sam.checkPage("doubles", http.StatusOK)
}

// acceptLink is the path that the only letter to an address leads to.
func (p *person) acceptLink(to string) string {
	p.t.Helper()
	link := regexp.MustCompile(`/accept/[^\s"\\]+`)
	for deadline := time.Now().Add(timeout); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		res, err := http.Get(p.site + "/dev/mail.json?to=" + to)
		if err != nil {
			p.t.Fatal(err)
		}
		var box struct {
			Mails []json.RawMessage `json:"mails"`
		}
		err = json.NewDecoder(res.Body).Decode(&box)
		_ = res.Body.Close()
		if err != nil {
			p.t.Fatal(err)
		}
		for _, m := range box.Mails {
			if at := link.Find(m); at != nil {
				return strings.ReplaceAll(string(at), `\u0026`, "&")
			}
		}
	}
	p.t.Fatalf("no invitation came to %s", to)
	return ""
}

// passes moves the system's clock.
func (p *person) passes(d string) {
	p.t.Helper()
	res, err := http.Post(p.site+"/dev/clock", "application/json", strings.NewReader(`{"advance":"`+d+`"}`))
	if err != nil {
		p.t.Fatal(err)
	}
	if _ = res.Body.Close(); res.StatusCode != http.StatusOK {
		p.t.Fatalf("the clock answers %s", res.Status)
	}
}

// A patient asks somebody to act for them, who is known to another practice too and so
// chooses between the two; each ends it.
func TestManage_CaregiverOfTwoPractices(t *testing.T) {
	t.Parallel()
	site := startSystem(t).URL
	hana := newPersonSignedIn(t, site, "acts-hana", "Hana Kim")
	hana.follow("My data")
	hana.checkPage("data", http.StatusOK)
	hana.follow("Show who acts for you")
	hana.wantText("Who acts for you", "Somebody whom the practice named")
	hana.checkPage("acts", http.StatusOK)
	hana.press("Send the invitation")
	hana.wantText("There is a problem", "Give one e-mail address", "Give one of")
	hana.checkPage("acts-wrong", http.StatusUnprocessableEntity)
	hana.write("Their e-mail address", "jaen-smith@patients.example")
	hana.choose("Why", "You asked them to")
	hana.choose("What they may do", "Read it, and do nothing")
	hana.press("Send the invitation")
	hana.wantText("The letter is on its way", "jaen-smith@patients.example")
	hana.press("Take it back (jaen-smith@patients.example)")
	hana.wantText("The invitation was taken back")
	hana.write("Their e-mail address", "jane-smith@patients.example")
	hana.choose("Why", "Named by a court")
	hana.choose("What they may do", "All that the patient does")
	hana.press("Send the invitation")
	hana.wantText("The letter is on its way")
	hana.checkPage("acts-invited", http.StatusOK)

	jane := newPersonSignedIn(t, site, "acts-jane", "Jane Smith")
	jane.goTo(jane.acceptLink("jane-smith@patients.example"))
	jane.wantText("You are invited")
	jane.checkPage("accept", http.StatusOK)
	jane.press("Accept")
	jane.wantText("Care without an appointment")
	jane.passes("6m") // who somebody is at other practices is read anew after five
	jane.goTo("/choose")
	jane.wantText("At which practice are you now?", "Lakeside Family Medicine", "Harbor Street Clinic")
	jane.checkPage("choose", http.StatusOK)
	jane.press("Harbor Street Clinic")
	jane.wantText("Hana Kim")
	jane.follow("Change practice")
	jane.wantText("You are here now")
	jane.checkPage("choose-again", http.StatusOK)
	jane.press("Harbor Street Clinic")
	jane.follow("My data")
	jane.follow("Show who acts")
	jane.wantText("Who acts for Hana Kim", "Granted by the patient", "Give it up, at once")
	jane.checkPage("acts-for", http.StatusOK)

	hana.goTo("/my/data")
	hana.follow("Show who acts for you")
	hana.press("End it at once (jane-smith@patients.example)")
	hana.wantText("That has ended, at once")
	hana.checkPage("acts-ended", http.StatusOK)
}

// What an administrator decides, and the form they hand in, come back as they were typed if
// they are refused.
func TestManage_RefusedComesBack(t *testing.T) {
	t.Parallel()
	ada := newPersonSignedIn(t, startSystem(t).URL, "decide", "Ada Brooks")
	ada.follow("Settings")
	ada.write("States served", "Oregon")
	ada.write("An answer is promised within, in hours", "soon")
	ada.press("Decide")
	ada.wantText("There is a problem", "two capital letters", "hours as a number")
	ada.checkPage("settings-wrong", http.StatusUnprocessableEntity)
	ada.write("States served", "OR, WA")
	ada.write("An answer is promised within, in hours", "12")
	ada.press("Decide")
	ada.wantText("Settings")
	ada.checkPage("settings-decided", http.StatusOK)
	ada.follow("Forms")
	ada.write("FHIR R4 Questionnaire", `{"resourceType":"Questionnaire","title":"A","status":"draft","item":[{"linkId":"a","type":"xstring","text":"A?"}]}`)
	ada.press("Hand in")
	ada.wantText("There is a problem", "may not be published")
	ada.checkPage("forms-wrong", http.StatusUnprocessableEntity)
	ada.follow("Forms")
	ada.press("Adopt Red or pink eye")
	ada.wantText("Handed in by Ada Brooks", "This text is not approved")
	ada.checkPage("draft", http.StatusOK)
	ada.unfold("Edit")
	ada.checkPage("draft-edit", http.StatusOK)
	ada.write("Examples", "{")
	ada.press("Hand in the changed draft")
	ada.wantText("There is a problem")
	ada.checkPage("draft-wrong", http.StatusBadRequest)
	ada.follow("Forms")
	ada.follow("pink-eye")
	ada.follow("See it as a patient does")
	ada.wantText("This is how a patient sees the form")
	ada.checkPage("preview", http.StatusOK)
}
