package eventstore

import (
	"context"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"github.com/perfectworks/backend/domain/event"
	"github.com/perfectworks/backend/domain/personal"
)

// Keys holds the data key of each person. Both methods answer false when the
// key has been destroyed: that person's texts are gone.
type Keys interface {
	// Key is the key of a subject that has one.
	Key(ctx context.Context, subject string) (key cipher.AEAD, ok bool, err error)
	// KeyFor is Key, but creates a key at a subject's first use.
	KeyFor(ctx context.Context, subject string) (key cipher.AEAD, ok bool, err error)
}

// The stored forms of a personal text: sealed is followed by the Base64 of
// nonce, AES-256-GCM ciphertext and tag, and so is sealedTwice, where the plaintext
// is itself such a box. The inner box is sealed for the person, the outer one for
// what else ends the text.
const (
	sealed      = "personal:v1:"
	sealedTwice = "personal:v2:"
	erased      = "personal:erased"
)

// Which of an event's two JSON documents a text stands in.
const (
	inData     = "data/"
	inMetadata = "metadata/"
)

var (
	errNoSubject = errors.New("a personal text without the id of the person whose it is")
	errNotSealed = errors.New("a personal text that is not sealed")
	errTampered  = errors.New("a personal text that was not sealed for this place, or was changed")
)

// keyError says that the keys could not be asked, which may pass: the event
// itself may be all right.
type keyError struct{ err error }

func (e *keyError) Error() string { return "get the key of a personal text: " + e.err.Error() }
func (e *keyError) Unwrap() error { return e.err }

// sealer seals and opens the personal texts of one event. It remembers the last
// two keys: the texts of an event are mostly one person's, and some are sealed for
// a second subject.
type sealer struct {
	event  event.ID
	find   func(context.Context, string) (cipher.AEAD, bool, error)
	random io.Reader
	known  [2]foundKey
}

type foundKey struct {
	subject string
	key     cipher.AEAD
	ok      bool
}

func (s *sealer) keyOf(ctx context.Context, subject string) (cipher.AEAD, bool, error) {
	if subject == "" {
		return nil, false, errNoSubject
	}
	for _, k := range s.known {
		if k.subject == subject {
			return k.key, k.ok, nil
		}
	}
	key, ok, err := s.find(ctx, subject)
	if err != nil {
		return nil, false, &keyError{err}
	}
	s.known[0], s.known[1] = foundKey{subject, key, ok}, s.known[0]
	return key, ok, nil
}

// keysOf returns the keys of a text, from the inner one to the outer one; ok is
// false when one of them has been destroyed.
func (s *sealer) keysOf(ctx context.Context, owner owner) (keys []cipher.AEAD, ok bool, err error) {
	subjects := []string{owner.subject, owner.within}
	if owner.within == "" {
		subjects = subjects[:1]
	}
	for _, subject := range subjects {
		key, ok, err := s.keyOf(ctx, subject)
		if err != nil || !ok {
			return nil, false, err
		}
		keys = append(keys, key)
	}
	return keys, true, nil
}

// owner names the subjects for which a text is sealed: the person, and what else
// ends it, if anything.
type owner struct{ subject, within string }

func (o owner) form() string {
	if o.within != "" {
		return sealedTwice
	}
	return sealed
}

// binding is the additional data of a text: it opens only as this field of this
// event, so that no ciphertext can be put in another's place. That is also why
// the JSON name of a personal field stays for ever, upcasters included.
func (s *sealer) binding(document, field string) []byte {
	b := make([]byte, 0, len(s.event)+len(document)+len(field))
	b = append(b, s.event[:]...)
	b = append(b, document...)
	return append(b, field...)
}

func (s *sealer) seal(ctx context.Context, owner owner, document, field string, text personal.Text) (string, error) {
	if text.IsZero() {
		return "", nil
	}
	if text.IsErased() {
		return erased, nil
	}
	keys, ok, err := s.keysOf(ctx, owner)
	if err != nil {
		return "", err
	}
	if !ok {
		return erased, nil
	}
	box, binding := []byte(text.Reveal()), s.binding(document, field)
	for _, key := range keys {
		nonce := make([]byte, key.NonceSize(), key.NonceSize()+len(box)+key.Overhead())
		if _, err := io.ReadFull(s.random, nonce); err != nil {
			return "", fmt.Errorf("read randomness for a nonce: %w", err)
		}
		box = key.Seal(nonce, nonce, box, binding)
	}
	return owner.form() + base64.RawStdEncoding.EncodeToString(box), nil
}

func (s *sealer) open(ctx context.Context, owner owner, document, field, stored string) (personal.Text, error) {
	switch stored {
	case "":
		return personal.Text{}, nil
	case erased:
		return personal.Erased(), nil
	}
	encoded, ok := strings.CutPrefix(stored, owner.form())
	if !ok {
		return personal.Text{}, errNotSealed
	}
	keys, ok, err := s.keysOf(ctx, owner)
	if err != nil {
		return personal.Text{}, err
	}
	if !ok {
		return personal.Erased(), nil
	}
	box, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		return personal.Text{}, errTampered
	}
	binding := s.binding(document, field)
	for _, key := range slices.Backward(keys) {
		if len(box) < key.NonceSize() {
			return personal.Text{}, errTampered
		}
		nonce, ciphertext := box[:key.NonceSize()], box[key.NonceSize():]
		if box, err = key.Open(ciphertext[:0], nonce, ciphertext, binding); err != nil {
			return personal.Text{}, errTampered
		}
	}
	return personal.New(string(box)), nil
}

// seal copies a struct into its stored form.
func (s *shape) seal(ctx context.Context, sealer *sealer, document string, value reflect.Value) (any, error) {
	if len(s.personal) == 0 {
		return value.Interface(), nil
	}
	stored := reflect.New(s.stored).Elem()
	personals := s.personal
	for i := range s.typ.NumField() {
		if len(personals) == 0 || personals[0].index != i {
			stored.Field(i).Set(value.Field(i))
			continue
		}
		field := personals[0]
		personals = personals[1:]
		text := value.Field(i).Interface().(personal.Text) //nolint:forcetypeassert // shapeOf looked at the type.
		box, err := sealer.seal(ctx, field.ownerIn(value), document, field.name, text)
		if err != nil {
			return nil, fmt.Errorf("%s%s: %w", document, field.name, err)
		}
		stored.Field(i).SetString(box)
	}
	return stored.Addr().Interface(), nil
}

// open copies a stored form into the struct.
func (s *shape) open(ctx context.Context, sealer *sealer, document string, stored, value reflect.Value) error {
	personals := s.personal
	for i := range s.typ.NumField() {
		if len(personals) == 0 || personals[0].index != i {
			value.Field(i).Set(stored.Field(i))
			continue
		}
		field := personals[0]
		personals = personals[1:]
		box := stored.Field(i).String()
		if box == "" {
			continue
		}
		text, err := sealer.open(ctx, field.ownerIn(stored), document, field.name, box)
		if err != nil {
			return fmt.Errorf("%s%s: %w", document, field.name, err)
		}
		value.Field(i).Set(reflect.ValueOf(text))
	}
	return nil
}
