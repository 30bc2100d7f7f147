package audit_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"evisit/pkg/audit"
)

// BenchmarkReplay reads an export of so many leaves, each with three rows, of
// which a visit's own is rewritten ten times. LONG=1 adds a million.
func BenchmarkReplay(b *testing.B) {
	sizes := []int{1_000, 10_000, 100_000}
	if os.Getenv("LONG") != "" {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "export")
			rows := writeExport(b, path, n)
			b.ReportAllocs()
			for b.Loop() {
				f, err := os.Open(path)
				if err != nil {
					b.Fatal(err)
				}
				r, err := audit.NewReplay(vkey(b, key("one")))
				if err != nil {
					b.Fatal(err)
				}
				if err := r.Read(f); err != nil {
					b.Fatal(err)
				}
				if leaves, found, err := r.End(); err != nil || leaves != int64(n) || found != int64(rows) {
					b.Fatalf("%d leaves, %d rows, %v; want %d and %d", leaves, found, err, n, rows)
				}
				if err := f.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// writeExport writes an export of n leaves and returns how many rows it has.
func writeExport(b *testing.B, path string, n int) int {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	out := bufio.NewWriter(f)
	write := func(l audit.Line) {
		if _, err := out.Write(appendLine(b, nil, l)); err != nil {
			b.Fatal(err)
		}
	}
	var tree audit.Frontier
	last := map[string]int{}
	for at := range n {
		r := benchRecord(at)
		for row := range 3 {
			i := benchItem(at, row)
			last[i.Key()] = at*3 + row
			r.Rows = append(r.Rows, audit.Row{Key: i.Key(), Version: at%10 + 1, Hash: i.Hash()})
		}
		leaf, err := r.Leaf()
		if err != nil {
			b.Fatal(err)
		}
		tree = tree.Add(leaf)
		write(audit.Line{Leaf: leaf})
	}
	signed, err := key("one").Checkpoint("p1", tree)
	if err != nil {
		b.Fatal(err)
	}
	write(audit.Line{Checkpoint: string(signed)})
	for _, at := range last {
		i := benchItem(at/3, at%3)
		write(audit.Line{Key: i.Key(), Row: i.Bytes()})
	}
	if err := out.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
	return len(last)
}

func benchID(of string, n int) string { return fmt.Sprintf("%s%0*d", of, 26-len(of), n) }

func benchRecord(n int) audit.Record {
	return audit.Record{
		ID: benchID("record", n), Practice: benchID("practice", 1), At: noon.Add(time.Duration(n) * time.Second),
		Actor:  audit.Actor{ID: benchID("person", n/10), Role: "patient", IP: "2001:db8:1234:5678:9abc:def0:1234:5678"},
		Action: "visit.fill:queued", Visit: benchID("visit", n/10), Version: n%10 + 1,
	}
}

// benchItem is a row of the n-th record: the visit, a message, or an entry.
func benchItem(n, row int) audit.Item {
	i := audit.Item{"a": text(benchRecord(n).Position()), "d": text(fmt.Sprintf("%0600d", n)), "v": number(fmt.Sprint(n%10 + 1))}
	switch row {
	case 0:
		i["pk"], i["sk"] = text("CASE#"+benchID("visit", n/10)), text("-")
	case 1:
		i["pk"], i["sk"] = text("CHART#"+benchID("visit", n/10)), text(fmt.Sprintf("MSG#%04d", n%10))
	default:
		i["pk"], i["sk"] = text("MONEY#"+benchID("payment", n/10)), text(fmt.Sprintf("ENTRY#%d", n%10))
	}
	return i
}
