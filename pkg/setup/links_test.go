package setup_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// heavy are the packages that cost a function a cold start or a capability that
// it should not have.
var heavy = map[string]string{
	"evisit/pkg/seal":                            "seal",
	"evisit/pkg/blob":                            "blob",
	"evisit/pkg/mail":                            "mail",
	"evisit/pkg/stripepay":                       "stripe",
	"evisit/pkg/httpapi":                         "httpapi",
	"evisit/pkg/httpapi/web":                     "pages",
	"evisit/pkg/clinic/charge":                   "charge",
	"evisit/pkg/clinic/deadline":                 "deadline",
	"evisit/pkg/clinic/notify":                   "notify",
	"evisit/pkg/secretstore":                     "secrets",
	"github.com/aws/aws-sdk-go-v2/service/kms":   "kms",
	"github.com/aws/aws-sdk-go-v2/service/s3":    "s3",
	"github.com/aws/aws-sdk-go-v2/service/sesv2": "ses",
	"github.com/coreos/go-oidc/v3/oidc":          "oidc",
	"github.com/go-playground/validator/v10":     "validator",
	"github.com/stripe/stripe-go/v76":            "stripe-go",
	"github.com/tink-crypto/tink-go/v2/aead":     "tink",
	"html/template":                              "templates",
	"time/tzdata":                                "zones", // a function's machine may know none
}

// linked says which of them each function has. Package stripepay states that it
// is the Cards of charge, so all who use it import charge.
var linked = map[string][]string{
	"api":        {"blob", "charge", "httpapi", "kms", "oidc", "pages", "s3", "seal", "secrets", "stripe", "stripe-go", "templates", "tink", "validator", "zones"},
	"registry":   {"httpapi", "kms", "oidc", "pages", "seal", "secrets", "templates", "tink", "validator", "zones"},
	"stripehook": {"charge", "secrets", "stripe", "stripe-go"},
	"charge":     {"charge", "secrets", "stripe", "stripe-go"},
	"notify":     {"kms", "mail", "notify", "seal", "secrets", "ses", "tink", "zones"},
	"deadline":   {"blob", "deadline", "kms", "s3", "seal", "secrets", "tink"},
	"sweep":      {"blob", "s3", "secrets"},
	"verify":     {"blob", "s3"},
}

// The packages are listed as they are built for Lambda. This test links every
// setup package, so that a change below one of them runs it again.
func TestFunctions_LinkOnlyWhatTheyUse(t *testing.T) {
	t.Parallel()
	mains, err := filepath.Glob("../../functions/*/main.go")
	if err != nil || len(mains) != len(linked) {
		t.Fatalf("%d functions, %d in the table; %v", len(mains), len(linked), err)
	}
	for name, want := range linked {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-tags", "lambda.norpc,nethttpomithttp2", "evisit/functions/"+name)
			list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=arm64", "CGO_ENABLED=0")
			out, err := list.Output()
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for dep := range strings.FieldsSeq(string(out)) {
				if short, ok := heavy[dep]; ok {
					got = append(got, short)
				}
			}
			slices.Sort(got)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("links (-want +got):\n%s", d)
			}
		})
	}
}
