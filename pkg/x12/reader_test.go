package x12_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/pkg/fault"
	"evisit/pkg/x12"
)

// isa is an interchange's header; two transactions in one group follow it.
const (
	isa   = "ISA*00*          *00*          *ZZ*EVISITSUBMIT   *ZZ*CLEARINGHOUSE  *260129*0930*^*00501*000000001*0*T*:~"
	whole = isa + "GS*HC*EVISITSUBMIT*CLEARINGHOUSE*20260129*0930*7*X*005010X222A1~" +
		"ST*837*0001*005010X222A1~BHT*0019*00*A*20260129*0930*CH~SV1*HC:99421:25*30.5**1~SE*4*0001~" +
		"ST*837*0002~REF*D9*B~SE*3*0002~GE*2*7~IEA*1*000000001~"
)

// segments are all of a file, each as its name and elements joined by a bar.
func segments(r *x12.Reader) ([]string, error) {
	var all []string
	for r.Next() {
		s := r.Tag()
		for i := range r.Len() {
			s += "|" + r.Text(i+1)
		}
		all = append(all, s)
	}
	if errors.Is(r.Err(), io.EOF) {
		return all, nil
	}
	return all, r.Err()
}

func read(t *testing.T, file string) []string {
	t.Helper()
	all, err := segments(x12.NewReader(strings.NewReader(file)))
	if err != nil {
		t.Fatalf("%s\n%v", file, err)
	}
	return all
}

func TestReader_EnvelopesAndElements(t *testing.T) {
	t.Parallel()
	r := x12.NewReader(strings.NewReader(whole))
	var money, code, modifier, none string
	for r.Next() {
		if r.Is("SV1") {
			money, code, modifier, none = fmt.Sprint(int(r.Money(2))), r.Part(1, 2), r.Part(1, 3), r.Part(1, 4)+r.Text(9)
		}
	}
	at := time.Date(2026, 1, 29, 9, 30, 0, 0, time.UTC)
	want := x12.Interchange{Sender: x12.Address{Qualifier: "ZZ", ID: "EVISITSUBMIT"}, Receiver: x12.Address{Qualifier: "ZZ", ID: "CLEARINGHOUSE"}, At: at, Control: 1, Test: true}
	if diff := cmp.Diff(want, r.Interchange()); diff != "" {
		t.Error(diff)
	}
	group := x12.Group{Kind: "HC", Sender: "EVISITSUBMIT", Receiver: "CLEARINGHOUSE", At: at, Control: 7, Version: "005010X222A1"}
	if diff := cmp.Diff(group, r.Group()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(x12.Set{Kind: "837", Control: "0002", Version: "005010X222A1"}, r.Set()); diff != "" {
		t.Error(diff)
	}
	if got := []string{money, code, modifier, none}; !cmp.Equal(got, []string{"3050", "99421", "25", ""}) {
		t.Errorf("SV1 read as %q", got)
	}
}

// Any legal separators, with or without new lines, in one file give the same
// segments.
func TestReader_Separators(t *testing.T) {
	t.Parallel()
	want := read(t, whole)
	var all []string
	var file strings.Builder
	for _, s := range []string{"*^:~", "|^>~", "*!<\n", "\x1d\x1f\x1c\x1e", "~:^*", "*^:\r", "*^:~\n", "*^:~\r\n"} {
		odd := strings.NewReplacer("*", s[0:1], "^", s[1:2], ":", s[2:3], "~", s[3:]).Replace(whole)
		got := read(t, odd)
		for i := range got {
			got[i] = strings.ReplaceAll(got[i], s[2:3], ":")
			got[i] = strings.ReplaceAll(got[i], "|"+s[1:2]+"|", "|^|")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("separators %q: %s", s, diff)
		}
		file.WriteString(odd)
		all = append(all, want...)
	}
	if got := read(t, file.String()+"\r\n\n"); len(got) != len(all) {
		t.Errorf("eight interchanges in one file have %d segments, want %d", len(got), len(all))
	}
}

// Where a block of the file ends makes no difference.
func TestReader_BlockBoundaries(t *testing.T) {
	t.Parallel()
	file := whole + "\n" + strings.ReplaceAll(whole, "~", "~\r\n")
	want := read(t, file)
	for block := 1; block < 200; block++ {
		got, err := segments(x12.NewReaderOfBlocks(iotest.OneByteReader(strings.NewReader(file)), block))
		if err != nil || !cmp.Equal(want, got) {
			t.Fatalf("blocks of %d: %v %s", block, err, cmp.Diff(want, got))
		}
	}
}

// A file of one line of megabytes has all its segments.
func TestReader_LongLine(t *testing.T) {
	t.Parallel()
	const n = 100_000
	body := strings.Repeat("REF*D9*0123456789~", n)
	file := isa + "GS*HC*AA*BB*20260129*0930*7*X*V~ST*837*0001~" + body + fmt.Sprintf("SE*%d*0001~GE*1*7~IEA*1*000000001~", n+2)
	if got := read(t, file); len(got) != n+6 {
		t.Errorf("read %d segments of %d", len(got), n+6)
	}
}

// A segment without an end is an error that names its place, and costs no memory.
func TestReader_HugeSegment(t *testing.T) {
	head := isa + "GS*HC*AA*BB*20260129*0930*7*X*V~ST*837*0001~"
	endless := io.MultiReader(strings.NewReader(head+"NTE*"), io.LimitReader(letters{}, 10<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := segments(x12.NewReader(endless))
	runtime.ReadMemStats(&after)
	var at *x12.Error
	if !errors.As(err, &at) || at.Segment != 4 || at.Offset != int64(len(head)) || !strings.Contains(at.Fix, "65536 bytes") {
		t.Errorf("error %v", err)
	}
	if got := after.TotalAlloc - before.TotalAlloc; got > 2<<20 {
		t.Errorf("%d bytes were allocated", got)
	}
}

type letters struct{}

func (letters) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'A'
	}
	return len(p), nil
}

func TestReader_Errors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, old, new   string
		segment, element int
		fix              string
	}{
		{"empty", whole, "", 1, 0, "the file is empty"},
		{"only new lines", whole, "\r\n\r\n", 1, 0, "the file is empty"},
		{"something before ISA", "ISA", "XXISA", 1, 0, "must begin with an ISA"},
		{"byte order mark", "ISA", "\ufeffISA", 1, 0, "must begin with an ISA"},
		{"ISA too short", "EVISITSUBMIT   *", "EVISITSUBMIT*", 1, 7, "fixed length"},
		{"ISA cut", whole, isa[:100], 1, 0, "ends before the interchange"},
		{"separators the same", "*:~GS", "*^~GS", 1, 0, "four different characters"},
		{"a letter separates", "*:~GS", "*S~GS", 1, 0, "four different characters"},
		{"older version", "*00501*", "*00401*", 1, 12, "00501"},
		{"date of ISA", "*260129*", "*261329*", 1, 9, "YYMMDD"},
		{"control number 0", "*000000001*0", "*000000000*0", 1, 13, "nine digits"},
		{"usage", "*T*", "*X*", 1, 15, "P for production"},
		{"group's control number", "*0930*7*", "*0930*A*", 2, 6, "one to nine digits"},
		{"group's time", "20260129*0930*7", "20260129*2430*7", 2, 4, "HHMM"},
		{"transaction's control number", "ST*837*0001", "ST*837*1", 3, 2, "four to nine"},
		{"SE counts too many", "SE*4*0001", "SE*5*0001", 6, 1, "are 4, which is not"},
		{"SE counts nothing", "SE*4*0001", "SE*x*0001", 6, 1, "are 4, which is not"},
		{"SE of another", "SE*4*0001", "SE*4*0002", 6, 2, "that of ST02"},
		{"GE counts wrong", "GE*2*7", "GE*1*7", 10, 1, "are 2, which is not"},
		{"GE of another", "GE*2*7", "GE*2*8", 10, 2, "that of GS06"},
		{"IEA counts wrong", "IEA*1*", "IEA*2*", 11, 1, "are 1, which is not"},
		{"IEA of another", "IEA*1*000000001", "IEA*1*000000002", 11, 2, "that of ISA13"},
		{"segment lost", "REF*D9*B~", "", 8, 1, "are 2, which is not"},
		{"segment outside a transaction", "GE*2*7~", "GE*2*7~REF*D9*B~", 11, 0, "GS or IEA must stand here"},
		{"segment in the group", "~ST*837*0001", "~REF*A*B~ST*837*0001", 3, 0, "ST or GE must stand here"},
		{"transaction in a transaction", "REF*D9*B~", "ST*837*0003~", 8, 0, "or SE, must stand here"},
		{"interchange in an interchange", "REF*D9*B~", isa, 8, 0, "or SE, must stand here"},
		{"TA1 in a transaction", "REF*D9*B~", "TA1*000000001*260129*0930*A*000~", 8, 0, "or SE, must stand here"},
		{"empty segment", "REF*D9*B~", "REF*D9*B~~", 9, 0, "must begin with its name"},
		{"small letters", "REF*D9", "ref*D9", 8, 0, "must begin with its name"},
		{"control character", "REF*D9", "REF*D\x009", 8, 1, "a control character"},
		{"line broken within a segment", "REF*D9", "REF*D\n9", 8, 1, "a control character"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			file := strings.Replace(whole, c.old, c.new, 1)
			_, err := segments(x12.NewReader(strings.NewReader(file)))
			at, ok := errors.AsType[*x12.Error](err)
			if !ok || !errors.Is(err, fault.Malformed) {
				t.Fatalf("error %v", err)
			}
			if at.Interchange != 1 || at.Segment != c.segment || at.Element != c.element || !strings.Contains(at.Fix, c.fix) {
				t.Errorf("got segment %d, element %d: %v", at.Segment, at.Element, err)
			}
		})
	}
}

// A file that is cut anywhere is refused, or ends between interchanges.
func TestReader_TruncatedAnywhere(t *testing.T) {
	t.Parallel()
	for cut := range len(whole) {
		if got, err := segments(x12.NewReader(strings.NewReader(whole[:cut]))); err == nil {
			t.Errorf("cut at %d: read %d segments and no error", cut, len(got))
		}
	}
}

// An error names where and what, and nothing of what it is about.
func TestReader_ErrorsHoldNoContent(t *testing.T) {
	t.Parallel()
	for _, file := range []string{
		strings.Replace(whole, "30.5", "SECRET", 1),
		strings.Replace(whole, "BHT*0019", "SECRET*0019", 1),
		strings.Replace(whole, "REF*D9*B", "REF*SECRET\x01*B", 1),
	} {
		r := x12.NewReader(strings.NewReader(file))
		for r.Next() {
			if r.Is("SV1") {
				r.Money(2)
			}
		}
		if _, ok := errors.AsType[*x12.Error](r.Err()); !ok || strings.Contains(r.Err().Error(), "SECRET") {
			t.Errorf("error %v", r.Err())
		}
	}
}

// A value that cannot be read ends the reading.
func TestReader_BadValues(t *testing.T) {
	t.Parallel()
	for name, use := range map[string]func(*x12.Reader){
		"an amount": func(r *x12.Reader) { r.Money(1) },
		"a date":    func(r *x12.Reader) { r.Day(1) },
		"a span":    func(r *x12.Reader) { r.Span(1) },
		"a count":   func(r *x12.Reader) { r.Count(1) },
		"nothing":   func(r *x12.Reader) { r.Need(9) },
	} {
		r := x12.NewReader(strings.NewReader(whole))
		for !r.Is("SV1") {
			if !r.Next() {
				t.Fatal(r.Err())
			}
		}
		use(r)
		for range 2 {
			at, ok := errors.AsType[*x12.Error](r.Err())
			if r.Next() || !ok || at.Segment != 5 || at.Tag != "SV1" {
				t.Errorf("%s: error %v", name, at)
			}
		}
	}
}

func TestReader_BytesBeyondASCII(t *testing.T) {
	t.Parallel()
	for name, bytes := range map[string]string{"UTF-8": "MU\xc3\x91OZ", "Latin-1": "MU\xd1OZ"} {
		got := read(t, strings.Replace(whole, "REF*D9*B", "REF*D9*"+bytes, 1))
		if got[7] != "REF|D9|MUÑOZ" {
			t.Errorf("%s: %s", name, got[7])
		}
	}
}

func TestReader_SourceFails(t *testing.T) {
	t.Parallel()
	broken := errors.New("the network is gone")
	_, err := segments(x12.NewReader(io.MultiReader(strings.NewReader(whole[:300]), iotest.ErrReader(broken))))
	if !errors.Is(err, broken) || errors.Is(err, fault.Malformed) {
		t.Errorf("error %v", err)
	}
}

// If it parses, it prints the same: a file's segments joined by its separators
// are the file. What parses has the same segments in blocks of any size.
func FuzzReader(f *testing.F) {
	f.Add([]byte(whole), 1)
	f.Add([]byte(whole+strings.ReplaceAll(whole, "~", "\n")), 7)
	f.Add([]byte(isa+"TA1*000000001*260129*0930*A*000~IEA*0*000000001~"), 3)
	f.Fuzz(func(t *testing.T, file []byte, block int) {
		var printed []byte
		r := x12.NewReader(bytes.NewReader(file))
		for r.Next() {
			printed = append(printed, r.Tag()...)
			for i := range r.Len() {
				printed = append(append(printed, r.Separators().Element), r.Raw(i+1)...)
			}
			printed = append(printed, r.Separators().Segment)
		}
		again, againErr := segments(x12.NewReaderOfBlocks(bytes.NewReader(file), 1+block&0xff))
		if (againErr == nil) != errors.Is(r.Err(), io.EOF) {
			t.Fatalf("%v, and in other blocks %v", r.Err(), againErr)
		}
		if againErr != nil {
			return
		}
		if !bytes.ContainsAny(file, "\r\n") && !bytes.Equal(file, printed) {
			t.Errorf("%q printed as %q", file, printed)
		}
		if reread, err := segments(x12.NewReader(bytes.NewReader(printed))); err != nil || !cmp.Equal(again, reread) {
			t.Errorf("%v: %s", err, cmp.Diff(again, reread))
		}
	})
}
