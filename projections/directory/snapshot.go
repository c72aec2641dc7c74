package directory

import (
	"bufio"
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"

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
	//go:embed keys.go
	keyRules string
	//go:embed snapshot.go
	snapshotRules string
	//go:embed fields.go
	fieldRules string
	//go:embed blocks.go
	blockRules string
)

// fingerprint changes with the rules, so that a snapshot is never read by other
// rules than it was made by: what one release got wrong, the next one gets right
// from the log.
var fingerprint = func() string {
	rules := strings.Join([]string{stateRules, keyRules, snapshotRules, fieldRules, blockRules}, "\x00")
	sum := sha256.Sum256([]byte(rules))
	return hex.EncodeToString(sum[:])
}()

// A snapshot is a magic word, a header and the records of each kind after their
// count, in blocks. Records refer to one another by their number among their
// kind, from 1; 0 is none. Numbers are varints but for those of keys, which are
// many: they have a fixed length, little endian.
const magic = "PerfectWorks directory 2\n"

// encode writes a snapshot. Nothing of it is kept but the block on its way.
func (s *state) encode(w io.Writer, at event.Mark) error {
	blocks := newBlockWriter(w)
	f := &fieldWriter{w: bufio.NewWriterSize(blocks, maxBlock)}
	f.text(magic)
	encodeMark(f, at)
	s.encodeScopes(f)
	s.encodeOrganizations(f)
	s.encodeUsers(f)
	s.encodeMembers(f)
	s.keys.encode(f)
	if f.err == nil {
		f.err = f.w.Flush()
	}
	if f.err == nil {
		f.err = blocks.close()
	}
	return f.err
}

// decode reads what encode wrote, with the same fingerprint.
func decode(r io.Reader) (_ *state, at event.Mark, err error) {
	f := &fieldReader{r: bufio.NewReaderSize(&blockReader{r: r}, maxBlock)}
	if f.text() != magic {
		f.fail("it does not begin as one")
	}
	at = decodeMark(f)
	s := newState()
	s.decodeScopes(f)
	s.decodeOrganizations(f)
	s.decodeUsers(f)
	s.decodeMembers(f)
	s.decodeKeys(f)
	if f.err == nil {
		if _, err := f.r.ReadByte(); !errors.Is(err, io.EOF) {
			f.check(err)
			f.fail("something follows its end")
		}
	}
	if f.err != nil {
		return nil, event.Mark{}, fmt.Errorf("read a snapshot: %w", f.err)
	}
	return s, at, nil
}

func encodeMark(f *fieldWriter, at event.Mark) {
	f.text(at.Log)
	encodePosition(f, at.Position)
	f.bytes(at.Last.ID[:])
	encodePosition(f, at.Last.Position)
	f.text(at.Last.Stream)
	f.int(int64(at.Last.Revision))
}

func decodeMark(f *fieldReader) (at event.Mark) {
	at.Log = f.text()
	at.Position = decodePosition(f)
	f.bytes(at.Last.ID[:])
	at.Last.Position = decodePosition(f)
	at.Last.Stream = f.text()
	at.Last.Revision = event.Revision(f.int())
	return at
}

func encodePosition(f *fieldWriter, p event.Position) {
	f.uint(p.Commit)
	f.uint(p.Prepare)
}

func decodePosition(f *fieldReader) (p event.Position) {
	p.Commit = f.uint()
	p.Prepare = f.uint()
	return p
}

func (s *state) encodeScopes(f *fieldWriter) {
	f.count(len(s.scopes))
	for _, set := range s.scopes {
		f.count(len(set))
		for _, scope := range set {
			f.text(string(scope))
		}
	}
}

func (s *state) decodeScopes(f *fieldReader) {
	count := f.count()
	for n := 0; n < count && f.err == nil; n++ {
		var set []access.Scope
		for left := f.count(); left > 0 && f.err == nil; left-- {
			set = append(set, access.Scope(f.text()))
		}
		s.scopes = append(s.scopes, set)
	}
}

func (s *state) encodeOrganizations(f *fieldWriter) {
	f.count(len(s.numberedOrganizations))
	for _, o := range s.numberedOrganizations {
		f.text(string(o.id))
		f.text(string(o.status))
		f.text(o.name)
		f.text(o.slug)
		f.text(o.logoURL)
		f.bool(o.unreadable)
	}
}

func (s *state) decodeOrganizations(f *fieldReader) {
	count := f.count()
	s.organizations = make(map[id.Organization]*organizationRecord, sized(count))
	for n := 0; n < count && f.err == nil; n++ {
		o := s.organization(id.Organization(f.text()))
		o.status = interned(organization.Status(f.text()), organization.StatusActive, organization.StatusDeleted, organization.StatusPurged)
		o.name, o.slug, o.logoURL = f.text(), f.text(), f.text()
		o.unreadable = f.bool()
	}
	if len(s.numberedOrganizations) != count {
		f.fail("two organizations have the same id")
	}
}

func (s *state) encodeUsers(f *fieldWriter) {
	f.count(len(s.numberedUsers))
	for _, u := range s.numberedUsers {
		f.text(string(u.id))
		f.text(string(u.status))
		f.text(u.subject)
		f.bool(s.subjects[u.subject] == u)
		active := number(0)
		if u.active != nil {
			active = u.active.number
		}
		f.uint(uint64(active))
		f.bool(u.unreadable)
	}
}

func (s *state) decodeUsers(f *fieldReader) {
	count := f.count()
	s.users, s.subjects = make(map[id.User]*userRecord, sized(count)), make(map[string]*userRecord, sized(count))
	for n := 0; n < count && f.err == nil; n++ {
		u := s.user(id.User(f.text()))
		u.status = interned(user.Status(f.text()), user.StatusActive, user.StatusDeactivated, user.StatusErased)
		u.subject = f.text()
		if f.bool() {
			s.subjects[u.subject] = u
		}
		if active := f.below(len(s.numberedOrganizations)+1, "organization"); active != 0 {
			u.active = s.numberedOrganizations[active-1]
		}
		u.unreadable = f.bool()
	}
	if len(s.numberedUsers) != count {
		f.fail("two users have the same id")
	}
}

func (s *state) encodeMembers(f *fieldWriter) {
	f.count(len(s.members))
	for m, p := range s.members {
		f.uint(uint64(m.user.number))
		f.uint(uint64(m.organization.number))
		f.text(string(p.role))
		f.int(p.since)
		f.bool(p.suspended)
	}
}

func (s *state) decodeMembers(f *fieldReader) {
	count := f.count()
	s.members = make(map[membership]place, sized(count))
	for n := 0; n < count && f.err == nil; n++ {
		u, o := f.below(len(s.numberedUsers)+1, "user"), f.below(len(s.numberedOrganizations)+1, "organization")
		if u == 0 || o == 0 {
			f.fail("a membership has no user")
			return
		}
		p := place{role: known(access.Role(f.text()))}
		p.since = f.int()
		p.suspended = f.bool()
		s.members[membership{s.numberedUsers[u-1], s.numberedOrganizations[o-1]}] = p
	}
}

// keyLength is how many bytes a stored key takes.
const keyLength = len(Hash{}) + 16 + 8 + 4 + 4 + 2 + 1 + 1

func (t *keyTable) encode(f *fieldWriter) {
	f.count(len(t.oddIDs))
	for _, name := range t.oddIDs {
		f.text(string(name))
	}
	f.count(int(t.count))
	b := make([]byte, 0, keyLength)
	for n := number(1); n <= t.count; n++ {
		k := t.at(n)
		b = append(append(b[:0], k.secret[:]...), k.id[:]...)
		b = binary.LittleEndian.AppendUint64(b, uint64(k.expireAt)) //nolint:gosec // Back in decodeKeys.
		b = binary.LittleEndian.AppendUint32(b, k.organization)
		b = binary.LittleEndian.AppendUint32(b, k.owner)
		b = binary.LittleEndian.AppendUint16(b, k.scopes)
		f.bytes(append(b, byte(k.end), byte(k.flags)))
	}
	// A secret is that of the last key that was issued with it.
	f.count(len(t.otherSecrets))
	for h, n := range t.otherSecrets {
		f.bytes(h[:])
		f.uint(uint64(n))
	}
}

func (s *state) decodeKeys(f *fieldReader) {
	t := &s.keys
	odd := f.count()
	for n := 0; n < odd && f.err == nil; n++ {
		t.oddIDs = append(t.oddIDs, id.APIKey(f.text()))
	}
	count := f.count()
	t.byID.reserve(sized(count), nil)
	t.bySecret.reserve(sized(count), nil)
	b := make([]byte, keyLength)
	for n := 0; n < count && f.bytes(b); n++ {
		s.decodeKey(f, b)
	}
	if len(t.oddIDs) != len(t.oddNumbers) {
		f.fail("an id is of no key")
	}
	others := f.count()
	for n := 0; n < others && f.err == nil; n++ {
		var h Hash
		f.bytes(h[:])
		key := f.below(int(t.count)+1, "key")
		if key == 0 || t.at(number(key)).organization == 0 { //nolint:gosec // It is a key's number.
			f.fail("a secret is of no key")
			return
		}
		if t.otherSecrets == nil {
			t.otherSecrets = map[Hash]number{}
		}
		t.otherSecrets[h] = number(key) //nolint:gosec // It is a key's number.
	}
}

func (s *state) decodeKey(f *fieldReader, b []byte) {
	t := &s.keys
	var k keyRecord
	b = b[copy(k.secret[:], b):]
	b = b[copy(k.id[:], b):]
	k.expireAt = int64(binary.LittleEndian.Uint64(b)) //nolint:gosec // As it was stored.
	k.organization, k.scopes = binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint16(b[16:])
	owner := binary.LittleEndian.Uint32(b[12:])
	k.end, k.flags = end(b[18]), flags(b[19])
	switch {
	case int(k.organization) > len(s.numberedOrganizations), int(owner) > len(s.numberedUsers):
		f.fail("a key has no owner")
	case k.organization == 0 && (k.is(flagSecret) || owner != 0), k.organization != 0 && int(k.scopes) >= len(s.scopes):
		f.fail("a key lacks what it was issued with")
	case k.end > endOrphaned, k.flags&^allFlags != 0:
		f.fail("a key is in no state that there is")
	case k.is(flagOddID) && int(binary.LittleEndian.Uint32(k.id[:])) >= len(t.oddIDs):
		f.fail("a key has no id")
	}
	if f.err != nil {
		return
	}
	n := t.add(k)
	if k.is(flagOddID) {
		if t.oddNumbers == nil {
			t.oddNumbers = map[id.APIKey]number{}
		}
		t.oddNumbers[t.name(t.at(n))] = n
	} else {
		t.indexID(n)
	}
	if k.is(flagSecret) {
		t.indexSecret(n)
	}
	if owner != 0 {
		s.give(n, s.numberedUsers[owner-1])
	}
}

// sized is a count of a snapshot, within reason: a damaged one may say anything.
func sized(count int) int { return min(max(count, 0), 1<<20) }
