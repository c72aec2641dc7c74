// Package pdf reads the objects of a PDF file and the operators of its content streams, and writes files anew.
//
// It is made for files that nobody vouches for: objects and streams are read only when asked for, and everything that
// a file can make large (nesting, number of objects, decoded bytes) ends at a limit of [Limits]. It reads and does not
// judge: what is wrong with a file as a document is for its callers to say.
package pdf

// Object is nil (null), bool, Integer, Real, String, Name, Array, Dict, *Stream, Ref or, in content streams, Operator.
type Object any

// Integer is a whole number.
type Integer int64

// Real is a number with a fraction.
type Real float64

// String is the decoded and decrypted bytes of a string.
type String string

// Name is a name without its slash, with #xx decoded.
type Name string

// Array is a list of objects, which may be references.
type Array []Object

// Dict is a dictionary; a key with the value null is absent.
type Dict map[Name]Object

// Operator is a keyword of a content stream.
type Operator string

// Ref names an indirect object.
type Ref struct {
	Number     int
	Generation int
}

// Stream is a dictionary with data, as they lie in the file.
type Stream struct {
	Dict Dict
	// Raw are the encoded and decrypted bytes.
	Raw []byte
}

// Number gives the value of an integer or a real.
func Number(o Object) (float64, bool) {
	switch n := o.(type) {
	case Integer:
		return float64(n), true
	case Real:
		return float64(n), true
	}
	return 0, false
}
