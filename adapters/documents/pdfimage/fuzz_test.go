package pdfimage_test

import (
	"bytes"
	"image"
	"testing"

	"github.com/perfectworks/backend/adapters/documents/pdf"
	"github.com/perfectworks/backend/adapters/documents/pdfimage"
)

// FuzzEncode reads dictionaries of images with data: what is given as a picture can be decoded as one.
func FuzzEncode(f *testing.F) {
	f.Add([]byte("<</Width 4/Height 2/BitsPerComponent 8/ColorSpace/DeviceRGB>>"), []byte("some data for an image"))
	f.Add([]byte("<</W 16/H 16/BPC 8/CS/RGB/F/DCT>>"), sample(f, "rgb.jpg"))
	f.Add([]byte("<</W 16/H 16/BPC 8/CS/CMYK/F/DCT/D[1 0 1 0 1 0 1 0]>>"), sample(f, "cmyk.jpg"))
	f.Add([]byte("<</W 40/H 20/IM true/F/CCF/DP<</K -1/Columns 40>>>>"), sample(f, "g4.fax"))
	f.Add([]byte("<</W 3/H 3/BPC 2/CS[/I/RGB 3(abcdefghijkl)]/Mask[0 1]>>"), []byte("abc"))
	f.Add([]byte("<</W 3/H 3/BPC 4/CS[/DeviceN[/A/B]/CMYK<</FunctionType 2/Domain[0 1 0 1]/N 2/C1[1 1 1 1]>>]>>"), []byte("abc"))
	f.Add([]byte("<</W 3/H 3/BPC 16/CS[/Lab<</Range[-1 1 -1 1]>>]/Decode[0 1 0 1 0 1]/Filter/RL>>"), []byte("\x02abc\x80"))
	f.Fuzz(func(t *testing.T, dictionary, data []byte) {
		o, _ := pdf.NewLexer(dictionary, 8).Next()
		d, ok := o.(pdf.Dict)
		if !ok {
			return
		}
		limits := pdf.Limits{StreamBytes: 1 << 20, TotalBytes: 1 << 21}
		file, err := pdf.Open([]byte("%PDF-1.7\n1 0 obj<</Pages 2 0 R>>endobj 2 0 obj<</Kids[]>>endobj trailer<</Root 1 0 R>>"), limits)
		if err != nil {
			t.Fatal(err)
		}
		got, err := pdfimage.Encode(file, &pdf.Stream{Dict: d, Raw: data}, pdfimage.Limits{Pixels: 1 << 16, Steps: 1 << 20})
		if err != nil || got.MIME == "image/jpeg" { // whose data is not decoded
			return
		}
		img, _, err := image.Decode(bytes.NewReader(got.Data))
		if err != nil {
			t.Fatal(err)
		}
		if size := img.Bounds().Size(); size != image.Pt(got.Width, got.Height) {
			t.Errorf("of %v, said to be %d × %d", size, got.Width, got.Height)
		}
	})
}
