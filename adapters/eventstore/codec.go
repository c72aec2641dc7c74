package eventstore

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"time"

	"github.com/EventStore/EventStore-Client-Go/v4/esdb"
	"github.com/google/uuid"

	"github.com/perfectworks/backend/domain/event"
)

// Codec turns events into what the store keeps and back. It is safe for
// concurrent use.
//
// Data and metadata are JSON. Personal texts are sealed with the key of the
// person whose they are. The version of the shape is in the metadata; an older
// shape goes through the upcasters of its schema. A stored field that the shape
// does not have is an error, for within one version it can only be a mistake,
// and dropping it would lose a fact. In metadata such a field is passed over:
// other programs may add theirs.
type Codec struct {
	types    map[string]*eventType
	byGo     map[reflect.Type]*eventType
	metadata *shape
	keys     Keys
	random   io.Reader
	now      func() time.Time
}

type eventType struct {
	schema event.Schema
	shape  *shape
	// quick reads what is usual; nil for most types.
	quick func(data []byte) (event.Event, bool)
}

// NewCodec examines the schemas: its error names every event type that could
// not be stored faithfully, and why.
func NewCodec(schemas []event.Schema, keys Keys) (*Codec, error) {
	c := &Codec{
		types: make(map[string]*eventType, len(schemas)),
		byGo:  make(map[reflect.Type]*eventType, len(schemas)),
		keys:  keys, random: rand.Reader, now: time.Now,
	}
	var err error
	if c.metadata, err = shapeOf(reflect.TypeFor[event.Metadata]()); err != nil {
		return nil, fmt.Errorf("event metadata: %w", err)
	}
	var errs []error
	for _, schema := range schemas {
		if err := c.register(schema); err != nil {
			errs = append(errs, fmt.Errorf("event type %q: %w", schema.Type, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Codec) register(schema event.Schema) error {
	if schema.Type == "" || schema.Type[0] == '$' {
		return errors.New("the name is empty or the store's own")
	}
	if _, taken := c.types[schema.Type]; taken {
		return errors.New("the name is taken by another event")
	}
	if schema.Version > maxVersions {
		return fmt.Errorf("version %d is more than %d", schema.Version, maxVersions)
	}
	if schema.Version != len(schema.Upcasters)+1 {
		return fmt.Errorf("version %d needs %d upcasters, not %d", schema.Version, schema.Version-1, len(schema.Upcasters))
	}
	typ := reflect.TypeOf(schema.Value(schema.New()))
	if _, taken := c.byGo[typ]; taken {
		return fmt.Errorf("%s is stored under another name already", typ)
	}
	s, err := shapeOf(typ)
	if err != nil {
		return err
	}
	t := &eventType{schema: schema, shape: s, quick: quickReaders[schema.Type]}
	c.types[schema.Type], c.byGo[typ] = t, t
	return nil
}

// Encode gives the stored form of an event. It asks for the keys of the people
// whose personal texts the event holds. A panic in a type that writes itself is a
// *PanicError.
func (c *Codec) Encode(ctx context.Context, draft event.Draft) (esdb.EventData, error) {
	t, ok := c.byGo[reflect.TypeOf(draft.Event)]
	if !ok {
		return esdb.EventData{}, fmt.Errorf("encode %T: not a registered event", draft.Event)
	}
	var data, metadata []byte
	err := guard(func() (err error) {
		data, metadata, err = c.encode(ctx, t, draft)
		return err
	})
	if err != nil {
		return esdb.EventData{}, fmt.Errorf("encode %s: %w", t.schema.Type, err)
	}
	return esdb.EventData{
		EventID: uuid.UUID(draft.ID), EventType: t.schema.Type,
		ContentType: esdb.ContentTypeJson, Data: data, Metadata: metadata,
	}, nil
}

func (c *Codec) encode(ctx context.Context, t *eventType, draft event.Draft) (data, metadata []byte, err error) {
	if draft.ID == (event.ID{}) {
		return nil, nil, errors.New("an event needs an id: the client would make up a new one at each attempt")
	}
	draft.Metadata.SchemaVersion, draft.Metadata.AddressKey = t.schema.Version, ""
	if !draft.Metadata.ClientAddress.IsZero() || !draft.Metadata.UserAgent.IsZero() {
		draft.Metadata.AddressKey = event.AddressKey(c.now())
	}
	s := &sealer{event: draft.ID, find: c.keys.KeyFor, random: c.random}
	stored, err := t.shape.seal(ctx, s, inData, reflect.ValueOf(draft.Event))
	if err != nil {
		return nil, nil, err
	}
	if data, err = marshal(stored); err != nil {
		return nil, nil, err
	}
	if stored, err = c.metadata.seal(ctx, s, inMetadata, reflect.ValueOf(draft.Metadata)); err != nil {
		return nil, nil, err
	}
	metadata, err = marshal(stored)
	return data, metadata, err
}

// DecodeRecorded reads a stored event. Its error is a *DecodeError, which wraps
// *UnknownShapeError for what this program does not know, and *PanicError when an
// upcaster or a type panicked; but failing to get a
// key, which may pass, is an error of its own. With a *DecodeError it returns
// what else is known of the event: where it stands, and its id.
func (c *Codec) DecodeRecorded(ctx context.Context, stored *esdb.RecordedEvent) (event.Recorded, error) {
	r := header(stored)
	s := &sealer{event: r.ID, find: c.keys.Key}
	if err := guard(func() error { return c.decode(ctx, s, stored, &r) }); err != nil {
		var keyErr *keyError
		if errors.As(err, &keyErr) {
			return event.Recorded{}, fmt.Errorf("decode %s: %w", stored.EventType, err)
		}
		return r, &DecodeError{Stream: r.Stream, Revision: r.Revision, Type: stored.EventType, Err: err}
	}
	return r, nil
}

// decodeFact is DecodeRecorded without the metadata, where these tell the version at
// their end, as Encode writes them.
func (c *Codec) decodeFact(ctx context.Context, stored *esdb.RecordedEvent) (event.Recorded, error) {
	version, ok := versionAtEnd(stored.UserMetadata)
	t, known := c.types[stored.EventType]
	if !ok || !known || version < 1 || version > t.schema.Version {
		return c.DecodeRecorded(ctx, stored)
	}
	r := header(stored)
	s := &sealer{event: r.ID, find: c.keys.Key}
	err := guard(func() error {
		data, err := t.upcast(stored.Data, version)
		if err == nil {
			r.Event, err = t.read(ctx, s, data)
		}
		return err
	})
	if err != nil {
		return c.DecodeRecorded(ctx, stored) // It says what is wrong.
	}
	return r, nil
}

var versionMember = []byte(`"schemaVersion":`)

// versionAtEnd reads the version from the last member of metadata. As the member ends
// the document, it is of the outermost object.
func versionAtEnd(metadata []byte) (int, bool) {
	digits, ok := bytes.CutSuffix(metadata, []byte("}"))
	at := bytes.LastIndex(digits, versionMember)
	if !ok || at < 1 || digits[at-1] != ',' && digits[at-1] != '{' {
		return 0, false
	}
	version, err := strconv.Atoi(string(digits[at+len(versionMember):]))
	return version, err == nil
}

func (c *Codec) decode(ctx context.Context, s *sealer, stored *esdb.RecordedEvent, r *event.Recorded) error {
	metadata := reflect.New(c.metadata.stored)
	if len(stored.UserMetadata) > 0 {
		if err := unmarshal(stored.UserMetadata, metadata.Interface(), tolerantly); err != nil {
			return fmt.Errorf("metadata: %w", err)
		}
	}
	if err := c.metadata.open(ctx, s, inMetadata, metadata.Elem(), reflect.ValueOf(&r.Metadata).Elem()); err != nil {
		return err
	}
	t, known := c.types[stored.EventType]
	if !known {
		return &UnknownShapeError{Type: stored.EventType, Version: r.Metadata.SchemaVersion}
	}
	version := r.Metadata.SchemaVersion
	if version < 1 || version > t.schema.Version {
		return &UnknownShapeError{Type: stored.EventType, Version: version, Known: t.schema.Version}
	}
	data, err := t.upcast(stored.Data, version)
	if err != nil {
		return err
	}
	r.Event, err = t.read(ctx, s, data)
	return err
}

// read reads data of the current version.
func (t *eventType) read(ctx context.Context, s *sealer, data []byte) (event.Event, error) {
	if t.quick != nil {
		if e, ok := t.quick(data); ok {
			return e, nil
		}
	}
	target := t.schema.New()
	if len(t.shape.personal) == 0 {
		if err := unmarshal(data, target, strictly); err != nil {
			return nil, err
		}
		return t.schema.Value(target), nil
	}
	sealedForm := reflect.New(t.shape.stored)
	if err := unmarshal(data, sealedForm.Interface(), strictly); err != nil {
		return nil, err
	}
	if err := t.shape.open(ctx, s, inData, sealedForm.Elem(), reflect.ValueOf(target).Elem()); err != nil {
		return nil, err
	}
	return t.schema.Value(target), nil
}

// readBack reads the event that Encode has just encoded, as everybody will later.
// Metadata are left out: all events have the same, and no state depends on them.
func (c *Codec) readBack(ctx context.Context, encoded esdb.EventData) (e event.Event, err error) {
	s := &sealer{event: event.ID(encoded.EventID), find: c.keys.Key}
	err = guard(func() (err error) {
		e, err = c.types[encoded.EventType].read(ctx, s, encoded.Data)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read back %s: %w", encoded.EventType, err)
	}
	return e, nil
}

// upcast lifts stored data to the current version.
func (t *eventType) upcast(data []byte, version int) ([]byte, error) {
	if version == t.schema.Version {
		return data, nil
	}
	var fields event.Fields
	if err := unmarshal(data, &fields, strictly); err != nil {
		return nil, err
	}
	for v := version; v < t.schema.Version; v++ {
		var err error
		if fields, err = t.schema.Upcasters[v-1](fields); err != nil {
			return nil, fmt.Errorf("lift from version %d to %d: %w", v, v+1, err)
		}
		if err := checkFields(fields); err != nil {
			return nil, fmt.Errorf("lifted from version %d to %d: %w", v, v+1, err)
		}
	}
	return marshal(fields)
}

// checkFields bounds what one upcaster hands to the next.
func checkFields(fields event.Fields) error {
	size := 0
	for _, value := range fields {
		if err := checkNesting(value); err != nil {
			return err
		}
		if size += len(value); size > maxUpcast {
			return fmt.Errorf("larger than %d bytes", maxUpcast)
		}
	}
	return nil
}
