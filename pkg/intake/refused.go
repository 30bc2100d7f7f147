package intake

import (
	"strings"
)

const sdcBase = "http://hl7.org/fhir/uv/sdc/StructureDefinition/"

// refusedExtensions are the extensions that decide what is asked, what may be answered
// or what an answer means, and that are not evaluated, with what an author can do. An
// extension that is in no list here is kept and changes nothing, as FHIR says of
// extensions that are no modifierExtension.
var refusedExtensions = map[string]string{
	sdcBase + "sdc-questionnaire-enableWhenExpression":          "decides by an expression whether it is asked: use enableWhen",
	sdcBase + "sdc-questionnaire-answerExpression":              "takes the answers to choose from out of an expression: list them as answerOption",
	sdcBase + "sdc-questionnaire-answerOptionsToggleExpression": "hides answers by an expression: use two questions with enableWhen",
	sdcBase + "sdc-questionnaire-subQuestionnaire":              "stands for another questionnaire: put its items here",
	sdcBase + "sdc-questionnaire-isSubject":                     "makes the answers those of somebody other than the patient",
	sdcBase + "sdc-questionnaire-itemMedia":                     "shows a picture, a film or a sound: say it in words",
	extAnswerMedia:                                              "shows a picture, a film or a sound for an answer: say it in words",
	hl7Base + "cqf-expression":                                  "is calculated by an expression: write it out",
	hl7Base + "questionnaire-signatureRequired":                 "has to be signed",
	extTarget: "checks the answers by an expression and is no warning: use minValue, maxValue, regex or a questionnaire-constraint that compares two answers",
	hl7Base + "extension-Questionnaire.item.answerConstraint": "says otherwise than the item type whether other answers are allowed",
}

// refusedValues are the extensions that do so with some of their values only.
var refusedValues = map[string]func(extension) string{
	sdcBase + "sdc-questionnaire-assemble-expectation": func(e extension) string {
		if strings.HasPrefix(e.ValueCode, "independent-") {
			return ""
		}
		return "is assembled of several questionnaires: hand in the assembled one"
	},
	sdcBase + "sdc-questionnaire-questionnaireAdaptive": func(e extension) string {
		if e.ValueBoolean != nil && !*e.ValueBoolean {
			return ""
		}
		return "is adaptive, so that another system decides on each next question"
	},
	extSensitive: func(e extension) string {
		if e.ValueBoolean != nil && !*e.ValueBoolean {
			return ""
		}
		return "is not understood without its style, and only the text of a question is drawn in one"
	},
	extUnitOpen: func(e extension) string {
		if e.ValueCode == "optionsOnly" {
			return ""
		}
		return "is answered in units of one's own: list the units as questionnaire-unitOption"
	},
	hl7Base + "questionnaire-usageMode": func(e extension) string {
		if strings.HasPrefix(e.ValueCode, "capture") {
			return ""
		}
		return "is only shown afterwards and never asked"
	},
}

// named is how the text of a problem names the item.
func (it *Item) named() string { return "The item " + quoted(it.LinkID) }

// passed looks at an extension that is not evaluated: it is kept, unless it would change
// what is asked or answered.
func (c *compiler) passed(what string, e extension) {
	why, refused := refusedExtensions[e.URL]
	if by, some := refusedValues[e.URL]; some {
		why = by(e)
		refused = why != ""
	}
	if !refused && strings.HasPrefix(e.URL, extensionBase) {
		why, refused = "has an extension that there is not: correct its name", true
	}
	if refused {
		c.problem(where(e.at, e.URL), "extension", "%s %s (%s).", what, why, shortName(e.URL))
	}
}

// where is the JSON pointer to a part, or its name for one that was never read.
func where(at *place, name string) string {
	if at == nil {
		return name
	}
	return at.pointer()
}

// elements looks at the extensions of a part's primitives, such as _text.
func (c *compiler) elements(what string, s source) {
	for _, m := range s.kept {
		if !strings.HasPrefix(m.name, "_") {
			continue
		}
		for _, url := range urls(m.value) {
			if why, refused := refusedExtensions[url]; refused {
				c.problem(s.at.member(m.name).pointer(), "extension", "%s: its %s %s (%s).", what, m.name[1:], why, shortName(url))
			}
		}
	}
}

// urls lists the extensions anywhere in n.
func urls(n node) []string {
	var found []string
	for _, m := range n.children {
		if m.name == "url" && m.kind == stringNode {
			found = append(found, m.text)
		}
		found = append(found, urls(m)...)
	}
	return found
}

func codings(all []sourceCoding) []Coding {
	if len(all) == 0 {
		return nil
	}
	found := make([]Coding, len(all))
	for i, c := range all {
		found[i] = c.coding()
	}
	return found
}
