package main

import (
	"strings"
	"testing"
)

// An operator sees what has failed, and decides; what was decided stays.
func TestOperatorsDecideAboutFailedJobs(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	db := connect(t, place)
	for id, failure := range map[int]string{41: "the page is missing", 42: "evil\x1b[2Jtext"} {
		if _, err := db.Exec(t.Context(), `
			INSERT INTO jobs.river_job (id, state, attempt, args, kind, finalized_at, metadata, errors)
			VALUES ($1, 'discarded', 3, '{"event": {"stream": "organization-org_1", "revision": 7}}', 'policy/some-policy', now(),
				'{"key": "5d2e4e0a-0c53-4a7e-9d8e-2f6c1f0a0b0c"}',
				ARRAY[jsonb_build_object('at', now(), 'attempt', 3, 'error', $2::text, 'trace', '')])`, id, failure); err != nil {
			t.Fatal(err)
		}
	}
	run := func(want int, args ...string) string {
		t.Helper()
		stdout, stderr, code := output(t, place.settings, append(args, "--data", place.data)...)
		if code != want {
			t.Fatalf("%v ended with %d: %s", args, code, stderr)
		}
		return stdout + stderr
	}
	says(t, run(0, "jobs", "list"), "policy/some-policy", "the page is missing", "evil", "failed")
	says(t, run(0, "jobs", "show", "41"), "organization-org_1", "5d2e4e0a-0c53-4a7e-9d8e-2f6c1f0a0b0c", "attempt 3")
	says(t, run(0, "jobs", "list", "--json"), `"kind": "policy/some-policy"`, `"id": 41`, `"endedAt": "`, `"process": null`, `"error": "evil\u001b[2Jtext"`)
	says(t, run(0, "jobs", "show", "41", "--json"), `"key": "5d2e4e0a-0c53-4a7e-9d8e-2f6c1f0a0b0c"`, `"stream": "organization-org_1"`)
	says(t, run(0, "jobs", "retry", "41"), "job 41 will be tried again")
	says(t, run(1, "jobs", "retry", "41"), "the job has not failed")
	says(t, run(0, "jobs", "discard", "42", "--reason", "the customer has left", "--json"), `"jobId": 42`, `"decision": "discard"`)
	says(t, run(1, "jobs", "show", "42"), "there is no such job")
	says(t, run(0, "jobs", "decisions"), "the customer has left", "retry", "discard", "@")
	says(t, run(0, "jobs", "decisions", "--json"), `"reason": "the customer has left"`, `"decision": "retry"`, `"decidedBy": "`)
	says(t, run(0, "jobs", "list", "--state", "running", "--json"), "[]")
	says(t, run(0, "jobs", "list", "--state", "waiting"), "policy/some-policy")
}

func TestOperatorsStartPolicies(t *testing.T) {
	t.Parallel()
	place := newInstallation(t)
	stdout, stderr, code := output(t, place.settings, "policies", "start", "revoke-keys-of-removed-member", "--from", "C:7/P:7", "--data", place.data)
	if code != 0 || !strings.Contains(stdout, "starts from C:7/P:7") {
		t.Errorf("start ended with %d: %s%s", code, stdout, stderr)
	}
	stdout, stderr, code = output(t, place.settings, "policies", "list", "--data", place.data)
	if code != 0 || !strings.Contains(stdout, "C:7/P:7") || !strings.Contains(stdout, "unowned") || !strings.Contains(stdout, "new") {
		t.Errorf("list ended with %d: %s%s", code, stdout, stderr)
	}
	stdout, stderr, code = output(t, place.settings, "policies", "list", "--json", "--data", place.data)
	if code != 0 || !strings.Contains(stdout, `"beganFrom": "C:7/P:7"`) || !strings.Contains(stdout, `"state": "unowned"`) || !strings.Contains(stdout, `"lastEventAt": null`) {
		t.Errorf("list --json ended with %d: %s%s", code, stdout, stderr)
	}
	_, stderr, code = output(t, place.settings, "policies", "start", "some-policy", "--from", "now", "--data", place.data)
	if code != 1 || !strings.Contains(stderr, "there is no such policy") {
		t.Errorf("an unknown policy: %d: %s", code, stderr)
	}
}
