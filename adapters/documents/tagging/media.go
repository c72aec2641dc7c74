package tagging

import (
	"path"
	"strings"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// mediaTypes are the types of media that files are named after (IANA media types).
var mediaTypes = map[string]string{
	".mp4": "video/mp4", ".m4v": "video/mp4", ".mov": "video/quicktime", ".avi": "video/x-msvideo", ".wmv": "video/x-ms-wmv",
	".mpg": "video/mpeg", ".mpeg": "video/mpeg", ".webm": "video/webm", ".flv": "video/x-flv", ".mp3": "audio/mpeg",
	".wav": "audio/x-wav", ".m4a": "audio/mp4", ".ogg": "audio/ogg", ".aif": "audio/x-aiff", ".aiff": "audio/x-aiff",
	".au": "audio/basic", ".mid": "audio/midi", ".swf": "application/x-shockwave-flash",
}

// typeMedia tells the type of media clips by the names of their files (ISO 14289-1, 7.18.6.2).
func (w *work) typeMedia() {
	w.file.Each(func(d pdf.Dict) {
		if d["S"] != pdf.Name("MCD") || d["CT"] != nil {
			return
		}
		name, _ := w.file.String(d["N"])
		if spec, ok := w.file.Dict(d["D"]); ok {
			for _, key := range []pdf.Name{"F", "UF"} {
				if text, ok := w.file.String(spec[key]); ok {
					name = text
				}
			}
		}
		if kind := mediaTypes[strings.ToLower(path.Ext(name.Text()))]; kind != "" {
			d["CT"] = pdf.TextString(kind)
			w.fixed("7.18.6.2-1", "", 1)
		}
	})
}
