package documents

import (
	"bytes"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"unicode/utf8"

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
			if mime, data, ok := in.read(t.Attr[i].Val, imageType); ok {
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
		if _, data, ok := in.read(t.Attr[href].Val, sheetType); ok && !bytes.Contains(bytes.ToLower(data), []byte("</style")) {
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

// read reads a file by a relative address, if kind knows its type by its name and content.
func (in *inliner) read(address string, kind func(name string, data []byte) string) (mime string, data []byte, ok bool) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Scheme != "" || u.Host != "" || u.Path == "" || strings.HasPrefix(u.Path, "/") {
		return "", nil, false
	}
	name := path.Clean(u.Path)
	data, err = in.file(name)
	if err != nil {
		in.missing = append(in.missing, address)
		return "", nil, false
	}
	if mime = kind(name, data); mime == "" {
		in.missing = append(in.missing, address)
		return "", nil, false
	}
	in.left -= int64(len(data))
	return mime, data, true
}

var errNotForDocuments = errors.New("the file is not one that documents are made of")

// file reads a file below the folder. Hidden files and folders are not for documents, nor what links lead to.
func (in *inliner) file(name string) ([]byte, error) {
	for i, part := range strings.Split(name, "/") {
		info, err := in.root.Lstat(strings.Join(strings.Split(name, "/")[:i+1], "/"))
		if err != nil {
			return nil, err
		}
		if strings.HasPrefix(part, ".") || info.Mode()&os.ModeSymlink != 0 {
			return nil, errNotForDocuments
		}
	}
	file, err := in.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > in.left {
		return nil, errNotForDocuments
	}
	return io.ReadAll(io.LimitReader(file, in.left))
}

// imageType gives the type of an image by its content, "" if it is none.
func imageType(_ string, data []byte) string {
	mime, _, _ := strings.Cut(http.DetectContentType(data), ";")
	if strings.HasPrefix(mime, "image/") {
		return mime
	}
	if utf8.Valid(data) && isDrawing(data) {
		return "image/svg+xml"
	}
	return ""
}

// isDrawing tells whether the first element of a text is svg, with nothing but a declaration, comments and white space
// before it.
func isDrawing(data []byte) bool {
	z := html.NewTokenizer(bytes.NewReader(data))
	for {
		switch z.Next() {
		case html.CommentToken, html.DoctypeToken: // also what stands in <? ?>
		case html.TextToken:
			if len(bytes.TrimSpace(bytes.TrimPrefix(z.Raw(), []byte("\ufeff")))) > 0 {
				return false
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			_, local, prefixed := bytes.Cut(name, []byte(":"))
			return string(name) == "svg" || prefixed && string(local) == "svg"
		default:
			return false
		}
	}
}

// sheetType tells that a file is a style sheet: by its name, and since it is text.
func sheetType(name string, data []byte) string {
	if !strings.EqualFold(path.Ext(name), ".css") || !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return ""
	}
	return "text/css"
}
