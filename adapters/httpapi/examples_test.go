package httpapi_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Every example in the document fits the schema that it stands beside: those of
// bodies, of parameters and headers, of refusals, and of each part of a schema.
func TestTheDocumentedExamplesFitTheirSchemas(t *testing.T) {
	t.Parallel()
	s := newServer(t).specification()
	document, err := json.Marshal(s.root)
	if err != nil {
		t.Fatal(err)
	}
	c, err := readContract(document)
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	check := func(schema string, example any) {
		checked++
		compiled, err := c.schema(schema)
		if err == nil {
			err = compiled.Validate(plain(t, example))
		}
		if err != nil {
			t.Errorf("the example %v: %v", example, err)
		}
	}
	var walk func(node any, pointer string)
	walk = func(node any, pointer string) {
		switch node := node.(type) {
		case []any:
			for i, item := range node {
				walk(item, fmt.Sprintf("%s/%d", pointer, i))
			}
		case object:
			_, beside := node["schema"]
			_, typed := node["type"]
			switch examples := node["examples"].(type) {
			case object:
				for _, example := range examples {
					if beside { // Else it is the collection that the references lead to.
						example, _ := c.follow(example, "")
						check(pointer+"/schema", example["value"])
					}
				}
			case []any:
				for _, example := range examples {
					if typed {
						check(pointer, example)
					}
				}
			}
			if example, ok := node["example"]; ok && beside {
				check(pointer+"/schema", example)
			}
			for name, value := range node {
				if name != "example" && name != "value" {
					walk(value, pointer+"/"+escape(name))
				}
			}
		}
	}
	walk(s.root, "")
	if checked < 300 {
		t.Errorf("only %d examples were checked", checked)
	}
}

// plain is a value as the validator reads it.
func plain(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	read, err := jsonschema.UnmarshalJSON(strings.NewReader(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	return read
}

// Each id has a format with a pattern, which fits the ids that the server makes:
// the contract check of all answers holds against it. A new member with an id needs
// an example, or a format such as "key-id".
func TestIDsAreDocumentedWithTheirForm(t *testing.T) {
	t.Parallel()
	s := newServer(t).specification()
	// Other members hold ids of the payment provider, of products, or of several kinds.
	isID := regexp.MustCompile(`^(APIKey|Profile|Organization|OrganizationSummary)\.id$|\.(userId|organizationId|activeOrganizationId|predecessorId|successorId)$`)
	found := 0
	for name, schema := range asObject(s.at(s.root, "components", "schemas")) {
		for member, property := range asObject(s.at(schema, "properties")) {
			rules := asObject(property)
			if !isID.MatchString(name + "." + member) {
				continue
			}
			found++
			if pattern := str(rules, "pattern"); !strings.Contains(pattern, "_[0-7]") || !strings.HasSuffix(str(rules, "format"), "-id") {
				t.Errorf("%s.%s has the format %q and the pattern %q", name, member, str(rules, "format"), pattern)
			}
		}
	}
	for _, op := range s.operations() {
		parameters, _ := op.object["parameters"].([]any)
		for _, p := range parameters {
			described := asObject(s.at(p))
			if described["in"] == "path" && described["name"] == "id" && str(asObject(described["schema"]), "pattern") == "" {
				t.Errorf("%s %s: the parameter %v has no pattern", op.method, op.path, described["name"])
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d ids were found", found)
	}
}

// A filter without a value is refused: passed over, it would give the whole list.
func TestAnEmptyFilterIsRefused(t *testing.T) {
	t.Parallel()
	ada := newServer(t).owner("ada")
	for query, field := range map[string]string{
		"status=": "status[0]", "status": "status[0]", "status=active,": "status[1]",
		"status=&status=": "status[0]", "ownerType=": "ownerType[0]",
	} {
		ada.get("/api-keys?"+query).refused(t, "400 VALIDATION_FAILED "+field+" VALUE_UNKNOWN")
	}
	ada.get("/api-keys?search=&cursor=&sort=").items(t)
}

// JSON has one type of number.
func TestAWholeNumberMayHaveAFraction(t *testing.T) {
	t.Parallel()
	ada := newServer(t).owner("ada")
	for body, status := range map[string]int{
		`{"overlap":60.0}`: 201, `{"overlap":6e1}`: 201, `{"overlap":-0.0}`: 201,
		`{"overlap":60.5}`: 400, `{"overlap":1e400}`: 400, `{"overlap":"60"}`: 400, `{"overlap":6048000.0}`: 400,
	} {
		key := ada.post("/api-keys", `{}`).data(t, http.StatusCreated)
		if a := ada.post("/api-keys/"+str(key, "id")+"/rotate", body); a.status != status {
			t.Errorf("%s: %d, want %d: %s", body, a.status, status, a.body)
		}
	}
}
