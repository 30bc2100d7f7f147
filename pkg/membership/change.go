package membership

import "fmt"

func persons(n int) string { return count(n, "person", "people") }
func days(n int) string    { return count(n, "day", "days") }
func months(n int) string  { return count(n, "month", "months") }

func count(n int, one, many string) string {
	switch n {
	case 0:
		return "no " + many
	case 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
