package intake

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"evisit/pkg/fault"
)

func jsonNumber(literal string) json.Number { return json.Number(literal) }

// unitSet adds the units that a questionnaire-unitValueSet lists.
func (c *compiler) unitSet(it *Item, e extension) {
	found := c.catalog.expand(e.ValueCanonical)
	if found.why != "" {
		c.problem(where(e.at, it.LinkID), "valueSet", "%s: %s.", it.named(), found.why)
	}
	for _, k := range found.concepts {
		it.Units = append(it.Units, k.Coding)
	}
}

// quantityBound reads a minQuantity or a maxQuantity.
func (c *compiler) quantityBound(it *Item, e extension, literal *string, n **number) {
	bound, ok := parseNumber(e.ValueQuantity.Value.String())
	if !ok || e.ValueQuantity.keeps("comparator") {
		c.problem(it.LinkID, "range", "%s is a plain number with its unit.", shortName(e.URL))
		return
	}
	*literal, *n = e.ValueQuantity.Value.String(), &bound
	it.bounded = append(it.bounded, e.ValueQuantity.unit())
}

// linkUnits settles in which units a quantity is given.
func (c *compiler) linkUnits(it *Item) {
	if it.Type != QuantityQ {
		if len(it.Units) > 0 || len(it.bounded) > 0 {
			c.problem(it.LinkID, "unit", "unitOption, unitValueSet, minQuantity and maxQuantity are for a quantity.")
		}
		return
	}
	if unit := it.unit; unit != (Coding{}) {
		it.Units = slices.DeleteFunc(it.Units, func(u Coding) bool { return named(u) == named(unit) })
		it.Units = slices.Insert(it.Units, 0, unit)
		it.Unit = ""
	}
	for i, u := range it.Units {
		same := func(o Coding) bool { return named(o) == named(u) || UnitWords(o) == UnitWords(u) }
		if UnitWords(u) == "" || slices.ContainsFunc(it.Units[:i], same) {
			c.problem(it.LinkID, "unit", "Every unit has a code or a display, and no two are the same.")
		}
	}
	if it.Min == "" && it.Max == "" {
		return
	}
	if len(it.Units) > 1 || slices.ContainsFunc(it.bounded, func(u Coding) bool { return !it.measures(u) }) {
		c.problem(it.LinkID, "range", "A quantity with bounds has one unit, which is theirs: units are not converted.")
	}
}

// measures reports whether u is the one unit that the quantity has, or is no unit and it
// has none.
func (it *Item) measures(u Coding) bool {
	if len(it.Units) == 0 {
		return u == (Coding{})
	}
	_, ok := it.unitOf(u)
	return ok && len(it.Units) == 1
}

// unitOf finds the item's unit that a quantity names: by its code, in the same system
// if it names one, or by its words.
func (it *Item) unitOf(u Coding) (Coding, bool) {
	for _, known := range it.Units {
		if u.Code != "" && u.Code == known.Code && (u.System == "" || u.System == known.System) ||
			u.Code == "" && u.Display != "" && (u.Display == known.Display || u.Display == UnitWords(known)) {
			return known, true
		}
	}
	return Coding{}, false
}

// acceptQuantity checks a number and its unit, and returns it with the form's own unit.
func (it *Item) acceptQuantity(v Value) (Value, fault.Problem) {
	if v.kind != QuantityValue {
		if v.wrong == codeRange && v.name == valueNames[QuantityValue] {
			return v, it.outOfRange()
		}
		return v, wrong("type", "Give a number with its unit, as valueQuantity.")
	}
	if p := it.checkNumber(v); p.Code != "" {
		return v, p
	}
	if len(it.Units) == 0 {
		return v, expect(v.coding == (Coding{}), "Give a number without a unit.")
	}
	unit, ok := it.unitOf(v.coding)
	if !ok {
		words := make([]string, len(it.Units))
		for i, u := range it.Units {
			words[i] = UnitWords(u)
		}
		return v, wrong("unit", "Give it in %s.", strings.Join(words, " or "))
	}
	return Quantity(v.text, unit), fault.Problem{}
}

// timeOfDay matches a FHIR time.
var timeOfDay = lazily(`^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d{1,9})?$`)

// acceptTime checks a time of day.
func (it *Item) acceptTime(v Value) fault.Problem {
	if v.kind != TimeValue {
		return wrong("type", "Give a time, as valueTime.")
	}
	switch {
	case !timeOfDay().MatchString(v.text):
		return wrong("time", "Give a time of day with seconds, such as 08:30:00.")
	case it.Min != "" && clock(v.text) < clock(it.Min), it.Max != "" && clock(v.text) > clock(it.Max):
		return it.outOfHours()
	default:
		return fault.Problem{}
	}
}

func (it *Item) outOfHours() fault.Problem {
	switch {
	case it.Max == "":
		return wrong(codeRange, "Give a time from %s on.", it.Min)
	case it.Min == "":
		return wrong(codeRange, "Give a time up to %s.", it.Max)
	default:
		return wrong(codeRange, "Give a time from %s to %s.", it.Min, it.Max)
	}
}

// clock writes a time so that equal times are equal texts, and earlier ones are less.
func clock(s string) string {
	if whole, fraction, ok := strings.Cut(s, "."); ok {
		return strings.TrimSuffix(whole+"."+strings.TrimRight(fraction, "0"), ".")
	}
	return s
}

// schemes are the protocols of an address that a person gives.
var schemes = []string{"https", "http", "ftp", "mailto"}

// acceptURL checks a web address.
func (it *Item) acceptURL(v Value) fault.Problem {
	if v.kind != URIValue {
		return wrong("type", "Give a web address, as valueUri.")
	}
	if p := it.checkText(v.text); p.Code != "" {
		return p
	}
	u, err := url.Parse(v.text)
	if err != nil || !slices.Contains(schemes, u.Scheme) || u.Host == "" && u.Opaque == "" || strings.ContainsFunc(v.text, unicode.IsSpace) {
		return wrong("url", "Give a whole web address, such as https://example.org/page.")
	}
	return fault.Problem{}
}

// sound reports whether a value that an author wrote is one of its kind.
func sound(v Value) bool {
	switch v.kind {
	case DateValue:
		return isDate(v.text)
	case DateTimeValue:
		_, ok := parseInstant(v.text)
		return ok
	case TimeValue:
		return timeOfDay().MatchString(v.text)
	case DecimalValue, QuantityValue:
		_, ok := v.number()
		return ok
	default:
		return v.kind != UnusableValue
	}
}
