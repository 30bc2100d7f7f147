package web

import (
	"cmp"
	"fmt"
	"html/template"
	"slices"
	"strconv"
	"strings"

	"evisit/pkg/intake"
	"evisit/pkg/phi"
)

// A field is an item as a page draws it.
type field struct {
	Kind     string // which input: text area date datetime-local time url quantity radios checks tick select group rows note photo
	ID, Name string
	Label    string
	Look     string // classes that Label is drawn with; empty for those of the page
	Said     []said // by a form's author, beside the field
	Help     []string
	Hint     string // what numbers are wanted, or how a text is written
	Required bool
	Mode     string // inputmode of a text input
	Max      int    // characters
	Lines    int    // of an area for a program's text; 0: it is for prose
	Values   []phi.Text
	Options  []option
	Others   []phi.Text // written beside the options of an open choice
	// OtherName is the field in which an answer of one's own is written, and
	// OtherLabel what it is called; empty of other fields.
	OtherName, OtherLabel string
	Open                  bool       // others may be written
	Units                 [][]option // of each value of a quantity, the units to choose from
	More                  bool       // takes several
	Errors                []string
	Focus                 bool
	Fields                []field // of a group
	Rows                  []row   // of a repeating group
	CanAdd                bool
	In                    string        // the row around a repeating group, to tell its button from those of other rows
	Drawn                 template.HTML // the whole field, of which only the name is set; empty until it is drawn
}

// A said is a text with the classes that it is drawn with.
type said struct{ Text, Look string }

type option struct {
	ID, Value, Label string
	Chosen           bool
}

// A row is one of a repeating group. Name is how it is removed; empty if there is nothing
// to remove.
type row struct {
	Name, Title string
	Fields      []field
}

// Described reports whether there is text beside the field that describes it.
func (f field) Described() bool {
	return len(f.Said) > 0 || len(f.Help) > 0 || f.Hint != "" || len(f.Errors) > 0
}

// UnitsAt are the units to choose from beside value i of a quantity; none without a choice.
func (f field) UnitsAt(i int) []option {
	if i < len(f.Units) {
		return f.Units[i]
	}
	return nil
}

// field draws an item without its answers.
func (d drawing) field(it *intake.Item, at string) field {
	name := it.LinkID + at
	f := field{
		ID: htmlID(name), Name: name, Label: strings.TrimSpace(it.Prefix + " " + it.Text), Look: look(it.Style), Required: it.Required,
		More: it.Repeats, Hint: hint(it), Errors: d.errors(it, at),
	}
	for _, h := range it.Help {
		f.Said = append(f.Said, said{h.Text, look(h.Style)})
	}
	switch it.Type {
	case intake.Display:
		f.Kind = "note"
	case intake.Group:
		f.Kind = "group"
		if it.Repeats {
			f.Kind = "rows"
		}
	case intake.Upload:
		f.Kind = "photo"
	case intake.BooleanQ:
		f.Kind = "radios"
		if it.Statement {
			f.Kind = "tick"
		}
	case intake.Choice, intake.OpenChoice:
		f.Kind, f.Open = "radios", it.Type == intake.OpenChoice
		if f.Open {
			f.OtherName, f.OtherLabel = it.LinkID+"~"+at, cmp.Or(it.OpenLabel, "In your own words")
		}
		switch {
		case it.Repeats:
			f.Kind = "checks"
		case !f.Open && opens(it):
			f.Kind = "select"
		}
	case intake.IntegerQ:
		f.Kind, f.Mode = "text", "numeric"
	case intake.DecimalQ:
		f.Kind, f.Mode = "text", "decimal"
	case intake.DateQ:
		f.Kind = "date"
	case intake.DateTimeQ:
		f.Kind = "datetime-local"
	case intake.TextQ:
		f.Kind, f.Max = "area", it.MaxLength
	case intake.StringQ:
		f.Kind, f.Max = "text", it.MaxLength
		if it.Control == "text-area" {
			f.Kind = "area"
		}
	case intake.TimeQ:
		f.Kind = "time"
	case intake.URLQ:
		f.Kind, f.Max = "url", it.MaxLength
	case intake.QuantityQ:
		f.Kind, f.Mode = "quantity", "decimal"
		f.OtherName = it.LinkID + "~" + at
	}
	if it.ReadOnly {
		f.Kind, f.Errors = "note", nil
	}
	return f
}

// look are the classes of style.css that a style is drawn with.
func look(s intake.Style) string { return strings.Join(s.Names(), " ") }

// longList is how many options are still shown side by side, unless the form asks for
// radio buttons.
const longList = 12

// opens reports whether a choice is drawn as a list that opens.
func opens(it *intake.Item) bool {
	switch it.Control {
	case "drop-down", "autocomplete", "lookup":
		return true
	case "radio-button":
		return false
	default:
		return len(it.Options) > longList
	}
}

// fill puts the answers into the field.
func (d drawing) fill(f *field, it *intake.Item, answers []intake.Answer) {
	var vs []intake.Value
	for _, a := range answers {
		vs = append(vs, a.Value)
	}
	switch f.Kind {
	case "note":
		if it.ReadOnly {
			f.Label += ": " + fixedWords(it)
		}
		return
	case "photo":
		return
	case "tick":
		f.Options = []option{{f.ID, "true", f.Label, slices.ContainsFunc(vs, intake.Boolean(true).Equal)}}
		return
	case "radios", "checks", "select":
		f.Options = options(f, it, vs)
		for _, v := range vs {
			if f.Open && v.Kind() == intake.StringValue && !it.Offers(v) {
				f.Others = append(f.Others, phi.Text(v.Text()))
			}
		}
		if f.Open && (len(f.Others) == 0 || f.More) {
			f.Others = append(f.Others, "")
		}
		return
	}
	for _, v := range vs {
		f.Values = append(f.Values, phi.Text(d.typed(it, v)))
		f.Units = append(f.Units, units(it, v.Coding()))
	}
	if len(f.Values) == 0 || f.More && len(f.Values) < maxValues {
		f.Values = append(f.Values, "")
		f.Units = append(f.Units, units(it, intake.Coding{}))
	}
}

// typed is an answer as it stands in an input.
func (d drawing) typed(it *intake.Item, v intake.Value) string {
	switch {
	case it.Type == intake.DateTimeQ:
		return clockText(v.Text(), d.zone)
	case it.Type == intake.TimeQ:
		return strings.TrimSuffix(v.Text(), ":00")
	case v.Kind() == intake.QuantityValue:
		return v.Number()
	}
	return v.Text()
}

// units are what a quantity's unit is chosen from, if there is a choice.
func units(it *intake.Item, chosen intake.Coding) []option {
	if len(it.Units) < 2 {
		return nil
	}
	var all []option
	for i, u := range it.Units {
		all = append(all, option{Value: strconv.Itoa(i), Label: intake.UnitWords(u), Chosen: u == chosen})
	}
	return all
}

func options(f *field, it *intake.Item, vs []intake.Value) []option {
	var all []option
	add := func(value, label string, chosen bool) {
		id := f.ID
		if len(all) > 0 {
			id += "_" + strconv.Itoa(len(all)+1)
		}
		all = append(all, option{id, value, label, chosen})
	}
	if it.Type == intake.BooleanQ {
		for _, b := range []bool{true, false} {
			label := "No"
			if b {
				label = "Yes"
			}
			add(strconv.FormatBool(b), label, slices.ContainsFunc(vs, func(v intake.Value) bool { return v.Equal(intake.Boolean(b)) }))
		}
	}
	for _, o := range it.Options {
		add(o.Key, o.Display, slices.ContainsFunc(vs, func(v intake.Value) bool {
			c := v.Coding()
			if v.Kind() != intake.CodingValue {
				return v.Equal(o.Value)
			}
			return c.Code == o.Code && (c.System == o.System || c.System == "" && o.Key == o.Code)
		}))
	}
	switch {
	case f.Kind == "radios" && f.Open:
		add("", "Something else", false)
	case f.Kind == "radios" && !it.Required:
		add("", "No answer", len(vs) == 0)
	}
	return all
}

// htmlID turns a field's name into an id that is safe in links.
func htmlID(name string) string {
	var b strings.Builder
	b.WriteString("q-")
	for _, c := range name {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' {
			b.WriteRune(c)
		} else {
			fmt.Fprintf(&b, "_%x", c)
		}
	}
	return b.String()
}

// fieldNames lists the names of all fields drawn.
func fieldNames(fs []field) []string {
	var names []string
	for _, f := range fs {
		names = append(names, f.Name)
		names = append(names, fieldNames(f.Fields)...)
		for _, r := range f.Rows {
			names = append(names, fieldNames(r.Fields)...)
		}
	}
	return names
}
