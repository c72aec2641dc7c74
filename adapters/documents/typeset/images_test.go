package typeset

import (
	"bytes"
	"encoding/base64"
	"errors"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"strings"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// encoded makes an image of 8 by 4 pixels as data: URL.
func encoded(t *testing.T, format string, fill color.Color) string {
	t.Helper()
	m := image.NewNRGBA(image.Rect(0, 0, 8, 4))
	for i := range 32 {
		m.Set(i%8, i/8, fill)
	}
	var b bytes.Buffer
	var err error
	switch format {
	case "png":
		err = png.Encode(&b, m)
	case "gif":
		err = gif.Encode(&b, m, nil)
	case "jpeg":
		err = jpeg.Encode(&b, m, nil)
	case "jpeg-gray":
		err = jpeg.Encode(&b, image.NewGray(m.Rect), nil)
	}
	if err != nil {
		t.Fatal(err)
	}
	return "data:image/x;base64," + base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestImages(t *testing.T) {
	t.Parallel()
	red, faint := color.NRGBA{200, 0, 0, 255}, color.NRGBA{200, 0, 0, 100}
	for name, c := range map[string]struct {
		url, space, filter string
		mask               bool
	}{
		"png":    {encoded(t, "png", red), "DeviceRGB", "FlateDecode", false},
		"gray":   {encoded(t, "png", color.Gray{9}), "DeviceGray", "FlateDecode", false},
		"faint":  {encoded(t, "png", faint), "DeviceRGB", "FlateDecode", true},
		"gif":    {encoded(t, "gif", red), "DeviceRGB", "FlateDecode", false},
		"jpeg":   {encoded(t, "jpeg", red), "DeviceRGB", "DCTDecode", false},
		"gray 2": {encoded(t, "jpeg-gray", red), "DeviceGray", "DCTDecode", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, _, result := set(t, `<html lang=en><title>T</title><img alt=a src="`+c.url+`"><img alt=b src="`+c.url+`">`)
			if len(result.Warnings) > 0 {
				t.Error(result.Warnings)
			}
			count := 0
			pages, err := f.Pages(2)
			if err != nil {
				t.Fatal(err)
			}
			resources, _ := f.Dict(pages[0].Dict["Resources"])
			images, _ := f.Dict(resources["XObject"])
			for _, o := range images {
				s, _ := f.Stream(o)
				count++
				if f.Name(s.Dict["ColorSpace"]) != pdf.Name(c.space) || f.Name(s.Dict["Filter"]) != pdf.Name(c.filter) || (s.Dict["SMask"] != nil) != c.mask {
					t.Errorf("the image is %v", s.Dict)
				}
				if data, err := f.Decode(s); c.filter == "FlateDecode" && (err != nil || len(data)%32 != 0) {
					t.Errorf("the image has %d bytes: %v", len(data), err)
				}
			}
			if count != 1 {
				t.Errorf("the image is there %d times", count)
			}
		})
	}
}

func TestBrokenImages(t *testing.T) {
	t.Parallel()
	whole := encoded(t, "jpeg", color.Black)
	for _, url := range []string{"", "x.png", "data:,", "data:image/png;base64,!!", whole[:200], "data:image/svg+xml,<svg", "https://example.org/x"} {
		f, _, result := set(t, `<html lang=en><title>T</title><img alt="the text" src="`+url+`">`)
		if len(result.Warnings) != 1 || outline(t, f, true) != `Document(Figure("the text"))` {
			t.Errorf("%q gives %s and %v", url, outline(t, f, true), result.Warnings)
		}
	}
}

func TestResources(t *testing.T) {
	t.Parallel()
	asked := ""
	var b bytes.Buffer
	_, err := Convert([]byte(`<link rel=stylesheet href=a.css><link rel=stylesheet media=screen href=b.css><p>x`), &b, Options{
		Fonts: noFonts(),
		Resources: func(url string) ([]byte, error) {
			asked += url
			return nil, errors.New("not there")
		},
	})
	if err != nil || asked != "a.css" {
		t.Errorf("asked for %q: %v", asked, err)
	}
}

// draw gives the content of a drawing.
func draw(t *testing.T, svg string) (string, error) {
	t.Helper()
	file := pdf.New()
	m := newImages(&document{}, Limits{}.withDefaults(), file, newFonts(noFonts(), file, "en", &notes{}))
	l, err := m.decode([]byte(svg))
	if err != nil {
		return "", err
	}
	s, _ := file.Stream(l.ref)
	data, err := file.Decode(s)
	return string(data), err
}

func TestDrawings(t *testing.T) {
	t.Parallel()
	for inside, want := range map[string]string{
		`<rect width="3" height="4" fill="red"/>`:                  "1 0 0 rg\n0 0 3 4 re\nf\n",
		`<rect width="3" height="0"/>`:                             "0 0 0 rg\nn\n",
		`<line x2="5" stroke="#00f" fill="none"/>`:                 "0 0 1 RG\n1 w\n0 J\n0 j\n0 0 m\n5 0 l\nS\n",
		`<path d="M1 2h3v4H1z"/>`:                                  "1 2 m\n4 2 l\n4 6 l\n1 6 l\nh\nf\n",
		`<path d="m1-2.5.5 1e1zm2,2 1 1" fill-rule="evenodd"/>`:    "1 -2.5 m\n1.5 7.5 l\nh\n3 -0.5 m\n4 0.5 l\nf*\n",
		`<path d="M0 0Q3 3 6 0T12 0"/>`:                            "2 2 4 2 6 0 c\n8 -2 10 -2 12 0 c\n",
		`<path d="M0 0C1 1 2 1 3 0S5-1 6 0"/>`:                     "1 1 2 1 3 0 c\n4 -1 5 -1 6 0 c\n",
		`<path d="M0 0A5 5 0 0110 0"/>`:                            "10 0 c\nf\n",
		`<polygon points="0,0 1,0 1,1"/>`:                          "0 0 m\n1 0 l\n1 1 l\nh\nf\n",
		`<g transform="translate(3) scale(2)"><circle r="1"/></g>`: "1 0 0 1 3 0 cm\n2 0 0 2 0 0 cm\n",
		`<text x="1" y="2">ab</text>`:                              "1 0 0 -1 1 2 Tm\n",
		`<g style="display:none"><rect width="9" height="9"/></g>`: "cm\n",
	} {
		got, err := draw(t, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 10 10">`+inside+`</svg>`)
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: %v\n%s", inside, err, got)
		}
	}
	for _, inside := range []string{
		`<image href="x"/>`, `<rect width="1" height="1" fill="url(#a)"/>`, `<path d="L1 1"/>`, `<path d="M1"/>`, `<path d="M0 0x"/>`,
		`<g filter="url(#f)"/>`, `<g transform="spin(3)"/>`, `<text>中</text>`, strings.Repeat("<g>", 100),
	} {
		if got, err := draw(t, `<svg viewBox="0 0 10 10">`+inside+`</svg>`); err == nil {
			t.Errorf("%s is drawn:\n%s", inside, got)
		}
	}
}

func FuzzDrawing(f *testing.F) {
	f.Add(`<svg viewBox="0 0 1 1"><path d="M0 0a1 2 3 0 1 4 5zq1 2 3 4" stroke="red" stroke-dasharray="1 2"/><text>x</text></svg>`)
	f.Add(`<svg width="1e9" height="-1"><g transform="rotate(1e99 1 2) matrix(1 2 3 4 5 6)"><ellipse rx="1" ry="nan"/></g></svg>`)
	f.Fuzz(func(t *testing.T, svg string) {
		got, err := draw(t, svg)
		if err == nil && (strings.Contains(got, "NaN") || strings.Contains(got, "Inf")) {
			t.Errorf("there are numbers that are none in\n%s", got)
		}
	})
}
