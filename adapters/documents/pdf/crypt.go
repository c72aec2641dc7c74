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
)

// crypt undoes the standard security handler (ISO 32000-1, 7.6; ISO 32000-2 for revision 6) with the empty user
// password.
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
	if f.Name(d["Filter"]) != "Standard" {
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
	var err error
	if version == 5 {
		c.key, err = f.fileKey256(d, revision)
	} else {
		c.key, err = f.fileKey(d, int(revision), int(length/8))
	}
	return c, err
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

// fileKey is algorithm 2, proved by algorithms 4 and 5.
func (f *File) fileKey(d Dict, revision, length int) ([]byte, error) {
	owner, _ := f.String(d["O"])
	user, _ := f.String(d["U"])
	permissions, _ := f.Integer(d["P"])
	var id String
	if ids, ok := f.Array(f.Trailer["ID"]); ok && len(ids) > 0 {
		id, _ = f.String(ids[0])
	}
	h := md5.New() //nolint:gosec // what the format prescribes
	h.Write(padding)
	h.Write([]byte(owner)[:min(32, len(owner))])
	h.Write(binary.LittleEndian.AppendUint32(nil, uint32(permissions))) //nolint:gosec // the low 32 bits are meant
	h.Write([]byte(id))
	if plain, ok := f.Resolve(d["EncryptMetadata"]).(bool); ok && !plain && revision >= 4 {
		h.Write([]byte{0xff, 0xff, 0xff, 0xff})
	}
	key := h.Sum(nil)[:min(16, length)]
	if revision >= 3 {
		for range 50 {
			sum := md5.Sum(key) //nolint:gosec // what the format prescribes
			key = sum[:len(key)]
		}
	}
	var proof []byte
	if revision == 2 {
		proof = rc4Once(key, padding)
	} else {
		sum := md5.Sum(append(bytes.Clone(padding), id...)) //nolint:gosec // what the format prescribes
		proof = sum[:]
		for i := range 20 {
			k := bytes.Clone(key)
			for j := range k {
				k[j] ^= byte(i)
			}
			proof = rc4Once(k, proof)
		}
	}
	if len(user) < len(proof) || !bytes.Equal([]byte(user)[:len(proof)], proof) {
		return nil, ErrPassword
	}
	return key, nil
}

// fileKey256 is algorithm 2.A for the empty user password.
func (f *File) fileKey256(d Dict, revision int64) ([]byte, error) {
	user, _ := f.String(d["U"])
	encrypted, _ := f.String(d["UE"])
	if len(user) < 48 || len(encrypted) < 32 {
		return nil, ErrEncryption
	}
	digest := func(salt String) []byte {
		if revision >= 6 {
			return hash2B([]byte(salt))
		}
		sum := sha256.Sum256([]byte(salt))
		return sum[:]
	}
	if !bytes.Equal(digest(user[32:40]), []byte(user[:32])) {
		return nil, ErrPassword
	}
	block, err := aes.NewCipher(digest(user[40:48]))
	if err != nil {
		return nil, ErrEncryption
	}
	key := make([]byte, 32)
	cipher.NewCBCDecrypter(block, make([]byte, 16)).CryptBlocks(key, []byte(encrypted[:32]))
	return key, nil
}

// hash2B is algorithm 2.B for the empty password.
func hash2B(salt []byte) []byte {
	sum := sha256.Sum256(salt)
	k := sum[:]
	for round := 0; ; round++ {
		k1 := bytes.Repeat(k, 64)
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
		if round >= 63 && int(e[len(e)-1]) <= round-32 {
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
