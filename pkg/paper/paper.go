// Package paper draws what people are given to keep as a PDF file: receipts, invoices, what was
// paid in a year. It knows nothing of what it draws. The same sheet is the same file, to the byte.
//
// The letters are those of the font Liberation Sans, which writes the languages of Latin, Greek and
// Cyrillic script. A sheet with others is refused and never drawn with gaps: see Unwritable.
package paper

import (
	"bytes"
	"fmt"
	"time"

	"codeberg.org/go-pdf/fpdf"
	"github.com/go-fonts/liberation/liberationsansregular"
	"golang.org/x/text/unicode/norm"

	"evisit/pkg/fault"
)

// A Sheet is what is drawn, from the top down.
type Sheet struct {
	Title string
	Facts []Fact
	Parts []Part
	Foot  string    // below all of it; may be empty
	Made  time.Time // kept in the file as the time when it was made
}

// A Fact is a name and what it is, in a line or several.
type Fact struct {
	Name  string
	Lines []string
}

// A Part is a heading, rows, and what they add up to. A zero Sum is not drawn.
type Part struct {
	Heading string
	Rows    []Row
	Sum     Row
}

// A Row is something and its amount. A Note stands below, and is smaller.
type Row struct{ What, Note, Amount string }

type length = float64 //nolint:forbidigo // in millimetres, of letters in points, and no money

// In millimetres, of a sheet of US Letter.
const (
	margin  = 20.0
	width   = 215.9 - 2*margin
	names   = 42.0 // of a fact
	amounts = 32.0
	line    = 5.5
	gap     = 3.0
)

// In points.
const (
	small  = 8.5
	normal = 10.5
	large  = 12.5
	title  = 18.0
)

const font = "Liberation Sans"

// grey is the ink of names beside what they name: 7 to 1 on white.
const grey = 89

// Draw returns s as a PDF file. It refuses letters that it cannot write, as Conflict.
func (s Sheet) Draw() ([]byte, error) {
	if what := s.Unwritable(); what != "" {
		return nil, fault.New(fault.Conflict, "unwritable", "a PDF file cannot write “"+what+"”; print the page instead")
	}
	d := newDrawing(s)
	d.text(title, width, s.Title)
	d.space(gap)
	for _, f := range s.Facts {
		d.fact(f)
	}
	for _, p := range s.Parts {
		d.part(p)
	}
	if s.Foot != "" {
		d.space(2 * gap)
		d.text(small, width, s.Foot)
	}
	var file bytes.Buffer
	if err := d.pdf.Output(&file); err != nil {
		return nil, fmt.Errorf("drawing a PDF file: %w", err)
	}
	return file.Bytes(), nil
}

type drawing struct{ pdf *fpdf.Fpdf }

func newDrawing(s Sheet) drawing {
	pdf := fpdf.New("P", "mm", "Letter", "")
	pdf.AddUTF8FontFromBytes(font, "", liberationsansregular.TTF)
	pdf.SetTitle(s.Title, true)
	pdf.SetLang("en-US")
	pdf.SetProducer("evisit", true)
	pdf.SetCreationDate(s.Made)
	pdf.SetModificationDate(s.Made)
	pdf.SetCatalogSort(true)
	pdf.SetMargins(margin, margin, margin)
	pdf.SetAutoPageBreak(true, margin)
	pdf.AliasNbPages("{pages}")
	pdf.SetFooterFunc(func() {
		pdf.SetY(-margin + gap)
		pdf.SetFont(font, "", small)
		pdf.CellFormat(width, line, fmt.Sprintf("Page %d of {pages}", pdf.PageNo()), "", 0, "L", false, 0, "")
	})
	pdf.AddPage()
	return drawing{pdf}
}

func (d drawing) space(high length) { d.pdf.Ln(high) }

// text writes words across a width, in as many lines as they need, from where the pen is.
func (d drawing) text(size, wide length, words string) {
	d.pdf.SetFont(font, "", size)
	d.pdf.MultiCell(wide, line*max(1, size/normal), norm.NFC.String(words), "", "L", false)
}

// room begins a new page unless so many lines have room on this one.
func (d drawing) room(lines int) {
	if _, high := d.pdf.GetPageSize(); d.pdf.GetY()+line*length(lines) > high-margin {
		d.pdf.AddPage()
	}
}

// lines counts the lines that words need.
func (d drawing) lines(size, wide length, words string) int {
	if words == "" {
		return 0
	}
	d.pdf.SetFont(font, "", size)
	return len(d.pdf.SplitText(norm.NFC.String(words), wide))
}

func (d drawing) fact(f Fact) {
	need := 0
	for _, l := range f.Lines {
		need += d.lines(normal, width-names, l)
	}
	d.room(max(need, d.lines(normal, names, f.Name)))
	top := d.pdf.GetY()
	d.pdf.SetTextColor(grey, grey, grey)
	d.text(normal, names, f.Name)
	d.pdf.SetTextColor(0, 0, 0)
	below := d.pdf.GetY()
	d.pdf.SetY(top)
	for _, l := range f.Lines {
		d.pdf.SetX(margin + names)
		d.text(normal, width-names, l)
	}
	d.pdf.SetY(max(d.pdf.GetY(), below) + gap/2)
}

func (d drawing) part(p Part) {
	d.room(4) // a heading does not stand alone at the foot of a page
	d.space(gap)
	d.text(large, width, p.Heading)
	d.rule()
	for _, r := range p.Rows {
		d.row(normal, r)
	}
	if p.Sum != (Row{}) {
		d.rule()
		d.row(large, p.Sum)
	}
}

func (d drawing) rule() {
	y := d.pdf.GetY() + gap/4
	d.pdf.Line(margin, y, margin+width, y)
	d.pdf.SetY(y + gap/4)
}

func (d drawing) row(size length, r Row) {
	d.room(d.lines(size, width-amounts, r.What) + d.lines(small, width-amounts, r.Note))
	d.pdf.SetFont(font, "", size)
	top := d.pdf.GetY()
	d.pdf.SetX(margin + width - amounts)
	d.pdf.CellFormat(amounts, line*max(1, size/normal), r.Amount, "", 0, "R", false, 0, "")
	d.pdf.SetXY(margin, top)
	d.text(size, width-amounts, r.What)
	if r.Note != "" {
		d.text(small, width-amounts, r.Note)
	}
}
