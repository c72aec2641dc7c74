// Package file is a file of an organization and the operations on it: what was
// uploaded, and what was made of it.
//
// # Streams
//
// Each file has a stream of its own. An operation belongs to the stream of the
// file that it works on, which decides whether it begins, who works on it and how
// it ends. What an operation makes is a file too: its stream begins when the
// operation is requested and says what became of it, so that it can be read,
// deleted and worked on like any other.
//
// The end in the stream of the operation comes first and decides. The other
// stream and the token account follow it; both can be repeated.
//
// # Operations
//
//   - One operation of a kind and with the same options is active at a time: a
//     second request joins it. Of analyses there is only one, whatever the options.
//   - A worker begins with the fence of its lease. Only the worker that began
//     last can end the operation, and only before the deadline, by which the
//     tokens are still held.
//   - An operation ends once. What comes after that changes nothing and is refused.
//   - The content of a file never changes. So a result of the same kind, options
//     and engine is the same result, and is not worked for again.
package file
