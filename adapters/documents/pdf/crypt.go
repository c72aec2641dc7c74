package pdf

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/md5" //nolint:gosec // what the format prescribes
	"crypto/rc4" //nolint:gosec // what the format prescribes
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"errors"
	"hash"
	"slices"
)

// crypt undoes the standard security handler (ISO 32000-1, 7.6; ISO 32000-2 for revision 6).
type crypt struct {
	key             []byte
	strings, stream method
}

type method int

const (
	identity method = iota
	rc4Method
	aes128
	aes256
)

var padding = []byte("\x28\xBF\x4E\x5E\x4E\x75\x8A\x41\x64\x00\x4E\x56\xFF\xFA\x01\x08\x2E\x2E\x00\xB6\xD0\x68\x3E\x80\x2F\x0C\xA9\xFE\x64\x53\x69\x7A")

func (f *File) startDecryption() error {
	if f.crypt != nil || f.Trailer["Encrypt"] == nil {
		return nil
	}
	d, ok := f.Dict(f.Trailer["Encrypt"])
	if !ok {
		return nil
	}
	f.Encrypted = true
	c, err := f.newCrypt(d)
	if err != nil {
		return err
	}
	encryptRef, isRef := f.Trailer["Encrypt"].(Ref)
	f.forget()
	f.crypt = c
	if isRef { // its own strings are not encrypted
		f.loaded[encryptRef.Number] = d
	}
	if !f.usable() {
		return ErrDamaged
	}
	return nil
}

// forget forgets what was loaded before the key was known.
func (f *File) forget() {
	f.loaded = map[int]Object{}
	f.packed = map[int]*objectStream{}
	f.decoded = map[*Stream]decoded{}
}

func (f *File) newCrypt(d Dict) (*crypt, error) {
	switch f.Name(d["Filter"]) {
	case "Standard":
	case "Adobe.PubSec":
		return nil, ErrCertificate
	default:
		return nil, ErrEncryption
	}
	version, _ := f.Integer(d["V"])
	revision, _ := f.Integer(d["R"])
	length, ok := f.Integer(d["Length"])
	if !ok {
		length = 40
	}
	c := &crypt{}
	switch version {
	case 1:
		length = 40
		c.strings, c.stream = rc4Method, rc4Method
	case 2, 3:
		c.strings, c.stream = rc4Method, rc4Method
	case 4, 5:
		length = 128
		c.strings = f.cryptFilter(d, "StrF")
		c.stream = f.cryptFilter(d, "StmF")
	default:
		return nil, ErrEncryption
	}
	if length < 40 || length > 256 {
		return nil, ErrEncryption
	}
	var open func(password []byte) ([]byte, bool)
	if version == 5 {
		s, ok := f.newSecrets256(d, revision)
		if !ok {
			return nil, ErrEncryption
		}
		open = func(password []byte) ([]byte, bool) { return s.open(f, password) }
	} else {
		s := f.newSecrets(d, int(revision), int(length/8))
		open = func(password []byte) ([]byte, bool) { return s.open(f, password) }
	}
	for _, password := range passwordForms(f.password, version == 5) {
		if key, ok := open(password); ok {
			c.key = key
			return c, nil
		}
	}
	if f.password != "" {
		return nil, ErrWrongPassword
	}
	return nil, ErrPassword
}

func (f *File) cryptFilter(d Dict, which Name) method {
	name := f.Name(d[which])
	filters, _ := f.Dict(d["CF"])
	filter, _ := f.Dict(filters[name])
	switch f.Name(filter["CFM"]) {
	case "V2":
		return rc4Method
	case "AESV2":
		return aes128
	case "AESV3":
		return aes256
	}
	return identity
}

// secrets are the entries of an encryption dictionary by which passwords are proved, up to revision 4.
type secrets struct {
	owner, user, id  []byte
	permissions      uint32
	revision, length int
	plainMetadata    bool
}

func (f *File) newSecrets(d Dict, revision, length int) *secrets {
	owner, _ := f.String(d["O"])
	user, _ := f.String(d["U"])
	permissions, _ := f.Integer(d["P"])
	s := &secrets{
		owner: []byte(owner), user: []byte(user), permissions: uint32(permissions), //nolint:gosec // the low 32 bits are meant
		revision: revision, length: min(16, length),
	}
	if ids, ok := f.Array(f.Trailer["ID"]); ok && len(ids) > 0 {
		id, _ := f.String(ids[0])
		s.id = []byte(id)
	}
	if encrypted, ok := f.Resolve(d["EncryptMetadata"]).(bool); ok {
		s.plainMetadata = !encrypted
	}
	return s
}

// open gives the key of the file if a password is that of the user or of the owner.
func (s *secrets) open(f *File, password []byte) ([]byte, bool) {
	// The owner's password is tried first: where both are the same, it permits all.
	if key := s.key(s.userPassword(password)); s.proves(key) && len(password) > 0 {
		f.Owner = true
		return key, true
	}
	key := s.key(password)
	return key, s.proves(key)
}

// padded cuts a password to 32 bytes, or fills it up.
func padded(password []byte) []byte {
	return append(bytes.Clone(password[:min(len(password), len(padding))]), padding...)[:len(padding)]
}

// key is algorithm 2.
func (s *secrets) key(password []byte) []byte {
	h := md5.New() //nolint:gosec // what the format prescribes
	h.Write(padded(password))
	h.Write(s.owner[:min(32, len(s.owner))])
	h.Write(binary.LittleEndian.AppendUint32(nil, s.permissions))
	h.Write(s.id)
	if s.plainMetadata && s.revision >= 4 {
		h.Write([]byte{0xff, 0xff, 0xff, 0xff})
	}
	key := h.Sum(nil)[:s.length]
	if s.revision >= 3 {
		for range 50 {
			sum := md5.Sum(key) //nolint:gosec // what the format prescribes
			key = sum[:len(key)]
		}
	}
	return key
}

// proves is algorithms 4 to 6.
func (s *secrets) proves(key []byte) bool {
	var proof []byte
	if s.revision == 2 {
		proof = rc4Once(key, padding)
	} else {
		sum := md5.Sum(append(bytes.Clone(padding), s.id...)) //nolint:gosec // what the format prescribes
		proof = sum[:]
		for i := range 20 {
			proof = rc4Once(mixed(key, byte(i)), proof)
		}
	}
	return len(s.user) >= len(proof) && bytes.Equal(s.user[:len(proof)], proof)
}

// userPassword is algorithm 7: what the owner's password makes of the entry O is the user's.
func (s *secrets) userPassword(owner []byte) []byte {
	sum := md5.Sum(padded(owner)) //nolint:gosec // what the format prescribes
	key := sum[:]
	length := s.length
	if s.revision >= 3 {
		for range 50 {
			sum := md5.Sum(key) //nolint:gosec // what the format prescribes
			key = sum[:]
		}
	} else {
		length = 5
	}
	key = key[:length]
	out := bytes.Clone(s.owner[:min(32, len(s.owner))])
	if s.revision == 2 {
		return rc4Once(key, out)
	}
	for i := 19; i >= 0; i-- {
		out = rc4Once(mixed(key, byte(i)), out)
	}
	return out
}

// mixed gives a key with each byte changed by another.
func mixed(key []byte, by byte) []byte {
	out := bytes.Clone(key)
	for i := range out {
		out[i] ^= by
	}
	return out
}

// secrets256 are the same for revisions 5 and 6: each string is a digest, the salt that proves the password, and the salt
// for the key.
type secrets256 struct {
	user, owner                   []byte
	encryptedUser, encryptedOwner []byte
	revision                      int64
}

func (f *File) newSecrets256(d Dict, revision int64) (*secrets256, bool) {
	entry := func(key Name, length int) []byte {
		s, _ := f.String(d[key])
		if len(s) < length {
			return nil
		}
		return []byte(s[:length])
	}
	s := &secrets256{
		user: entry("U", 48), owner: entry("O", 48), encryptedUser: entry("UE", 32), encryptedOwner: entry("OE", 32),
		revision: revision,
	}
	return s, s.user != nil && s.encryptedUser != nil
}

// open is algorithm 2.A.
func (s *secrets256) open(f *File, password []byte) ([]byte, bool) {
	if s.owner != nil && s.encryptedOwner != nil && len(password) > 0 &&
		bytes.Equal(s.digest(password, s.owner[32:40], s.user), s.owner[:32]) {
		f.Owner = true
		return unwrapped(s.digest(password, s.owner[40:48], s.user), s.encryptedOwner)
	}
	if !bytes.Equal(s.digest(password, s.user[32:40], nil), s.user[:32]) {
		return nil, false
	}
	return unwrapped(s.digest(password, s.user[40:48], nil), s.encryptedUser)
}

func (s *secrets256) digest(password, salt, user []byte) []byte {
	if s.revision >= 6 {
		return hash2B(password, salt, user)
	}
	h := sha256.New()
	for _, part := range [][]byte{password, salt, user} {
		h.Write(part)
	}
	return h.Sum(nil)
}

// unwrapped decrypts the key of a file.
func unwrapped(by, encrypted []byte) ([]byte, bool) {
	block, err := aes.NewCipher(by)
	if err != nil {
		return nil, false
	}
	key := make([]byte, 32)
	cipher.NewCBCDecrypter(block, make([]byte, 16)).CryptBlocks(key, encrypted)
	return key, true
}

// hash2B is algorithm 2.B.
func hash2B(password, salt, user []byte) []byte {
	sum := sha256.Sum256(slices.Concat(password, salt, user))
	k := sum[:]
	for round := 1; ; round++ {
		k1 := bytes.Repeat(slices.Concat(password, k, user), 64)
		block, err := aes.NewCipher(k[:16])
		if err != nil {
			return nil
		}
		e := make([]byte, len(k1))
		cipher.NewCBCEncrypter(block, k[16:32]).CryptBlocks(e, k1)
		rest := 0
		for _, b := range e[:16] {
			rest += int(b)
		}
		var h hash.Hash
		switch rest % 3 {
		case 0:
			h = sha256.New()
		case 1:
			h = sha512.New384()
		default:
			h = sha512.New()
		}
		h.Write(e)
		k = h.Sum(nil)
		if round >= 64 && int(e[len(e)-1]) <= round-32 {
			return k[:32]
		}
	}
}

func rc4Once(key, data []byte) []byte {
	c, err := rc4.NewCipher(key) //nolint:gosec // what the format prescribes
	if err != nil {
		return nil
	}
	out := make([]byte, len(data))
	c.XORKeyStream(out, data)
	return out
}

// object decrypts the strings and the data of an indirect object.
func (c *crypt) object(o Object, at Ref) Object {
	switch v := o.(type) {
	case String:
		if out, err := c.decrypt(c.strings, []byte(v), at); err == nil {
			return String(out)
		}
		return v
	case Array:
		for i := range v {
			v[i] = c.object(v[i], at)
		}
		return v
	case Dict:
		for k := range v {
			v[k] = c.object(v[k], at)
		}
		return v
	case *Stream:
		if v.Dict["Type"] == Name("XRef") {
			return v
		}
		c.object(v.Dict, at)
		if identityCrypt(v.Dict) {
			return v
		}
		if out, err := c.decrypt(c.stream, v.Raw, at); err == nil {
			v.Raw = out
		}
		return v
	}
	return o
}

// identityCrypt tells whether a stream's own Crypt filter leaves it as it is.
func identityCrypt(d Dict) bool {
	filters, ok := d["Filter"].(Array)
	if !ok {
		filters = Array{d["Filter"]}
	}
	return len(filters) > 0 && filters[0] == Name("Crypt")
}

var errShort = errors.New("the encrypted data is too short")

func (c *crypt) decrypt(m method, data []byte, at Ref) ([]byte, error) {
	key := c.key
	if m == rc4Method || m == aes128 {
		n, g := at.Number, at.Generation
		h := md5.New() //nolint:gosec // what the format prescribes
		h.Write(key)
		h.Write([]byte{byte(n), byte(n >> 8), byte(n >> 16), byte(g), byte(g >> 8)}) //nolint:gosec // the low bytes are meant
		if m == aes128 {
			h.Write([]byte("sAlT"))
		}
		key = h.Sum(nil)[:min(16, len(c.key)+5)]
	}
	switch m {
	case rc4Method:
		return rc4Once(key, data), nil
	case aes128, aes256:
		if len(data) < 32 {
			return nil, errShort
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		body := data[16 : len(data)-len(data)%16]
		out := make([]byte, len(body))
		cipher.NewCBCDecrypter(block, data[:16]).CryptBlocks(out, body)
		if pad := int(out[len(out)-1]); pad >= 1 && pad <= 16 && pad <= len(out) {
			out = out[:len(out)-pad]
		}
		return out, nil
	default: // identity
		return data, nil
	}
}
