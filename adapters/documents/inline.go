package documents

import (
	"bytes"
	"encoding/base64"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"

	"golang.org/x/net/html"
)

// maxInlined bounds the files that one document takes in.
const maxInlined = 128 << 20

// inliner puts what lies beside a document into it, so that engines need no file but the one.
type inliner struct {
	root *os.Root
	left int64
	// missing are the addresses of files that are not there.
	missing []string
}

// inline replaces references to images and style sheets in a folder by what is in these files. Addresses that lead
// elsewhere stay as they are: nothing outside of the folder is read, and nothing is fetched.
func (in *inliner) inline(source []byte) []byte {
	var out bytes.Buffer
	z := html.NewTokenizer(bytes.NewReader(source))
	for {
		kind := z.Next()
		raw := z.Raw()
		if kind == html.ErrorToken {
			out.Write(raw)
			return out.Bytes()
		}
		replaced := ""
		if kind == html.StartTagToken || kind == html.SelfClosingTagToken {
			raw = bytes.Clone(raw) // reading the token changes it
			replaced = in.tag(z.Token())
		}
		if replaced != "" {
			out.WriteString(replaced)
		} else {
			out.Write(raw)
		}
	}
}

// tag gives what a tag becomes, "" if it stays.
func (in *inliner) tag(t html.Token) string {
	switch t.Data {
	case "img":
		if i := attribute(t, "src"); i >= 0 {
			if mime, data, ok := in.read(t.Attr[i].Val); ok && strings.HasPrefix(mime, "image/") {
				t.Attr[i].Val = "data:" + mime + ";base64," + base64.StdEncoding.EncodeToString(data)
				return t.String()
			}
		}
	case "link":
		rel, href := attribute(t, "rel"), attribute(t, "href")
		if rel < 0 || href < 0 || !strings.EqualFold(strings.TrimSpace(t.Attr[rel].Val), "stylesheet") {
			break
		}
		// A style sheet that could end the element early is left out.
		if _, data, ok := in.read(t.Attr[href].Val); ok && !bytes.Contains(bytes.ToLower(data), []byte("</style")) {
			media := ""
			if i := attribute(t, "media"); i >= 0 {
				media = ` media="` + html.EscapeString(t.Attr[i].Val) + `"`
			}
			return "<style" + media + ">" + string(data) + "</style>"
		}
	}
	return ""
}

func attribute(t html.Token, key string) int {
	for i, a := range t.Attr {
		if a.Key == key {
			return i
		}
	}
	return -1
}

// read reads a file by a relative address.
func (in *inliner) read(address string) (mime string, data []byte, ok bool) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "" || u.Host != "" || u.Path == "" || strings.HasPrefix(u.Path, "/") {
		return "", nil, false
	}
	file, err := in.root.Open(path.Clean(u.Path))
	if err != nil {
		in.missing = append(in.missing, address)
		return "", nil, false
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Size() > in.left {
		in.missing = append(in.missing, address)
		return "", nil, false
	}
	data, err = io.ReadAll(io.LimitReader(file, in.left))
	if err != nil {
		return "", nil, false
	}
	in.left -= int64(len(data))
	mime, _, _ = strings.Cut(http.DetectContentType(data), ";")
	if strings.EqualFold(path.Ext(u.Path), ".svg") {
		mime = "image/svg+xml"
	}
	return mime, data, true
}
