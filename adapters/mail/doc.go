// Package mail writes the mails of the product and sends them: by SMTP, or, where
// none is set, into a folder, one .eml file each.
//
// A mail has a key, from which its Message-ID follows, and everything else of it
// is the same in each attempt. By SMTP it goes out at least once: a process may
// die between the server's acceptance and its own note of it, and the receiver's
// system then knows the second copy by its Message-ID. A file is written exactly
// once.
package mail
