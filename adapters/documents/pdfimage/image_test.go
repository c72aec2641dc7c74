package pdfimage_test

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // what is passed through
	_ "image/png"  // what is written
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfimage"
)

//go:embed testdata/*.jpg testdata/*.fax
var testdata embed.FS

func sample(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := testdata.ReadFile("testdata/" + name)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

type dict = pdf.Dict

func num(values ...float64) pdf.Array {
	out := pdf.Array{}
	for _, v := range values {
		out = append(out, pdf.Real(v))
	}
	return out
}

// calculator is a function of type 4.
func calculator(code string, inputs, outputs int) *pdf.Stream {
	s := pdf.NewStream(dict{"FunctionType": pdf.Integer(4), "Domain": pdf.Array{}, "Range": pdf.Array{}}, []byte(code))
	for range inputs {
		s.Dict["Domain"] = append(s.Dict["Domain"].(pdf.Array), pdf.Integer(0), pdf.Integer(1))
	}
	for range outputs {
		s.Dict["Range"] = append(s.Dict["Range"].(pdf.Array), pdf.Integer(0), pdf.Integer(1))
	}
	return s
}

func separation(alternate pdf.Name, function pdf.Object) pdf.Array {
	return pdf.Array{pdf.Name("Separation"), pdf.Name("Spot"), alternate, function}
}

func decoded(tb testing.TB, got *pdfimage.Image) image.Image {
	tb.Helper()
	img, format, err := image.Decode(bytes.NewReader(got.Data))
	if err != nil {
		tb.Fatal(err)
	}
	if got.MIME != "image/"+format {
		tb.Errorf("it is %s and called %s", format, got.MIME)
	}
	if size := img.Bounds().Size(); size != image.Pt(got.Width, got.Height) {
		tb.Errorf("it is of %v and said to be %d × %d", size, got.Width, got.Height)
	}
	return img
}

// hex writes pixels as rrggbbaa, row by row.
func hex(img image.Image) string {
	out := ""
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			c := color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)
			if out != "" {
				out += " "
			}
			out += fmt.Sprintf("%02x%02x%02x%02x", c.R, c.G, c.B, c.A)
		}
	}
	return out
}

// TestColors draws tiny images in every color space and depth, with their pixels known.
func TestColors(t *testing.T) {
	t.Parallel()
	mix := dict{"FunctionType": pdf.Integer(2), "Domain": num(0, 1), "C0": num(1, 1, 1), "C1": num(1, 0, 0), "N": pdf.Integer(1)}
	half := dict{"FunctionType": pdf.Integer(2), "Domain": num(0, 1), "C0": num(0), "C1": num(1), "N": pdf.Integer(1)}
	table := pdf.NewStream(dict{
		"FunctionType": pdf.Integer(0), "Domain": num(0, 1), "Range": num(0, 1, 0, 1, 0, 1), "Size": pdf.Array{pdf.Integer(2)},
		"BitsPerSample": pdf.Integer(8),
	}, []byte{0, 255, 0, 0, 0, 255})
	plane := pdf.NewStream(dict{
		"FunctionType": pdf.Integer(0), "Domain": num(0, 1, 0, 1), "Range": num(0, 1), "Size": num(2, 2),
		"BitsPerSample": pdf.Integer(4),
	}, []byte{0x0f, 0xf0})
	stitched := dict{
		"FunctionType": pdf.Integer(3), "Domain": num(0, 1), "Functions": pdf.Array{mix, mix}, "Bounds": num(0.5),
		"Encode": num(0, 0, 1, 1),
	}
	for name, tc := range map[string]struct {
		space         pdf.Object
		bits          int
		width, height int
		data          string
		entries       dict
		want          string
	}{
		"gray of 1 bit":             {pdf.Name("DeviceGray"), 1, 3, 2, "\xa0\x40", nil, "ffffffff 000000ff ffffffff 000000ff ffffffff 000000ff"},
		"gray of 2 bits":            {pdf.Name("DeviceGray"), 2, 4, 1, "\x1b", nil, "000000ff 555555ff aaaaaaff ffffffff"},
		"gray of 4 bits":            {pdf.Name("DeviceGray"), 4, 2, 1, "\x0f", nil, "000000ff ffffffff"},
		"gray of 8 bits":            {pdf.Name("DeviceGray"), 8, 2, 1, "\x80\x10", nil, "808080ff 101010ff"},
		"gray of 16 bits":           {pdf.Name("DeviceGray"), 16, 2, 1, "\x80\xff\x10\x00", nil, "808080ff 101010ff"},
		"inverted":                  {pdf.Name("DeviceGray"), 8, 2, 1, "\x00\xf0", dict{"Decode": num(1, 0)}, "ffffffff 0f0f0fff"},
		"data that ends":            {pdf.Name("DeviceGray"), 8, 2, 2, "\xff", nil, "ffffffff 000000ff 000000ff 000000ff"},
		"red, green and blue":       {pdf.Name("DeviceRGB"), 8, 2, 1, "\x01\x02\x03\xff\x00\x80", nil, "010203ff ff0080ff"},
		"RGB of 4 bits":             {pdf.Name("DeviceRGB"), 4, 2, 1, "\xf0\x00\x0f", nil, "ff0000ff 0000ffff"},
		"calibrated RGB":            {pdf.Array{pdf.Name("CalRGB"), dict{}}, 8, 1, 1, "\x01\x02\x03", nil, "010203ff"},
		"inks":                      {pdf.Name("DeviceCMYK"), 8, 3, 1, "\x00\x00\x00\x00\xff\x00\x00\x00\x00\x00\x00\xff", nil, "ffffffff 00aeefff 231f20ff"},
		"profile with 3 components": {pdf.Array{pdf.Name("ICCBased"), pdf.NewStream(dict{"N": pdf.Integer(3)}, nil)}, 8, 1, 1, "\x01\x02\x03", nil, "010203ff"},
		"profile with 1 component":  {pdf.Array{pdf.Name("ICCBased"), pdf.NewStream(dict{"N": pdf.Integer(1)}, nil)}, 8, 1, 1, "\x07", nil, "070707ff"},
		"white and red in Lab":      {pdf.Array{pdf.Name("Lab"), dict{"Range": num(-128, 127, -128, 127)}}, 8, 2, 1, "\xff\x80\x80\x88\xd0\xc3", nil, "ffffffff ff0201ff"},
		"table of colors":           {pdf.Array{pdf.Name("Indexed"), pdf.Name("DeviceRGB"), pdf.Integer(1), pdf.String("\x01\x02\x03\x04\x05\x06")}, 1, 2, 1, "\x40", nil, "010203ff 040506ff"},
		"table of inks":             {pdf.Array{pdf.Name("Indexed"), pdf.Name("DeviceCMYK"), pdf.Integer(1), pdf.NewStream(nil, []byte("\x00\x00\x00\x00\xff\x00\x00\x00"))}, 8, 2, 1, "\x00\x01", nil, "ffffffff 00aeefff"},
		"spot color":                {separation("DeviceRGB", mix), 8, 2, 1, "\x00\xff", nil, "ffffffff ff0000ff"},
		"spot color by a table":     {separation("DeviceRGB", table), 8, 3, 1, "\x00\xff\x80", nil, "00ff00ff 0000ffff 007f80ff"},
		"spot color stitched":       {separation("DeviceRGB", stitched), 8, 2, 1, "\x40\xc0", nil, "ffffffff ff0000ff"},
		"spot color side by side":   {separation("DeviceRGB", pdf.Array{half, half, half}), 8, 1, 1, "\x33", nil, "333333ff"},
		"spot color by a program":   {separation("DeviceRGB", calculator("{ dup 0.5 gt { pop 1 0 0 } { 0 exch 0 } ifelse }", 1, 3)), 8, 2, 1, "\xff\x33", nil, "ff0000ff 003300ff"},
		"spot color unknown":        {separation("DeviceRGB", nil), 8, 2, 1, "\xff\x33", nil, "000000ff ccccccff"},
		"two inks by a plane":       {pdf.Array{pdf.Name("DeviceN"), pdf.Array{pdf.Name("A"), pdf.Name("B")}, pdf.Name("DeviceGray"), plane}, 8, 2, 1, "\xff\x00\xff\xff", nil, "ffffffff 000000ff"},
		"masked by a color":         {pdf.Name("DeviceGray"), 8, 2, 1, "\x10\x80", dict{"Mask": num(0, 32)}, "10101000 808080ff"},
		"soft mask": {
			pdf.Name("DeviceGray"), 8, 2, 1, "\x10\x80",
			dict{"SMask": pdf.NewStream(dict{"Width": pdf.Integer(2), "Height": pdf.Integer(1), "ColorSpace": pdf.Name("DeviceGray"), "BitsPerComponent": pdf.Integer(8)}, []byte{255, 64})},
			"101010ff 80808040",
		},
		"hard mask with more pixels": {
			pdf.Name("DeviceRGB"), 8, 1, 1, "\x01\x02\x03",
			dict{"Mask": pdf.NewStream(dict{"Width": pdf.Integer(2), "Height": pdf.Integer(1), "ImageMask": true}, []byte{0x40})},
			"010203ff 01020300",
		},
		"mask that cannot be read": {
			pdf.Name("DeviceGray"), 8, 1, 1, "\x10",
			dict{"SMask": &pdf.Stream{Dict: dict{"Width": pdf.Integer(2), "Height": pdf.Integer(1), "Filter": pdf.Name("JPXDecode")}, Raw: []byte("x")}},
			"101010ff",
		},
		"stencil":          {nil, 1, 2, 1, "\x40", dict{"ImageMask": true}, "000000ff 00000000"},
		"stencil inverted": {nil, 1, 2, 1, "\x40", dict{"ImageMask": true, "Decode": num(1, 0)}, "00000000 000000ff"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dict{"Width": pdf.Integer(tc.width), "Height": pdf.Integer(tc.height), "BitsPerComponent": pdf.Integer(tc.bits)}
			if tc.space != nil {
				d["ColorSpace"] = tc.space
			}
			for key, value := range tc.entries {
				d[key] = value
			}
			got, err := pdfimage.Encode(pdf.New(), pdf.NewStream(d, []byte(tc.data)), pdfimage.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if pixels := hex(decoded(t, got)); pixels != tc.want {
				t.Errorf("got  %s\nwant %s", pixels, tc.want)
			}
		})
	}
}

// TestCalculator runs programs whose result is a gray.
func TestCalculator(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"{ }": "ff", "{ pop 0.2 }": "33", "{ 0.2 sub }": "cc", "{ 5 div }": "33", "{ pop 1 2 3 3 1 roll pop pop 15 div }": "33",
		"{ pop 7 5 mod 10 div }": "33", "{ pop 90 sin 5 div }": "33", "{ pop 4 sqrt 10 div }": "33", "{ pop 2 1 copy mul 20 div }": "33",
		"{ pop 1 2 1 index exch pop mul 5 div }": "33", "{ true { 5 div } if }": "33", "{ false not { 5 div } if }": "33",
		"{ pop 1 1 bitshift 10 div }": "33", "{ pop 1 0 atan 450 div }": "33", "{ pop -0.2 neg }": "33", "{ pop 2 3 exp 40 div }": "33",
		"{ pop 7 2 idiv 1 sub 10 div }": "33", "{ pop 6 3 and 10 div }": "33", "{ pop 100 log 10 div }": "33", "{ nonsense 5 div }": "33",
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			s := pdf.NewStream(dict{
				"Width": pdf.Integer(1), "Height": pdf.Integer(1), "BitsPerComponent": pdf.Integer(8),
				"ColorSpace": separation("DeviceGray", calculator(code, 1, 1)),
			}, []byte{255})
			got, err := pdfimage.Encode(pdf.New(), s, pdfimage.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if pixels := hex(decoded(t, got)); pixels != want+want+want+"ff" {
				t.Errorf("got %s, want %s", pixels, want)
			}
		})
	}
}

func TestJPEG(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		file, filter string
		entries      dict
		mime         string
		left, right  string
	}{
		"passed through":           {"rgb.jpg", "DCTDecode", dict{"ColorSpace": pdf.Name("DeviceRGB")}, "image/jpeg", "fe0000ff", "0000feff"},
		"no color space":           {"rgb.jpg", "DCTDecode", nil, "image/jpeg", "fe0000ff", "0000feff"},
		"abbreviated":              {"rgb.jpg", "DCT", dict{"CS": pdf.Name("RGB")}, "image/jpeg", "fe0000ff", "0000feff"},
		"inverted":                 {"rgb.jpg", "DCTDecode", dict{"ColorSpace": pdf.Name("DeviceRGB"), "Decode": num(1, 0, 1, 0, 1, 0)}, "image/png", "01ffffff", "ffff01ff"},
		"inks":                     {"cmyk.jpg", "DCTDecode", dict{"ColorSpace": pdf.Name("DeviceCMYK"), "Decode": num(1, 0, 1, 0, 1, 0, 1, 0)}, "image/png", "00aeefff", "231f20ff"},
		"wrong number of inks":     {"cmyk.jpg", "DCTDecode", dict{"ColorSpace": pdf.Name("DeviceRGB"), "Decode": num(1, 0, 1, 0, 1, 0, 1, 0)}, "image/png", "00aeefff", "231f20ff"},
		"progressive and inverted": {"progressive.jpg", "DCTDecode", dict{"ColorSpace": pdf.Name("DeviceRGB"), "Decode": num(1, 0, 1, 0, 1, 0)}, "image/png", "01ffffff", "ffff01ff"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dict{"Width": pdf.Integer(16), "Height": pdf.Integer(16), "BitsPerComponent": pdf.Integer(8), "Filter": pdf.Name(tc.filter)}
			for key, value := range tc.entries {
				d[key] = value
			}
			data := sample(t, tc.file)
			got, err := pdfimage.Encode(pdf.New(), &pdf.Stream{Dict: d, Raw: data}, pdfimage.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got.MIME != tc.mime || (tc.mime == "image/jpeg") != bytes.Equal(got.Data, data) {
				t.Errorf("%s of %d bytes", got.MIME, len(got.Data))
			}
			img := decoded(t, got)
			for x, want := range map[int]string{2: tc.left, 13: tc.right} {
				if !near(img.At(x, 3), want) {
					t.Errorf("at %d: %v, want %s", x, img.At(x, 3), want)
				}
			}
		})
	}
}

// near tells whether a color is almost the wanted one: JPEG loses a little.
func near(c color.Color, want string) bool {
	var w [4]int
	fmt.Sscanf(want, "%02x%02x%02x%02x", &w[0], &w[1], &w[2], &w[3])
	got := color.NRGBAModel.Convert(c).(color.NRGBA)
	for i, v := range []uint8{got.R, got.G, got.B, got.A} {
		if d := int(v) - w[i]; d < -4 || d > 4 {
			return false
		}
	}
	return true
}

// TestFax draws a black box on white.
func TestFax(t *testing.T) {
	t.Parallel()
	for file, k := range map[string]int{"g4.fax": -1, "g3.fax": 0} {
		for _, inverted := range []bool{false, true} {
			t.Run(fmt.Sprint(file, inverted), func(t *testing.T) {
				t.Parallel()
				s := &pdf.Stream{Raw: sample(t, file), Dict: dict{
					"Width": pdf.Integer(40), "Height": pdf.Integer(20), "BitsPerComponent": pdf.Integer(1),
					"ColorSpace": pdf.Name("DeviceGray"), "Filter": pdf.Array{pdf.Name("CCITTFaxDecode")},
					"DecodeParms": pdf.Array{dict{"K": pdf.Integer(k), "Columns": pdf.Integer(40), "BlackIs1": !inverted}},
				}}
				got, err := pdfimage.Encode(pdf.New(), s, pdfimage.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				img := decoded(t, got)
				for y := range 20 {
					for x := range 40 {
						box := x >= 10 && x <= 19 && y >= 5 && y <= 14
						if r, _, _, _ := img.At(x, y).RGBA(); (r == 0) != (box != inverted) {
							t.Fatalf("at %d, %d: %d", x, y, r)
						}
					}
				}
			})
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	var limit *pdf.LimitError
	var unsupported *pdfimage.UnsupportedError
	for name, tc := range map[string]struct {
		d    dict
		data string
		want any
	}{
		"too many pixels":    {dict{"Width": pdf.Integer(100_000), "Height": pdf.Integer(100_000)}, "x", &limit},
		"endless width":      {dict{"Width": pdf.Real(1e300), "Height": pdf.Real(1e300)}, "x", &limit},
		"too wide a fax":     {dict{"Width": pdf.Integer(1), "Height": pdf.Integer(1000), "Filter": pdf.Name("CCF"), "DecodeParms": dict{"Columns": pdf.Integer(1 << 40)}}, "x", &limit},
		"JBIG2":              {dict{"Width": pdf.Integer(1), "Height": pdf.Integer(1), "Filter": pdf.Name("JBIG2Decode")}, "x", &unsupported},
		"JPEG 2000":          {dict{"Width": pdf.Integer(1), "Height": pdf.Integer(1), "Filter": pdf.Name("JPXDecode")}, "x", &unsupported},
		"mixed fax":          {dict{"Width": pdf.Integer(1), "Height": pdf.Integer(1), "Filter": pdf.Name("CCF"), "DecodeParms": dict{"K": pdf.Integer(4)}}, "x", &unsupported},
		"pattern":            {dict{"Width": pdf.Integer(1), "Height": pdf.Integer(1), "ColorSpace": pdf.Name("Pattern")}, "x", &unsupported},
		"slow inks":          {dict{"Width": pdf.Integer(256), "Height": pdf.Integer(1), "BitsPerComponent": pdf.Integer(8), "ColorSpace": separation("DeviceGray", calculator("{"+string(bytes.Repeat([]byte(" 0 add"), 4000))+"}", 1, 1))}, "x", &limit},
		"no size":            {dict{}, "x", nil},
		"no data":            {dict{"Width": pdf.Integer(1), "Height": pdf.Integer(1)}, "", nil},
		"no JPEG":            {dict{"Width": pdf.Integer(1), "Height": pdf.Integer(1), "Filter": pdf.Name("DCT")}, "nothing of the kind", nil},
		"filter after image": {dict{"Width": pdf.Integer(1), "Height": pdf.Integer(1), "Filter": pdf.Array{pdf.Name("DCT"), pdf.Name("Fl")}}, "x", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := pdfimage.Encode(pdf.New(), &pdf.Stream{Dict: tc.d, Raw: []byte(tc.data)}, pdfimage.Limits{Steps: 1_000_000})
			if tc.want == nil && !errors.Is(err, pdfimage.ErrDamaged) || tc.want != nil && !errors.As(err, tc.want) {
				t.Errorf("got %v", err)
			}
		})
	}
}
