package erasure

import "time"

// Lives are the longest lives of what an erasure leaves behind physically.
type Lives struct {
	// Rows bounds that of rows of the database that were overwritten or deleted.
	Rows time.Duration
	// Backups is how long the operator keeps backups of the database and its
	// write-ahead log, which hold the encryption keys.
	Backups time.Duration
	// Memory bounds how long a process may have a key or a read value in memory.
	Memory time.Duration
}

// certificate returns what can be said of every erasure of a kind that was
// carried out at a time.
func (k Kind) certificate(lives Lives, at time.Time) Certificate {
	c := Certificate{DestroyedAt: at}
	switch k {
	case KindUser:
		c.Destroyed = []Statement{
			{"names, email addresses and avatar address of the person", "the encryption key was destroyed: what the event log, its copies and its backups hold of them cannot be read by anybody"},
			{"client addresses and user agents of the person's requests", "encrypted with the same key"},
			{"email addresses in invitations to the person", "the keys of these invitations were destroyed"},
			{"rows about the person in read models", "cleared or deleted in all generations of all read models"},
			{"stored answers to repeated requests", "deleted"},
			{"memberships and API keys", "ended"},
			{"reservations of the identity and the email address", "released: others may use the address"},
		}
		c.Kept = []Statement{
			{"the random id of the account", "a pseudonym: what happened in an organization, and its accounts, must stay complete"},
			{"keyed hashes of the identity and the email address in the event log", "they cannot be reversed without the root secret of the installation; they kept the values unique"},
			{"records of tokens, payments and commissions under the pseudonym", "accounting law requires them"},
			{"files of organizations that the person uploaded", "they belong to the organization"},
			{"this certificate", "it is the evidence of the erasure, and names nobody"},
		}
	case KindOrganization:
		c.Destroyed = []Statement{
			{"the contact address of the organization", "the encryption key was destroyed: what the event log, its copies and its backups hold of it cannot be read by anybody"},
			{"email addresses in invitations to the organization", "the keys of these invitations were destroyed"},
			{"files of the organization: what was uploaded, what was made of it, and the reports", "the bytes were deleted from the file store, and links to them lead nowhere"},
			{"names of the files", "encrypted with the same key as the contact address"},
			{"rows about the organization in read models", "cleared or deleted in all generations of all read models"},
			{"stored answers to repeated requests", "deleted"},
			{"memberships and API keys", "ended"},
		}
		c.Kept = []Statement{
			{"the random id of the organization", "a pseudonym: accounts must stay complete"},
			{"name, slug, website, description and logo address of the organization in the event log", "they describe an organization, not a person"},
			{"records of tokens and payments", "accounting law requires them"},
			{"sizes, page counts, scores and checksums of the files in the event log", "they do not tell what the files said, and accounts must stay complete"},
			{"this certificate", "it is the evidence of the erasure, and names nobody"},
		}
	}
	c.Remains = []Remainder{
		{"memory of running processes", "keys and values that were read just before", at.Add(lives.Memory)},
		{"dead rows of the database", "rows that were overwritten or deleted exist until the tables are written anew", at.Add(lives.Rows)},
		{
			"write-ahead log of the database, in place or archived", "the database keeps its segments until it writes over them, and the operator keeps the archive",
			at.Add(lives.Backups),
		},
		{
			"backups of the database", "they hold the encryption keys from before. The journal of erasures destroys these again when a backup is restored",
			at.Add(lives.Backups),
		},
	}
	if k == KindOrganization {
		c.Remains = append(c.Remains, Remainder{
			"backups and old versions of the file store", "copies of the files that the operator keeps", at.Add(lives.Backups),
		})
	}
	return c
}
