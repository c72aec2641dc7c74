package directory

import (
	"crypto/sha256"
	_ "embed"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/perfectworks/backend/domain/access"
	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/id"
	"github.com/perfectworks/backend/domain/organization"
	"github.com/perfectworks/backend/domain/user"
)

// The rules by which events become a state, and a state a snapshot.
var (
	//go:embed state.go
	stateRules string
	//go:embed snapshot.go
	snapshotRules string
)

// fingerprint changes with the rules, so that a snapshot is never read by other
// rules than it was made by: what one release got wrong, the next one gets right
// from the log.
var fingerprint = func() string {
	sum := sha256.Sum256([]byte(stateRules + "\x00" + snapshotRules))
	return hex.EncodeToString(sum[:])
}()

// A snapshot is a gob stream: a header, then lists of records, an empty one after
// each kind. Records refer to one another by their number among their kind, from
// 1; 0 is none.
type (
	header struct {
		Mark   event.Mark
		Scopes [][]access.Scope
		// How many there are, so that the maps need not grow.
		Users, Subjects, Organizations, Members, Keys, Secrets int
	}
	savedOrganization struct {
		ID                  id.Organization
		Status              organization.Status
		Name, Slug, LogoURL string
		Unreadable          bool
	}
	savedUser struct {
		ID         id.User
		Subject    string
		Status     user.Status
		Active     int
		Unreadable bool
	}
	savedMember struct {
		User, Organization int
		Role               access.Role
		Since              int64
		Suspended          bool
	}
	savedKey struct {
		ID                  id.APIKey
		Organization, Owner int
		ExpireAt            int64
		Scopes              uint16
		End                 end
		Unreadable          bool
	}
	savedSecret struct {
		Hash Hash
		Key  int
	}
	savedSubject struct {
		Subject string
		User    int
	}
)

// batchSize is how many records a list holds.
const batchSize = 4096

// encode writes a snapshot.
func (s *state) encode(w io.Writer, at event.Mark) error {
	enc := gob.NewEncoder(w)
	if err := enc.Encode(header{
		Mark: at, Scopes: s.scopes,
		Users: len(s.users), Subjects: len(s.subjects), Organizations: len(s.organizations),
		Members: len(s.members), Keys: len(s.keys), Secrets: len(s.secrets),
	}); err != nil {
		return err
	}
	organizations, users, keys := numbers[organizationRecord]{}, numbers[userRecord]{}, numbers[keyRecord]{}
	return errors.Join(
		write(enc, s.organizations, func(_ id.Organization, o *organizationRecord) savedOrganization {
			organizations.add(o)
			return savedOrganization{o.id, o.status, o.name, o.slug, o.logoURL, o.unreadable}
		}),
		write(enc, s.users, func(_ id.User, u *userRecord) savedUser {
			users.add(u)
			return savedUser{u.id, u.subject, u.status, organizations[u.active], u.unreadable}
		}),
		write(enc, s.subjects, func(subject string, u *userRecord) savedSubject {
			return savedSubject{subject, users[u]}
		}),
		write(enc, s.members, func(m membership, p place) savedMember {
			return savedMember{users[m.user], organizations[m.organization], p.role, p.since, p.suspended}
		}),
		write(enc, s.keys, func(_ id.APIKey, k *keyRecord) savedKey {
			keys.add(k)
			return savedKey{k.id, organizations[k.organization], users[k.owner], k.expireAt, k.scopes, k.end, k.unreadable}
		}),
		write(enc, s.secrets, func(h Hash, k *keyRecord) savedSecret {
			return savedSecret{h, keys[k]}
		}),
	)
}

// numbers counts records, from 1; what was not counted is 0.
type numbers[R any] map[*R]int

func (n numbers[R]) add(r *R) { n[r] = len(n) + 1 }

func write[K comparable, V, T any](enc *gob.Encoder, records map[K]V, save func(K, V) T) error {
	batch := make([]T, 0, batchSize)
	for k, v := range records {
		if len(batch) == batchSize {
			if err := enc.Encode(batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
		batch = append(batch, save(k, v))
	}
	if len(batch) > 0 {
		if err := enc.Encode(batch); err != nil {
			return err
		}
	}
	return enc.Encode([]T{})
}

// decode reads what encode wrote, with the same fingerprint.
func decode(r io.Reader) (_ *state, at event.Mark, err error) {
	dec := gob.NewDecoder(r)
	var h header
	if err := dec.Decode(&h); err != nil {
		return nil, event.Mark{}, fmt.Errorf("read a snapshot: %w", err)
	}
	s := h.room()
	s.scopes = h.Scopes
	l := &loading{
		state: s, dec: dec,
		numberedOrganizations: make([]*organizationRecord, 1, 1+sized(h.Organizations)),
		numberedUsers:         make([]*userRecord, 1, 1+sized(h.Users)),
		numberedKeys:          make([]*keyRecord, 1, 1+sized(h.Keys)),
	}
	for _, step := range []func() error{l.loadOrganizations, l.loadUsers, l.loadSubjects, l.loadMembers, l.loadKeys, l.loadSecrets} {
		if err := step(); err != nil {
			return nil, event.Mark{}, fmt.Errorf("read a snapshot: %w", err)
		}
	}
	return s, h.Mark, nil
}

// sized is a count of a snapshot, within reason: a damaged one may say anything.
func sized(count int) int { return min(max(count, 0), 10_000_000) }

// room is an empty state with room for what follows.
func (h header) room() *state {
	return &state{
		users:         make(map[id.User]*userRecord, sized(h.Users)),
		subjects:      make(map[string]*userRecord, sized(h.Subjects)),
		organizations: make(map[id.Organization]*organizationRecord, sized(h.Organizations)),
		members:       make(map[membership]place, sized(h.Members)),
		keys:          make(map[id.APIKey]*keyRecord, sized(h.Keys)),
		secrets:       make(map[Hash]*keyRecord, sized(h.Secrets)),
	}
}

// loading is a snapshot on its way back into a state.
type loading struct {
	*state
	dec *gob.Decoder

	numberedOrganizations []*organizationRecord
	numberedUsers         []*userRecord
	numberedKeys          []*keyRecord
}

func read[T any](dec *gob.Decoder, load func(T) error) error {
	for {
		var batch []T
		if err := dec.Decode(&batch); err != nil {
			return err
		}
		if len(batch) == 0 {
			return nil
		}
		for _, record := range batch {
			if err := load(record); err != nil {
				return err
			}
		}
	}
}

// errReference says that a record refers to one that is not there.
var errReference = errors.New("a record refers to one that is missing")

// pick finds a record by its number; 0 is nil.
func pick[R any](records []*R, number int) (*R, error) {
	if number < 0 || number >= len(records) {
		return nil, errReference
	}
	return records[number], nil
}

func (l *loading) loadOrganizations() error {
	return read(l.dec, func(saved savedOrganization) error {
		o := l.organization(saved.ID)
		o.status = interned(saved.Status, organization.StatusActive, organization.StatusDeleted, organization.StatusPurged)
		o.name, o.slug, o.logoURL, o.unreadable = saved.Name, saved.Slug, saved.LogoURL, saved.Unreadable
		l.numberedOrganizations = append(l.numberedOrganizations, o)
		return nil
	})
}

func (l *loading) loadUsers() error {
	return read(l.dec, func(saved savedUser) (err error) {
		u := l.user(saved.ID)
		u.subject, u.unreadable = saved.Subject, saved.Unreadable
		u.status = interned(saved.Status, user.StatusActive, user.StatusDeactivated, user.StatusErased)
		u.active, err = pick(l.numberedOrganizations, saved.Active)
		l.numberedUsers = append(l.numberedUsers, u)
		return err
	})
}

func (l *loading) loadSubjects() error {
	return read(l.dec, func(saved savedSubject) error {
		u, err := pick(l.numberedUsers, saved.User)
		if err != nil || u == nil {
			return errReference
		}
		subject := saved.Subject
		if u.subject == subject {
			subject = u.subject // One copy of the text is enough.
		}
		l.subjects[subject] = u
		return nil
	})
}

func (l *loading) loadMembers() error {
	return read(l.dec, func(saved savedMember) error {
		u, userErr := pick(l.numberedUsers, saved.User)
		o, organizationErr := pick(l.numberedOrganizations, saved.Organization)
		l.members[membership{u, o}] = place{known(saved.Role), saved.Since, saved.Suspended}
		return errors.Join(userErr, organizationErr)
	})
}

func (l *loading) loadKeys() error {
	return read(l.dec, func(saved savedKey) error {
		k := l.key(saved.ID)
		var organizationErr, ownerErr error
		k.organization, organizationErr = pick(l.numberedOrganizations, saved.Organization)
		k.owner, ownerErr = pick(l.numberedUsers, saved.Owner)
		k.expireAt, k.scopes, k.end, k.unreadable = saved.ExpireAt, saved.Scopes, saved.End, saved.Unreadable
		if k.owner != nil {
			k.owner.keys = append(k.owner.keys, k)
		}
		if int(k.scopes) >= len(l.scopes) && k.organization != nil {
			return errReference
		}
		l.numberedKeys = append(l.numberedKeys, k)
		return errors.Join(organizationErr, ownerErr)
	})
}

func (l *loading) loadSecrets() error {
	return read(l.dec, func(saved savedSecret) error {
		k, err := pick(l.numberedKeys, saved.Key)
		if err != nil || k == nil || k.organization == nil {
			return errReference
		}
		l.secrets[saved.Hash] = k
		return nil
	})
}
