package template_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"evisit/infra/template"
	"evisit/pkg/clinic"
	"evisit/pkg/outbox"
	"evisit/pkg/secret"
	"evisit/pkg/store"
)

// Who may do what to the rows of pkg/store/keys.go, by how their partition keys
// begin. An event is put by the function that it begins with and by no other;
// who else touches it updates how it stands. Verify is not here: it reads all.
var rows = map[string]map[string]string{
	"WHO#":              {"api": "get query", "registry": "get put"},
	"PERSON#":           {"api": "get query", "registry": "get put", "deadline": "get put"},
	"PATIENT#":          {"api": "get query", "notify": "get", "registry": "get query put"},
	"MARK#":             {"registry": "query put"},
	"PRACTICE#":         {"api": "get query", "charge": "get", "deadline": "get", "notify": "get", "registry": "get query put"},
	"ACCOUNT#":          {"api": "get query", "charge": "get", "registry": "put"},
	"INVITE#":           {"api": "get query", "registry": "get put", "notify": "get"},
	"CASE#":             {"api": "get query put", "charge": "get put", "deadline": "get put", "notify": "get"},
	"UNDERWAY#":         {"api": "get query put"},
	"CHART#":            {"api": "get query put"},
	"MONEY#":            {"api": "get query put", "charge": "get query put", "deadline": "get", "notify": "get"},
	"MONEY#account.":    {"api": "get query put", "charge": "get query put", "deadline": "get", "notify": "get", "registry": "get"},
	"BALANCE#":          {"api": "get query", "charge": "get put", "deadline": "get query put"},
	"MEMBER#":           {"api": "get query put", "charge": "get query put", "deadline": "get put", "notify": "get", "registry": "query put"},
	"WORK#":             {"api": "get query put", "charge": "get put", "deadline": "get put", "notify": "get put", "registry": "get put"},
	"OUTBOX#api.":       {"api": "get put update", "charge": "update", "notify": "get update", "sweep": "get query update"},
	"OUTBOX#stripe.":    {"api": "get update", "stripehook": "put", "charge": "update", "notify": "get update", "sweep": "get query update"},
	"OUTBOX#charge.":    {"api": "get update", "charge": "put update", "notify": "get update", "sweep": "get query update"},
	"OUTBOX#deadline.":  {"api": "get update", "deadline": "put", "charge": "update", "notify": "get update", "sweep": "get query update"},
	"OUTBOX#notify.":    {"api": "get update", "charge": "update", "notify": "get update", "sweep": "get query update"},
	"OUTBOX#sweep.":     {"api": "get update", "charge": "update", "notify": "get update", "sweep": "get query update"},
	"OUTBOX#registry.":  {"api": "get update", "registry": "put", "charge": "update", "notify": "get update", "sweep": "get query update"},
	"OUTBOX#stripehook": {"api": "get update", "charge": "update", "notify": "get update", "sweep": "get query update"}, // its events begin with stripe
	"REQUEST#":          {"api": "get query put", "registry": "get put"},
	"SESSION#":          {"api": "get query put", "registry": "get put"},
	"KEPT#":             {"api": "get query put"},
	"KEPT#registry.":    {"api": "get query put", "registry": "query put"},
	"LIMIT#":            {"api": "update", "registry": "update"},
	"AUDIT#":            {"api": "get query put", "charge": "put", "deadline": "put", "notify": "put", "sweep": "get query", "registry": "put"},
	"ACTIVE#":           {"api": "get query put", "charge": "put", "deadline": "put", "notify": "put", "sweep": "get query", "registry": "put"},
	"LOG#":              {"api": "get query", "sweep": "get query put"},
	"SWEEP#":            {"sweep": "get query put"},
	"UNKNOWN#":          {},
}

// verbs are the actions on rows, in the order of the table above.
var verbs = []struct {
	verb    string
	actions []string
}{
	{"get", []string{"GetItem", "BatchGetItem", "TransactGetItems"}},
	{"query", []string{"Query"}},
	{"put", []string{"PutItem", "BatchWriteItem"}},
	{"update", []string{"UpdateItem"}},
	{"delete", []string{"DeleteItem"}},
}

func TestPolicy_RowsOfEachFunction(t *testing.T) {
	t.Parallel()
	tpl := read(t)
	for begin, want := range rows {
		got := map[string]string{}
		for name, f := range tpl.Functions {
			var may []string
			for _, v := range verbs {
				if slices.ContainsFunc(v.actions, func(a string) bool { return f.May("dynamodb:"+a, "Table.Arn", []string{begin + "1"}) }) {
					may = append(may, v.verb)
				}
			}
			if name == "verify" {
				if d := cmp.Diff([]string{"get", "query"}, may); d != "" {
					t.Errorf("%s: verify (-want +template):\n%s", begin, d)
				}
				continue
			}
			if len(may) > 0 {
				got[name] = strings.Join(may, " ")
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +template):\n%s", begin, d)
		}
	}
}

// Who may query which names of which index.
func TestPolicy_NamesOfEachIndex(t *testing.T) {
	t.Parallel()
	tpl := read(t)
	want := map[string]string{
		"due CASE#": "deadline", "due PERSON#": "deadline", "due MEMBER#": "deadline", "due BALANCE#": "deadline", "due OUTBOX#": "sweep",
		"list QUEUE#": "apideadline", "list WORK#": "apiregistry", "list GRANTS#": "api",
		"list PRACTICES#": "registry", "list ROSTER#": "apiregistry", "list INVITES#": "registry", "list PATIENTS#": "registry",
		"mine MINE#": "api", "trail TRAIL#": "apideadline", "book BOOK#": "apichargedeadline",
	}
	got := map[string]string{}
	for index := range tpl.PartitionKeys {
		for _, begin := range []string{
			"CASE#", "PERSON#", "MEMBER#", "BALANCE#", "OUTBOX#", "QUEUE#", "WORK#", "GRANTS#", "ROSTER#", "INVITES#", "PATIENTS#", "PRACTICES#", "MINE#", "TRAIL#", "BOOK#", "UNKNOWN#",
		} {
			for _, name := range slices.Sorted(maps.Keys(tpl.Functions)) {
				if index != "" && tpl.Functions[name].May("dynamodb:Query", "${Table.Arn}/index/"+index, []string{begin + "1"}) {
					got[index+" "+begin] += name
				}
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("who may query (-want +template):\n%s", d)
	}
}

// An update names the attributes that the store updates of a delivery, and no
// other: the event itself is never written again.
func TestPolicy_UpdateNamesDeliveryAttributes(t *testing.T) {
	t.Parallel()
	used := map[string]bool{"pk": true, "sk": true}
	at := time.Date(2026, 3, 4, 17, 0, 0, 0, time.UTC)
	d := outbox.Delivery{Event: outbox.Event{ID: outbox.NewID(outbox.ByAPI, at, "1"), To: outbox.Charge}}
	partly := d.Failed(at, false, "note")
	partly.Sent = outbox.ToPatient
	for _, c := range []clinic.Commit{
		{Deliveries: []outbox.Delivery{d.Rearmed(at)}},
		{Deliveries: []outbox.Delivery{d.Failed(at, true, "note")}},
		{Deliveries: []outbox.Delivery{d.Park("note")}},
		{Deliveries: []outbox.Delivery{partly}},
		{Deliveries: []outbox.Delivery{d.Park("note").Resumed(at)}},
		{Done: d.ID, At: at},
	} {
		db, request := recorded(t)
		if err := store.New(db, "evisit").Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		var update struct{ ExpressionAttributeNames map[string]string }
		into(t, request("UpdateItem"), &update)
		for _, name := range update.ExpressionAttributeNames {
			used[name] = true
		}
	}
	want := slices.Sorted(maps.Keys(used))
	for name, f := range read(t).Functions {
		for _, s := range f.Statements {
			if !slices.Contains(s.Actions, "dynamodb:UpdateItem") || s.Sid == "Limits" {
				continue
			}
			if d := cmp.Diff(want, slices.Sorted(slices.Values(s.Attributes))); d != "" {
				t.Errorf("%s: %s (-store +template):\n%s", name, s.Sid, d)
			}
		}
		update := template.Access{Action: "dynamodb:UpdateItem", Resource: "Table.Arn", Keys: []string{"OUTBOX#" + d.ID}, Attributes: []string{"pk", "sk", "v", "d"}}
		if f.Allows(update) {
			t.Errorf("%s may update an event itself", name)
		}
	}
}

// A batch that reaches past a role's rows is refused whole.
func TestPolicy_OneForeignKeyIsRefused(t *testing.T) {
	t.Parallel()
	api := read(t).Functions["api"]
	if !api.May("dynamodb:BatchGetItem", "Table.Arn", []string{"CASE#1", "CHART#1"}) || api.May("dynamodb:BatchGetItem", "Table.Arn", []string{"CASE#1", "CLAIM#1"}) {
		t.Error("a batch is not judged by all of its keys")
	}
}

// Verify reads every row, and that it only reads is in TestPolicy_RowsOfEachFunction.
func TestPolicy_NothingScannedDeletedOrEverywhere(t *testing.T) {
	t.Parallel()
	// These have no resource to be held to.
	everywhere := []string{"xray:PutTraceSegments", "xray:PutTelemetryRecords", "dynamodb:ListStreams"}
	for name, f := range read(t).Functions {
		for _, s := range f.Statements {
			for _, a := range s.Actions {
				if strings.Contains(a, "*") || a == "dynamodb:Scan" && name != "verify" || strings.Contains(a, "Delete") {
					t.Errorf("%s: %s allows %s", name, s.Sid, a)
				}
				if slices.Contains(s.Resources, "*") && !slices.Contains(everywhere, a) {
					t.Errorf("%s: %s allows %s on everything", name, s.Sid, a)
				}
			}
			if slices.ContainsFunc(s.Resources, isTable) && len(s.LeadingKeys) == 0 && name != "verify" {
				t.Errorf("%s: %s is not held to any rows", name, s.Sid)
			}
		}
	}
}

func isTable(resource string) bool {
	return resource == "Table.Arn" || strings.HasPrefix(resource, "${Table.Arn}/index/")
}

// Who may do what elsewhere than in the table.
func TestPolicy_OtherServicesOfEachFunction(t *testing.T) {
	t.Parallel()
	const document = "${Documents.Arn}/documents/p/v/hash"
	for _, test := range []struct {
		action, resource string
		want             []string
	}{
		{"kms:Decrypt", "ContentKeyArn", []string{"api", "deadline", "notify", "registry"}},
		{"kms:Encrypt", "ContentKeyArn", nil},
		{"kms:Decrypt", "DataKey.Arn", nil},
		{"s3:GetObject", document, []string{"api"}},
		{"s3:PutObject", document, []string{"api", "deadline"}},
		{"s3:GetObject", "${Documents.Arn}/heads/p/hour", []string{"sweep", "verify"}},
		{"s3:PutObject", "${Documents.Arn}/heads/p/hour", []string{"sweep"}},
		{"s3:BypassGovernanceRetention", document, nil},
		{"s3:ListBucket", "Documents.Arn", []string{"api", "sweep", "verify"}},
		{"dynamodb:Scan", "Table.Arn", []string{"verify"}},
		{"ses:SendEmail", "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:identity/${MailIdentity}", []string{"notify"}},
		{"ses:SendEmail", "arn:${AWS::Partition}:ses:${AWS::Region}:${AWS::AccountId}:configuration-set/${MailEvents}", []string{"notify"}},
		{"sqs:SendMessage", "Undelivered.Arn", []string{"charge", "notify"}},
		{"dynamodb:GetRecords", "Table.StreamArn", []string{"charge", "notify"}},
		{"secretsmanager:GetSecretValue", "*", nil},
	} {
		var got []string
		for name, f := range read(t).Functions {
			if f.May(test.action, test.resource, nil) {
				got = append(got, name)
			}
		}
		slices.Sort(got)
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s on %s (-want +template):\n%s", test.action, test.resource, d)
		}
	}
}

// secretsOf names the secrets that each function may read.
var secretsOf = map[string][]string{
	"registry":   {secret.Content, secret.Origin},
	"api":        {secret.API, secret.Content, secret.Origin},
	"stripehook": {secret.Origin, secret.Stripehook},
	"charge":     {secret.Charge},
	"notify":     {secret.Content},
	"deadline":   {secret.Content},
	"sweep":      {secret.Log},
}

// A function reads its own secrets, and no other's.
func TestPolicy_SecretsOfEachFunction(t *testing.T) {
	t.Parallel()
	for name, f := range read(t).Functions {
		var got []string
		for _, s := range []string{secret.API, secret.Charge, secret.Content, secret.Log, secret.Origin, secret.Stripehook, "unknown"} {
			if f.May("secretsmanager:GetSecretValue", template.SecretARN(s), nil) {
				got = append(got, s)
			}
			if f.May("secretsmanager:GetSecretValue", template.SecretARN(s+"-old"), nil) || f.May("secretsmanager:PutSecretValue", template.SecretARN(s), nil) {
				t.Errorf("%s may read a secret whose name begins with %s, or write it", name, s)
			}
		}
		if d := cmp.Diff(secretsOf[name], got); d != "" {
			t.Errorf("secrets of %s (-want +template):\n%s", name, d)
		}
	}
}

// Who may read the keyset may decrypt it, and who may decrypt it may read it.
func TestPolicy_KeysetAndKeyTogether(t *testing.T) {
	t.Parallel()
	for name, f := range read(t).Functions {
		_, told := f.Env["EVISIT_KMS_KEY"]
		reads := slices.Contains(secretsOf[name], secret.Content)
		if may := f.May("kms:Decrypt", "ContentKeyArn", nil); may != reads || told != reads {
			t.Errorf("%s: reads the keyset %v, is told its key %v, may decrypt it %v", name, reads, told, may)
		}
	}
}
