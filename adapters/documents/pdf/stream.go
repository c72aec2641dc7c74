package pdf

import (
	"bytes"
	"compress/lzw"
	"encoding/ascii85"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
)

// ErrImageFilter says that a stream is compressed as an image, which this package does not decode.
var ErrImageFilter = errors.New("the stream is image data")

// Decode gives the bytes of a stream with all its filters undone. What could be decoded of a damaged stream comes with
// the error. The result may be kept and must not be changed.
func (f *File) Decode(s *Stream) ([]byte, error) {
	d, known := f.decoded[s]
	if known && d.kept {
		return d.data, d.err
	}
	before := f.spent
	data, err := f.decode(s)
	if known {
		f.spent = before // a stream counts once, however often it is needed
	}
	d = decoded{}
	if len(data) <= keptStream && f.kept+len(data) <= keptTotal {
		d = decoded{data: exact(data), err: err, kept: true}
		data = d.data
		f.kept += len(data)
	}
	f.decoded[s] = d
	return data, err
}

// Small streams, such as forms painted on every page, are kept decoded up to a total.
const (
	keptStream = 256 << 10
	keptTotal  = 8 << 20
)

// exact gives bytes that are to be kept in memory of their length.
func exact(data []byte) []byte {
	if cap(data)-len(data) < len(data)/8 {
		return data
	}
	return bytes.Clone(data)
}

func (f *File) decode(s *Stream) ([]byte, error) {
	filters := f.list(s.Dict["Filter"])
	parms := f.list(s.Dict["DecodeParms"])
	data := s.Raw
	for i, filter := range filters {
		var p Dict
		if i < len(parms) {
			p, _ = f.Dict(parms[i])
		}
		var err error
		data, err = f.undo(f.Name(filter), p, data)
		if err != nil {
			return data, err
		}
	}
	return data, nil
}

// list gives the elements of an array, or the object as the only one.
func (f *File) list(o Object) Array {
	switch v := f.Resolve(o).(type) {
	case nil:
		return nil
	case Array:
		return v
	default:
		return Array{v}
	}
}

func (f *File) undo(filter Name, parms Dict, data []byte) ([]byte, error) {
	switch filter {
	case "FlateDecode", "Fl":
		return f.inflate(data, parms)
	case brotliFilter:
		f.Brotli = true
		if f.Resolve(parms["D"]) != nil {
			return nil, fmt.Errorf("a Brotli stream with a dictionary of its own: %w", ErrFilter)
		}
		return f.unpack(brotli.NewReader(bytes.NewReader(data)), parms)
	case "LZWDecode", "LZW":
		return f.unpack(lzwReader(data, f, parms), parms)
	case "ASCIIHexDecode", "AHx":
		l := &Lexer{data: data}
		return []byte(l.hex()), nil
	case "ASCII85Decode", "A85":
		return unASCII85(data)
	case "RunLengthDecode", "RL":
		return f.read(&runLength{data: data})
	case "Crypt":
		return data, nil
	case "DCTDecode", "DCT", "JPXDecode", "CCITTFaxDecode", "CCF", "JBIG2Decode":
		return nil, ErrImageFilter
	}
	return nil, fmt.Errorf("unknown filter %q: %w", filter, ErrFilter)
}

// brotliFilter is the filter of a proposed extension of PDF 2.0 that readers of PDF 1.7 do not know.
const brotliFilter = "BrotliDecode"

// standard gives a stream as PDF 1.7 can have it: Brotli is undone, and Flate put in its place. A stream that has no
// Brotli, or that cannot be read, stays as it is.
func (f *File) standard(s *Stream) *Stream {
	filters := f.list(s.Dict["Filter"])
	at := slices.IndexFunc(filters, func(o Object) bool { return f.Name(o) == brotliFilter })
	if at < 0 {
		return s
	}
	parms := f.list(s.Dict["DecodeParms"])
	data := s.Raw
	for i, filter := range filters[:at+1] {
		var p Dict
		if i < len(parms) {
			p, _ = f.Dict(parms[i])
		}
		var err error
		if data, err = f.undo(f.Name(filter), p, data); err != nil {
			return s
		}
	}
	out := NewStream(nil, data)
	for key, value := range s.Dict {
		switch key {
		case "Filter", "DecodeParms", "Length":
		default:
			out.Dict[key] = value
		}
	}
	if rest := filters[at+1:]; len(rest) > 0 { // such as an image that was compressed once more
		all, with := Array{out.Dict["Filter"]}, Array{nil}
		for i, filter := range rest {
			all = append(all, filter)
			with = append(with, nil)
			if at+1+i < len(parms) {
				with[i+1] = parms[at+1+i]
			}
		}
		out.Dict["Filter"], out.Dict["DecodeParms"] = all, with
	}
	return f.standard(out)
}

func (f *File) inflate(data []byte, parms Dict) ([]byte, error) {
	if len(data) < 2 {
		return nil, io.ErrUnexpectedEOF
	}
	body := data
	if data[0]&0x0f == 8 && (int(data[0])<<8|int(data[1]))%31 == 0 {
		body = data[2:] // the checksum at the end is not looked at: many writers get it wrong
	}
	z, _ := inflaters.Get().(io.Reader)
	if z == nil {
		z = flate.NewReader(nil)
	}
	defer inflaters.Put(z)
	if err := z.(flate.Resetter).Reset(bytes.NewReader(body), nil); err != nil { //nolint:forcetypeassert // as documented
		return nil, err
	}
	return f.unpack(z, parms)
}

// inflaters are used again, since a new one takes 40 KiB, and a document has thousands of streams. So are the buffers, whose
// length is not known before.
var (
	inflaters sync.Pool
	buffers   = sync.Pool{New: func() any { return new(bytes.Buffer) }}
)

// largestBuffer is how large a buffer may be to be used again.
const largestBuffer = 1 << 20

func (f *File) unpack(r io.Reader, parms Dict) ([]byte, error) {
	out, err := f.read(r)
	if predictor, _ := f.Integer(parms["Predictor"]); predictor > 1 {
		columns, colors, bits := int64(1), int64(1), int64(8)
		for name, v := range map[Name]*int64{"Columns": &columns, "Colors": &colors, "BitsPerComponent": &bits} {
			if n, ok := f.Integer(parms[name]); ok && n > 0 && n < 1<<20 {
				*v = n
			}
		}
		out = unpredict(out, int(predictor), int((colors*bits+7)/8), int((columns*colors*bits+7)/8), int(bits))
	}
	return out, err
}

// read reads all of r within the limits of a stream and of the file.
func (f *File) read(r io.Reader) ([]byte, error) {
	allowed := min(f.limits.StreamBytes, f.limits.TotalBytes-f.spent)
	out, _ := buffers.Get().(*bytes.Buffer)
	out.Reset()
	n, err := io.Copy(out, io.LimitReader(r, allowed+1))
	f.spent += n
	if n > allowed {
		if f.limits.StreamBytes == allowed {
			return nil, f.exceed("decoded bytes in one stream", f.limits.StreamBytes)
		}
		return nil, f.exceed("decoded bytes in all streams", f.limits.TotalBytes)
	}
	if out.Cap() > largestBuffer {
		return out.Bytes(), err
	}
	defer buffers.Put(out)
	return bytes.Clone(out.Bytes()), err
}

func unASCII85(data []byte) ([]byte, error) {
	data = bytes.TrimSpace(data)
	data = bytes.TrimPrefix(data, []byte("<~"))
	if end := bytes.IndexByte(data, '~'); end >= 0 {
		data = data[:end]
	}
	return io.ReadAll(ascii85.NewDecoder(bytes.NewReader(data)))
}

type runLength struct {
	data []byte
	rest []byte
}

func (r *runLength) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		if len(r.data) < 2 || r.data[0] == 128 {
			return 0, io.EOF
		}
		length := int(r.data[0])
		if length < 128 {
			end := min(len(r.data), length+2)
			r.rest, r.data = r.data[1:end], r.data[end:]
		} else {
			r.rest, r.data = bytes.Repeat(r.data[1:2], 257-length), r.data[2:]
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// unpredict undoes the predictors of ISO 32000-1, 7.4.4.4: TIFF (2, for 8 bits a component) and PNG (10 and more).
func unpredict(data []byte, predictor, pixel, row, bits int) []byte {
	if predictor == 2 {
		if bits != 8 {
			return data
		}
		for start := 0; start < len(data); start += row {
			line := data[start:min(len(data), start+row)]
			for i := pixel; i < len(line); i++ {
				line[i] += line[i-pixel]
			}
		}
		return data
	}
	out := make([]byte, 0, len(data))
	previous := make([]byte, row)
	for len(data) > 1 {
		kind := data[0]
		line := data[1:min(len(data), row+1)]
		data = data[1+len(line):]
		for i := range line {
			var left, upLeft byte
			if i >= pixel {
				left, upLeft = line[i-pixel], previous[i-pixel]
			}
			switch kind {
			case 1:
				line[i] += left
			case 2:
				line[i] += previous[i]
			case 3:
				line[i] += byte((int(left) + int(previous[i])) / 2) //nolint:gosec // a mean of two bytes is a byte
			case 4:
				line[i] += paeth(left, previous[i], upLeft)
			}
		}
		out = append(out, line...)
		copy(previous, line)
	}
	return out
}

func paeth(a, b, c byte) byte {
	p := int(a) + int(b) - int(c)
	pa, pb, pc := abs(p-int(a)), abs(p-int(b)), abs(p-int(c))
	switch {
	case pa <= pb && pa <= pc:
		return a
	case pb <= pc:
		return b
	}
	return c
}

func abs(n int) int {
	if n < 0 {
		return -n
	}
	return n
}

// lzwReader reads PDF's LZW. With EarlyChange 1, the default, it differs from that of the standard library only in
// growing its codes one code early.
func lzwReader(data []byte, f *File, parms Dict) io.Reader {
	if early, ok := f.Integer(parms["EarlyChange"]); ok && early == 0 {
		return lzw.NewReader(bytes.NewReader(data), lzw.MSB, 8)
	}
	return &earlyLZW{data: data}
}
