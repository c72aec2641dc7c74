package failure

// The failures of storage that takes no writes at present. Several parts store
// something, and all refuse alike.
var (
	// ErrStorageFull says that a database has no space left. Nothing was written, and
	// nothing will be until an operator has freed some.
	ErrStorageFull = New(Unavailable, "STORAGE_FULL",
		"the storage has no space left: nothing was changed; try again when an operator has made room")
	// ErrStorageReadOnly says that a database takes no writes, as a standby or one
	// that an operator has closed. Nothing was written.
	ErrStorageReadOnly = New(Unavailable, "STORAGE_READ_ONLY",
		"the storage is read-only at present: nothing was changed; try again later")
)
