// Package blob keeps the bytes of files: in a folder of this machine, or in a
// bucket of S3 or of Google Cloud Storage. It issues the signed URLs by which
// clients upload and download without credentials.
//
// URLs of a folder are our own. They carry what they allow, with an HMAC, and are
// served by the API. Those of a bucket are the bucket's, and its service serves
// them.
//
// # What each store enforces of an upload
//
//   - A folder: method, object, content type, exact length and expiry, and that
//     whom the URL was issued to still has access.
//   - S3: method, object, content type, exact length and expiry, as headers that
//     are part of its signature.
//   - Google Cloud Storage: method, object, content type, exact length and expiry
//     by its documentation. That is not tested here: there is no server of it that
//     checks signatures and can be run in a test.
//
// None of this is relied on for what is stored in the end: Claim copies the
// object to a key that never had an upload URL, and measures the copy.
//
// In a bucket, a worker that is killed while it writes leaves parts that no list
// shows. Give the bucket a lifecycle rule that aborts incomplete multipart uploads
// after a day.
package blob
