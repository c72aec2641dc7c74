package blob

// presigner binds a bucket's signed URLs to more than gocloud.dev/blob knows. Its
// functions are called with the driver's request, which as converts.
type presigner struct {
	// upload binds a PUT to a content type and an exact length in bytes.
	upload func(as func(any) bool, contentType string, size int64) error
	// signsType says that the driver itself binds a PUT to a content type.
	signsType bool
	// download lets a GET answer with a content type and a content disposition.
	download func(as func(any) bool, contentType, disposition string) error
}

// presigners are those of this build, by the scheme of Config.URL.
var presigners = map[string]*presigner{}
