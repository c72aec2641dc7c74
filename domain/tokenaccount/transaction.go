package tokenaccount

import (
	"strconv"
	"strings"

	"github.com/perfectworks/backend/domain/id"
)

const (
	transactionPrefix = "txn_"
	accountPrefix     = "org_"
)

// TransactionID is the public id of an entry of an account: of the account's
// organization and the entry's sequence, so that it need not be stored.
func TransactionID(organization id.Organization, sequence int64) string {
	return transactionPrefix + strings.TrimPrefix(string(organization), accountPrefix) + "_" + strconv.FormatInt(sequence, 10)
}

// ParseTransactionID reads what TransactionID wrote.
func ParseTransactionID(name string) (organization id.Organization, sequence int64, ok bool) {
	rest, ok := strings.CutPrefix(name, transactionPrefix)
	if !ok {
		return "", 0, false
	}
	account, number, ok := strings.Cut(rest, "_")
	sequence, err := strconv.ParseInt(number, 10, 64)
	if !ok || err != nil || sequence < 1 || account == "" {
		return "", 0, false
	}
	organization = id.Organization(accountPrefix + account)
	return organization, sequence, TransactionID(organization, sequence) == name
}
