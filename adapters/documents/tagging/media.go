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

// describeMedia tells the type of media clips by the names of their files, and gives those without a description what they
// are called (ISO 14289-1, 7.18.6.2).
func (w *work) describeMedia() {
	w.file.Each(func(d pdf.Dict) {
		if d["S"] != pdf.Name("MCD") {
			return
		}
		called, _ := w.file.String(d["N"])
		file := called
		if spec, ok := w.file.Dict(d["D"]); ok {
			for _, key := range []pdf.Name{"F", "UF"} {
				if text, ok := w.file.String(spec[key]); ok {
					file = text
				}
			}
		}
		if kind := mediaTypes[strings.ToLower(path.Ext(file.Text()))]; kind != "" && d["CT"] == nil {
			d["CT"] = pdf.TextString(kind)
			w.fixed("7.18.6.2-1", "", 1)
		}
		if list, ok := w.file.Array(d["Alt"]); ok && len(list) > 0 {
			return // what it says is for a person to judge
		}
		text := strings.TrimSpace(called.Text())
		if text == "" {
			text = strings.TrimSpace(file.Text())
		}
		if text == "" {
			w.flag("7.18.6.2-2", 0, "A media clip has no description")
			text = "Media " + placeholder
		} else {
			w.fixed("7.18.6.2-2", "", 1)
		}
		d["Alt"] = pdf.Array{pdf.String(""), pdf.TextString(text)} // in no particular language
	})
}
