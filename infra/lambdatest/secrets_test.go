package lambdatest_test

import (
	"strings"
	"testing"

	"evisit/pkg/secret"
)

var secretNames = []string{secret.API, secret.Charge, secret.Content, secret.Log, secret.Origin, secret.Stripehook}

// A function that starts reads no secret.
func TestSecrets_NotReadAtStart(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := map[string]int{} // planting reads
	for _, name := range secretNames {
		before[name] = w.safe.Reads(secretFolder + "/" + name)
	}
	for _, function := range functions {
		f := w.start(function, w.settings(function, newGuard(t, function)))
		select {
		case <-f.Ready():
		case <-f.Ended():
			t.Fatalf("%s ended", function)
		}
	}
	for _, name := range secretNames {
		if n := w.safe.Reads(secretFolder+"/"+name) - before[name]; n != 0 {
			t.Errorf("%s was read %d times", name, n)
		}
	}
}

// A secret that is changed under a running process is used by it, without a
// deployment; strangers who send bad signatures do not have it read again.
func TestSecrets_ChangedUnderRunningProcess(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.putSecret(secret.Stripehook, secret.Webhooks{Platform: platformSecret, Connect: "whsec_before"})
	f := w.start("stripehook", w.settings("stripehook", newGuard(t, "stripehook")))
	invoke := func(event, want string) {
		t.Helper()
		r, err := f.Invoke(t.Context(), w.read(event))
		w.must(err)
		if !strings.Contains(string(r.Payload), want) {
			t.Errorf("%s: %s, want %s", event, r.Payload, want)
		}
	}
	invoke("stripehook/platform.json", `"statusCode":200`)
	w.putSecret(secret.Stripehook, secret.Webhooks{Platform: platformSecret, Connect: connectSecret})
	invoke("stripehook/held.json", `"statusCode":200`)
	for range 20 {
		invoke("stripehook/forged.json", `"statusCode":400`)
	}
	if n := w.safe.Reads(secretFolder + "/" + secret.Stripehook); n != 2 {
		t.Errorf("the secret was read %d times, want at first and when it was refused", n)
	}
	received("evt_1Recorded0000000000000001")(w)
}

// A store that does not answer is our trouble: Stripe and patients are asked to repeat.
func TestSecrets_StoreDoesNotAnswer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.safe.Close(true)
	f := w.start("stripehook", w.settings("stripehook", newGuard(t, "stripehook")))
	r, err := f.Invoke(t.Context(), w.read("stripehook/held.json"))
	w.must(err)
	if !strings.Contains(string(r.Payload), `"statusCode":503`) || !strings.Contains(string(r.Payload), "try_again") {
		t.Errorf("the reply is %s", r.Payload)
	}
	w.safe.Close(false)
	r, err = f.Invoke(t.Context(), w.read("stripehook/held.json"))
	w.must(err)
	if !strings.Contains(string(r.Payload), `"statusCode":200`) {
		t.Errorf("when it answers again the reply is %s", r.Payload)
	}
}
