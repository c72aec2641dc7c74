package tokenaccount_test

import (
	"testing"

	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/tokenaccount"
)

func TestTransactionIDs(t *testing.T) {
	t.Parallel()
	const organization = id.Organization("org_01jd9z3q5we8x9v6m2k4t7r1b9")
	name := tokenaccount.TransactionID(organization, 17)
	if name != "txn_01jd9z3q5we8x9v6m2k4t7r1b9_17" {
		t.Error(name)
	}
	if o, n, ok := tokenaccount.ParseTransactionID(name); o != organization || n != 17 || !ok {
		t.Errorf("%s %d %t", o, n, ok)
	}
	for _, wrong := range []string{"", "txn_", "txn_a", "txn_a_", "txn__1", "txn_a_0", "txn_a_-1", "txn_a_01", "txn_a_+1", "pay_a_1", "txn_a_1_1"} {
		if _, _, ok := tokenaccount.ParseTransactionID(wrong); ok {
			t.Errorf("%q is one", wrong)
		}
	}
}
