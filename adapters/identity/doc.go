// Package identity finds out who a request acts for. Two kinds of credentials
// say so: JSON Web Tokens of an OpenID Connect issuer, which it checks with the
// issuer's published keys, and API keys, which it looks up in the directory. It
// also holds an issuer for development, which production does not use, and notes
// when keys were last used.
package identity
