package audit_test

import (
	"bytes"
	"encoding/hex"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"evisit/pkg/audit"
)

func text(s string) audit.Value   { return audit.Value{Type: audit.Text, Bytes: []byte(s)} }
func number(s string) audit.Value { return audit.Value{Type: audit.Number, Bytes: []byte(s)} }
func binary(s string) audit.Value { return audit.Value{Type: audit.Binary, Bytes: []byte(s)} }

// The hashes of rows are in the log, so their bytes may never change.
func TestItem_SameBytesForEver(t *testing.T) {
	t.Parallel()
	i := audit.Item{
		"pk": text("CHART#v1"), "sk": text("MSG#0001"), "a": text("20260302T120000.123Z#r1"),
		"v": number("12"), "s": binary("\x00\xff"), "d": text(""),
	}
	const want = "S\x01a\x17" + "20260302T120000.123Z#r1" + "S\x01d\x00" + "S\x02pk\x08CHART#v1" + "B\x01s\x02\x00\xff" + "S\x02sk\x08MSG#0001" + "N\x01v\x0212"
	if got := string(i.Bytes()); got != want {
		t.Errorf("Bytes = %q\nwant    %q", got, want)
	}
	if got, want := i.Hash().String(), "huam3Vv0Tc8SzDPZEv0xL1okTrvfd0yMbLxbtHw3rZs"; got != want {
		t.Errorf("Hash = %s, want %s", got, want)
	}
	if got, want := i.Pointer(), "20260302T120000.123Z#r1"; got != want {
		t.Errorf("Pointer = %s, want %s", got, want)
	}
}

func TestItem_Key(t *testing.T) {
	t.Parallel()
	for want, i := range map[string]audit.Item{
		"CASE#abc":            {"pk": text("CASE#abc"), "sk": text("-")},
		"CHART#abc/MSG#0001":  {"pk": text("CHART#abc"), "sk": text("MSG#0001")},
		"WHO#https://idp|sub": {"pk": text("WHO#https://idp|sub"), "sk": text("-")},
	} {
		if got := i.Key(); got != want {
			t.Errorf("Key = %s, want %s", got, want)
		}
	}
}

// items draws rows whose names and values run into each other as easily as
// possible.
func items() *rapid.Generator[audit.Item] {
	few := rapid.StringOfN(rapid.RuneFrom([]rune("\x00\x01\x02SNBabpk-/")), 0, 4, -1)
	return rapid.Custom(func(t *rapid.T) audit.Item {
		i := audit.Item{}
		for name, value := range rapid.MapOfN(few, few, 0, 4).Draw(t, "attributes") {
			i[name] = audit.Value{Type: rapid.SampledFrom([]audit.Type{audit.Text, audit.Number, audit.Binary}).Draw(t, "type"), Bytes: []byte(value)}
		}
		i["pk"], i["sk"] = text(few.Draw(t, "pk")), text(few.Draw(t, "sk"))
		return i
	})
}

// Rows with the same bytes are the same row, and each is read from its bytes.
func TestItem_BytesAreInjective(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := items().Draw(t, "a"), items().Draw(t, "b")
		if rapid.Bool().Draw(t, "alike") { // differ in one attribute at most
			b = maps.Clone(a)
			b[rapid.SampledFrom([]string{"pk", "sk", "a", "S"}).Draw(t, "name")] = text(rapid.SampledFrom([]string{"", "S", "a", "a\x00"}).Draw(t, "value"))
		}
		if same := cmp.Equal(a, b); same != bytes.Equal(a.Bytes(), b.Bytes()) || same != (a.Hash() == b.Hash()) {
			t.Errorf("%q and %q: same %t, bytes %q and %q", a, b, same, a.Bytes(), b.Bytes())
		}
		if back, err := audit.ParseItem(a.Bytes()); err != nil || !cmp.Equal(a, back) {
			t.Errorf("ParseItem = %q, %v; want %q", back, err, a)
		}
	})
}

// What is read as a row is written as the same bytes.
func FuzzParseItem_SameBytes(f *testing.F) {
	f.Add(audit.Item{"pk": text("CASE#v1"), "sk": text("-"), "v": number("1"), "s": binary("\x00")}.Bytes())
	f.Add([]byte("S\x02pk\x00S\x02sk\x00"))
	f.Add([]byte("S\x02sk\x00S\x02pk\x00"))     // out of order
	f.Add([]byte("S\x82\x00pk\x00S\x02sk\x00")) // a length longer than need be
	f.Add([]byte("S\x02pk\x00S\x02pk\x00S\x02sk\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		i, err := audit.ParseItem(b)
		if err == nil && !bytes.Equal(i.Bytes(), b) {
			t.Errorf("%x was read as a row whose bytes are %x", b, i.Bytes())
		}
	})
}

func TestParseItem_Refuses(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]string{
		"Nothing":        "",
		"NoSortKey":      "S\x02pk\x00",
		"BinaryKey":      "B\x02pk\x00S\x02sk\x00",
		"OutOfOrder":     "S\x02sk\x00S\x02pk\x00",
		"Twice":          "S\x02pk\x00S\x02pk\x00S\x02sk\x00",
		"LongLength":     "S\x82\x00pk\x00S\x02sk\x00",
		"UnknownType":    "S\x02pk\x00S\x02sk\x00M\x01x\x00",
		"CutName":        "S\x02pk\x00S\x02sk\x00S\x05v",
		"CutValue":       "S\x02pk\x00S\x02sk\x00S\x01v\x05",
		"EndlessLength":  "S\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
		"OverflowLength": "S\x02pk\x00S\x02sk\x00S\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
		"OnlyAType":      "S\x02pk\x00S\x02sk\x00S",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if i, err := audit.ParseItem([]byte(b)); err == nil {
				t.Errorf("%s was read as %q", hex.EncodeToString([]byte(b)), i)
			}
		})
	}
}

func TestHash_OneText(t *testing.T) {
	t.Parallel()
	h := audit.Item{"pk": text("CASE#v1"), "sk": text("-")}.Hash()
	var back audit.Hash
	if err := back.UnmarshalText([]byte(h.String())); err != nil || back != h {
		t.Errorf("read back as %s, %v; want %s", back, err, h)
	}
	good := h.String()
	for name, s := range map[string]string{
		"Empty": "", "Short": good[1:], "Long": good + "A", "Padded": good + "=", "LineBreak": good[:20] + "\n" + good[20:],
		"OtherAlphabet": "+" + good[1:], "SpareBits": good[:42] + "B",
	} {
		if err := back.UnmarshalText([]byte(s)); err == nil {
			t.Errorf("%s: %q was read as a hash", name, s)
		}
	}
}
