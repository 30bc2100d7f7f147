package main

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"evisit/infra/template"
)

const source = "../.."

func TestDeployCheck_NothingIsMissing(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := deployCheck(source, &out); err != nil || !strings.HasPrefix(out.String(), "nothing is missing") {
		t.Errorf("%v:\n%s", err, out.String())
	}
}

// Without any one of the settings that it is given a function lacks something, and the
// check says which.
func TestDeployCheck_EachSettingIsMissed(t *testing.T) {
	t.Parallel()
	whole, err := newCheck(source)
	if err != nil {
		t.Fatal(err)
	}
	removed := 0
	for _, name := range whole.names() {
		for key := range whole.tpl.Functions[name].Env {
			if slices.Contains(optional, key) {
				continue
			}
			removed++
			c := *whole
			c.tpl.Functions = maps.Clone(whole.tpl.Functions)
			f := c.tpl.Functions[name]
			f.Env = maps.Clone(f.Env)
			delete(f.Env, key)
			c.tpl.Functions[name] = f
			if err := c.settings(); err != nil {
				t.Fatal(err)
			}
			want := name + " needs the setting " + key + ", which template.yaml does not give it"
			if !slices.Equal(c.problems, []string{want}) {
				t.Errorf("without %s of %s: %q", key, name, c.problems)
			}
		}
	}
	if removed < 30 {
		t.Errorf("only %d settings were removed", removed)
	}
}

// A tree is the source with some files changed; the others are linked.
func tree(t *testing.T, changed map[string]string) string {
	t.Helper()
	root, err := filepath.Abs(source)
	if err != nil {
		t.Fatal(err)
	}
	made := t.TempDir()
	link := func(name string) {
		if err := os.Symlink(filepath.Join(root, name), filepath.Join(made, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(made, "infra"), 0o750); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(root, "infra"))
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"template.yaml", "Makefile", "functions", "pkg", "events"}
	for _, e := range entries {
		names = append(names, "infra/"+e.Name())
	}
	for _, name := range names {
		if _, other := changed[name]; !other {
			link(name)
		}
	}
	for name, text := range changed {
		if err := os.WriteFile(filepath.Join(made, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return made
}

// What would fail on the first day is named.
func TestDeployCheck_NamesWhatIsMissingOrWrong(t *testing.T) {
	t.Parallel()
	const (
		tpl   = "template.yaml"
		arn   = "!Sub arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:evisit/${Stage}/"
		error = `MetricStat: { Period: 300, Stat: Sum, Metric: { Namespace: AWS/Lambda, MetricName: Errors, Dimensions: [{ Name: FunctionName, Value: !Ref Charge }] } }`
	)
	for name, c := range map[string]struct{ file, old, now, want string }{
		"setting":             {tpl, "          EVISIT_STRIPE_MODE: !Ref StripeMode\n", "", "stripehook needs the setting EVISIT_STRIPE_MODE"},
		"setting for nothing": {tpl, "# charge\n", "# charge\n          EVISIT_BUCKET: !Ref Documents\n", "charge is given the setting EVISIT_BUCKET, which it does not need"},
		"setting of nobody":   {tpl, "# charge\n", "# charge\n          EVISIT_BUKET: !Ref Documents\n", "charge is given the setting EVISIT_BUKET, which nothing reads"},
		"secret":              {tpl, arn + "charge-??????", arn + "chargekey-??????", "charge reads the secret charge, which its role does not allow"},
		"secret of another":   {tpl, arn + "charge-??????", "\n                  - " + arn + "charge-??????\n                  - " + arn + "log-??????", "the role of charge may read the secret log"},
		"secret to be made":   {tpl, "#   evisit/STAGE/origin ", "#   evisit/STAGE/front ", "template.yaml names the secret front, which no function reads"},
		"secret told":         {deployDoc, "`evisit/STAGE/log`", "it", deployDoc + " does not tell of the secret log"},
		"function":            {tpl, "CodeUri: .build/charge\n", "CodeUri: .build/charges\n", "functions/charge is deployed by no resource"},
		"role":                {tpl, "Role: !GetAtt NotifyRole.Arn", "Role: !GetAtt ChargeRole.Arn", "Notify has the role of Charge"},
		"log":                 {tpl, "LogGroup: !Ref Logs\n", "LogGroup: /lambda\n", "Api logs to no group of the stack"},
		"alarm of errors":     {tpl, error, strings.Replace(error, "!Ref Charge", "!Ref Notify", 1), "ErrorsAlarm does not watch Errors of Charge"},
		"alarm of stopping":   {tpl, "Dimensions: [{ Name: FunctionName, Value: !Ref Sweep }]\n      Statistic", "Dimensions: [{ Name: FunctionName, Value: !Ref Api }]\n      Statistic", "no alarm tells that Sweep does not run"},
		"alarm of nobody":     {tpl, "      Threshold: 300000 # milliseconds\n      ComparisonOperator: GreaterThanOrEqualToThreshold\n      TreatMissingData: notBreaching\n      AlarmActions: [!Ref Alarms]\n", "      Threshold: 300000 # milliseconds\n      ComparisonOperator: GreaterThanOrEqualToThreshold\n", "BehindAlarm reaches nobody"},
		"section":             {runDoc, "## BehindAlarm\n", "## Behind\n", runDoc + " does not say what to do at BehindAlarm"},
		"section for nothing": {runDoc, "## BehindAlarm\n", "## BeforeAlarm\n", runDoc + " has a section BeforeAlarm"},
		"parameter":           {deployDoc, "| `StripeMode` |", "| mode |", "does not say what to give for the parameter StripeMode"},
		"parameter of nobody": {deployDoc, "| `StripeMode` |", "| `StripeMode`, `StripeModus` |", "explains the parameter StripeModus"},
		"address":             {tpl, "Value: !Sub https://${DomainName}/stripe/connect", "Value: !Sub https://${DomainName}/stripe/connected", "the output ConnectWebhook is"},
		"target":              {deployDoc, "make deploy\n", "make deployment\n", "says make deployment, which the Makefile does not have"},
		"program":             {deployDoc, "go run ./infra/verify", "go run ./infra/verified", "says go run ./infra/verified, which is no command"},
		"program's word":      {deployDoc, "go run ./infra/firstday keys", "go run ./infra/firstday key", "says go run ./infra/firstday key, which is no command"},
		"program's option":    {deployDoc, "-kms-key", "-kms", "go run ./infra/firstday keys with -kms, which it does not take"},
		"other's option":      {deployDoc, "-out export.ndjson", "-output export.ndjson", "go run ./infra/verify with -output"},
		"endpoint":            {deployDoc, "`GET /people`", "`GET /persons`", "names GET /persons, which the API does not have"},
		"page":                {deployDoc, "`/manage/people`", "`/manage/persons`", "names the page /manage/persons, which is not served"},
		"output":              {deployDoc, "out StaffPool", "out Pool", "asks for the output Pool"},
		"key":                 {deployDoc, "Refunds: write; ", "", `gives the key in the secret charge ["accounts:write"`},
		"key of nobody":       {deployDoc, "| `evisit/STAGE/api` |", "| api |", "does not say what the key of Stripe's in the secret api may do"},
		"file":                {deployDoc, "`infra/RUNBOOK.md`", "`infra/RUNBOOKS.md`", "names infra/RUNBOOKS.md, which is not there"},
		"archive":             {"Makefile", "-o .build/$*/bootstrap", "-o .build/$*/main", "the Makefile does not build every folder"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, err := os.ReadFile(filepath.Join(source, c.file))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(b), c.old) {
				t.Fatalf("%s has no %q", c.file, c.old)
			}
			var out bytes.Buffer
			err = deployCheck(tree(t, map[string]string{c.file: strings.ReplaceAll(string(b), c.old, c.now)}), &out)
			if err == nil || !strings.Contains(out.String(), c.want) {
				t.Errorf("%v; it says:\n%s", err, out.String())
			}
		})
	}
}

// A function that nothing calls is a function that does nothing.
func TestDeployCheck_FunctionThatNothingCalls(t *testing.T) {
	t.Parallel()
	c, err := newCheck(source)
	if err != nil {
		t.Fatal(err)
	}
	c.tpl.Functions = map[string]template.Function{}
	whole, err := newCheck(source)
	if err != nil {
		t.Fatal(err)
	}
	maps.Copy(c.tpl.Functions, whole.tpl.Functions)
	f := c.tpl.Functions["verify"]
	f.Schedules = nil
	c.tpl.Functions["verify"] = f
	if err := c.functions(); err != nil || !slices.Equal(c.problems, []string{"Verify is called by nothing"}) {
		t.Errorf("%v: %q", err, c.problems)
	}
}
