package eventstore

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Without metadata an event says the same, in all versions, and what cannot be read
// cannot be read either way.
func TestFactsAreTheEventsWithoutTheirMetadata(t *testing.T) {
	t.Parallel()
	codec := newTestCodec(t, &fixedKeys{})
	files, err := filepath.Glob(filepath.Join(goldenFolder, "*.json"))
	if err != nil || len(files) < 50 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	facts := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var g golden
		if err := json.Unmarshal(text, &g); err != nil || g.Type == "" {
			continue
		}
		stored := g.recorded(t)
		want, wantErr := codec.DecodeRecorded(t.Context(), stored)
		got, gotErr := codec.decodeFact(t.Context(), stored)
		if (wantErr == nil) != (gotErr == nil) || wantErr == nil && want.ID != got.ID {
			t.Errorf("%s: %v, %v", file, wantErr, gotErr)
		}
		if diff := cmp.Diff(want.Event, got.Event); wantErr == nil && diff != "" {
			t.Errorf("%s: %s", file, diff)
		}
		if got.Metadata.SchemaVersion == 0 {
			facts++
		}
		stored.Data = []byte(`{"unknown":1}`)
		if _, err := codec.decodeFact(t.Context(), stored); err == nil && wantErr == nil {
			if _, err := codec.DecodeRecorded(t.Context(), stored); err != nil {
				t.Errorf("%s with other data can be read", file)
			}
		}
	}
	if facts < len(files)/2 {
		t.Errorf("the metadata of %d of %d were read, too", len(files)-facts, len(files))
	}
}

func TestTheVersionAtTheEndOfMetadata(t *testing.T) {
	t.Parallel()
	for metadata, want := range map[string]int{
		`{"schemaVersion":1}`: 1, `{"a":"b","schemaVersion":12}`: 12,
		``: 0, `{}`: 0, `{"schemaVersion":1,"a":"b"}`: 0, `{"a":{"schemaVersion":1}}`: 0, `{"a":"\"schemaVersion\":1}"}`: 0,
		`{"a":"\",\"schemaVersion\":1}`: 0, `{"schemaVersion":"1"}`: 0, `{"schemaVersion":1e3}`: 0, `{"schemaVersion": 1}`: 0, `{"xschemaVersion":1}`: 0,
	} {
		if got, ok := versionAtEnd([]byte(metadata)); got != want && ok || ok != (want != 0) {
			t.Errorf("%s: %d, %v", metadata, got, ok)
		}
	}
}
