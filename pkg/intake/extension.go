package intake

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

const (
	hl7Base       = "http://hl7.org/fhir/StructureDefinition/"
	sdcCalculated = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression"
)

// The canonical URLs of our own extensions.
const (
	extBilling   = extensionBase + "evisit-billing-class"
	extAges      = extensionBase + "evisit-age-range"
	extSex       = extensionBase + "evisit-sex"
	extTopic     = extensionBase + "evisit-sensitive-topic"
	extDiagnosis = extensionBase + "evisit-suggested-diagnosis"
	extDerived   = extensionBase + "evisit-derived-flag"
	extRule      = extensionBase + "evisit-divert-rule"
	extPage      = extensionBase + "evisit-page"      // title of the page a top-level item is on
	extStatement = extensionBase + "evisit-statement" // a boolean that only true answers
)

// The canonical URLs of FHIR's extensions.
const (
	extMinValue  = hl7Base + "minValue"
	extMaxValue  = hl7Base + "maxValue"
	extMinOccurs = hl7Base + "questionnaire-minOccurs"
	extMaxOccurs = hl7Base + "questionnaire-maxOccurs"
	extUnit      = hl7Base + "questionnaire-unit"
	extMIMEType  = hl7Base + "mimeType"
	extMaxSize   = hl7Base + "maxSize"
	extControl   = hl7Base + "questionnaire-itemControl"
	extOrdinal   = hl7Base + "ordinalValue"
	extHidden    = hl7Base + "questionnaire-hidden"
	extOpenLabel = sdcBase + "sdc-questionnaire-openLabel"
	extWeight    = hl7Base + "itemWeight" // the later name of ordinalValue

	extUnitOption  = hl7Base + "questionnaire-unitOption"
	extUnitSet     = hl7Base + "questionnaire-unitValueSet"
	extDecimals    = hl7Base + "maxDecimalPlaces"
	extMinQuantity = sdcBase + "sdc-questionnaire-minQuantity"
	extMaxQuantity = sdcBase + "sdc-questionnaire-maxQuantity"
	extUnitOpen    = sdcBase + "sdc-questionnaire-unitOpen"

	extExclusive  = hl7Base + "questionnaire-optionExclusive"
	extMinLength  = hl7Base + "minLength"
	extRegex      = hl7Base + "regex"
	extFormat     = hl7Base + "entryFormat"
	extConstraint = hl7Base + "questionnaire-constraint"
	extCalculated = hl7Base + "cqf-calculatedValue" // on a date that is a bound
	extNote       = hl7Base + "designNote"
	extVariable   = hl7Base + "variable"
	extTarget     = hl7Base + "targetConstraint"

	extAnswerMedia = sdcBase + "sdc-questionnaire-itemAnswerMedia"
)

var billingClasses = []string{"none", "em", "em-image", "em-screen", "no-charge", "monitoring", "admin-fee"}

var sexes = []string{"female", "male", "other", "unknown"} // FHIR's administrative genders

// shape is the name of the member that holds an extension's value, such as
// valueCode, or "extension" for a complex extension. shape is empty for an extension
// with no value or with several.
func (e extension) shape() string {
	found := ""
	for _, v := range []struct {
		name  string
		given bool
	}{
		{"extension", len(e.Extension) > 0},
		{"valueBoolean", e.ValueBoolean != nil},
		{"valueCode", e.ValueCode != ""},
		{"valueId", e.ValueID != ""},
		{"valueString", e.ValueString != ""},
		{"valueMarkdown", e.ValueMarkdown != ""},
		{"valueInteger", e.ValueInteger != ""},
		{"valueDecimal", e.ValueDecimal != ""},
		{"valueCoding", e.ValueCoding != nil},
		{"valueCodeableConcept", e.ValueCodeableConcept != nil},
		{"valueDate", e.ValueDate != "" || e.DateElement != nil},
		{"valueExpression", e.ValueExpression != nil},
		{"valueRange", e.ValueRange != nil},
		{"valueQuantity", e.ValueQuantity != nil},
		{"valueTime", e.ValueTime != ""},
		{"valueCanonical", e.ValueCanonical != ""},
	} {
		if v.given && found != "" {
			return ""
		}
		if v.given {
			found = v.name
		}
	}
	for _, m := range e.kept {
		if found != "" && strings.HasPrefix(m.name, "value") {
			return ""
		}
		if strings.HasPrefix(m.name, "value") {
			found = m.name
		}
	}
	return found
}

// number returns the integer or decimal of an extension, as the form writes it.
func (e extension) number() string {
	if e.ValueInteger != "" {
		return e.ValueInteger.String()
	}
	return e.ValueDecimal.String()
}

// pictures are what the addresses of pictures end in, if nothing says what they are.
var pictures = []string{".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp"}

// picture reports whether the extension is a picture.
func (e extension) picture() bool {
	for _, m := range e.kept {
		if m.name != "valueAttachment" {
			continue
		}
		if kind := m.value.member("contentType").text; kind != "" {
			return strings.HasPrefix(kind, "image/")
		}
		address := strings.ToLower(m.value.member("url").text)
		return slices.ContainsFunc(pictures, func(end string) bool { return strings.HasSuffix(address, end) })
	}
	return false
}

// whole reads a non-negative integer.
func whole(literal string) (int, bool) {
	i, err := strconv.ParseInt(literal, 10, 32)
	return int(i), err == nil && i >= 0
}

// wholeDecimal reads a non-negative integer that may be written 3.0.
func wholeDecimal(literal string) (int, bool) {
	if before, zeros, ok := strings.Cut(literal, "."); ok && strings.Trim(zeros, "0") == "" {
		literal = before
	}
	return whole(literal)
}

// megabytes reads a maxSize, a number of units of 1,048,576 bytes with an optional
// fraction, and returns it in bytes.
func megabytes(literal string) (int64, bool) {
	mb, err := strconv.ParseFloat(literal, 64)
	if err != nil || !(mb > 0 && mb <= 1024) {
		return 0, false
	}
	return int64(math.Round(mb * (1 << 20))), true
}
