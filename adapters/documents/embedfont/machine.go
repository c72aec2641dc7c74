package embedfont

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	textfont "github.com/go-text/typesetting/font"
	ot "github.com/go-text/typesetting/font/opentype"
	cmaps "github.com/go-text/typesetting/font/opentype/tables"
)

// The limits of the search for fonts: a machine may hold thousands, and some are larger than what is worth embedding.
const (
	maxFontFiles = 5_000
	maxFontBytes = 64 << 20
	maxFonts     = 32 // in one collection
)

// Machine finds fonts among those installed. The folders are read when it is first asked. It is safe for concurrent
// use.
type Machine struct {
	folders []string

	mu    sync.Mutex
	read  bool
	fonts []*installed
}

// installed is a font that was found, of which little is read until it is needed.
type installed struct {
	path   string
	index  int
	cover  textfont.Cmap
	weight uint16
	width  uint16
	italic bool
	fixed  bool

	face   *Face
	failed bool
}

// NewMachine takes the folders to search, with those below them; without any, the usual ones of the system.
func NewMachine(folders ...string) *Machine {
	if len(folders) == 0 {
		folders = SystemFolders()
	}
	return &Machine{folders: folders}
}

// SystemFolders are the folders in which the system and the user keep fonts; they need not exist.
func SystemFolders() []string {
	out := []string{
		"/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "/System/Library/Fonts", `C:\Windows\Fonts`,
	}
	if home, err := os.UserHomeDir(); err == nil {
		out = append(out, filepath.Join(home, ".local", "share", "fonts"), filepath.Join(home, ".fonts"),
			filepath.Join(home, "Library", "Fonts"))
	}
	return out
}

// Face gives an installed font that may be embedded and holds a character, the one nearest to the style.
func (m *Machine) Face(r rune, style Style) (*Face, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.read {
		m.read = true
		m.search()
	}
	for {
		var best *installed
		lowest := 0
		for _, f := range m.fonts {
			if f.failed {
				continue
			}
			if g, ok := f.cover.Lookup(r); !ok || g == 0 {
				continue
			}
			if d := f.distance(style); best == nil || d < lowest {
				best, lowest = f, d
			}
		}
		if best == nil {
			return nil, false
		}
		if best.load() {
			return best.face, true
		}
	}
}

// distance is how far a font is from a style.
func (f *installed) distance(style Style) int {
	d, weight := 0, 400
	if style.Bold {
		weight = 700
	}
	if gap := int(f.weight) - weight; gap < 0 {
		d -= gap
	} else {
		d += gap
	}
	if f.italic != style.Italic {
		d += 250
	}
	if f.width != 5 {
		d += 400
	}
	if f.fixed {
		d += 600
	}
	return d
}

func (f *installed) load() bool {
	if f.face != nil {
		return true
	}
	data, err := os.ReadFile(f.path)
	if err == nil && len(data) <= maxFontBytes {
		f.face, err = Load(data, f.index)
	}
	f.failed = err != nil || f.face == nil
	return !f.failed
}

// search reads the folders in the order of names, so that the same machine gives the same fonts.
func (m *Machine) search() {
	files := 0
	for _, folder := range m.folders {
		// A folder that cannot be read has no fonts.
		_ = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return nil //nolint:nilerr // what cannot be read is left out
			}
			switch strings.ToLower(filepath.Ext(path)) {
			case ".ttf", ".otf", ".ttc", ".otc":
			default:
				return nil
			}
			if info, err := entry.Info(); err != nil || info.IsDir() || info.Size() > maxFontBytes {
				return nil //nolint:nilerr // what cannot be read is left out
			}
			if files++; files > maxFontFiles {
				return fs.SkipAll
			}
			m.fonts = append(m.fonts, readInstalled(path)...)
			return nil
		})
	}
}

// readInstalled reads the characters and the style of the fonts of a file.
func readInstalled(path string) (out []*installed) {
	// The library does not check all offsets of damaged fonts.
	defer func() {
		if recover() != nil {
			out = nil
		}
	}()
	file, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer file.Close()
	var magic [4]byte
	if _, err := io.ReadFull(file, magic[:]); err != nil {
		return nil
	}
	loaders, err := ot.NewLoaders(file)
	if err != nil {
		return nil
	}
	for i, loader := range loaders[:min(len(loaders), maxFonts)] {
		raw, err := loader.RawTable(ot.MustNewTag("cmap"))
		if err != nil {
			continue
		}
		table, _, err := cmaps.ParseCmap(raw)
		if err != nil {
			continue
		}
		cover, _, err := textfont.ProcessCmap(table, 0)
		if err != nil {
			continue
		}
		os2, _ := loader.RawTable(ot.MustNewTag("OS/2"))
		post, _ := loader.RawTable(ot.MustNewTag("post"))
		f := &installed{
			path: path, index: i, cover: cover, weight: u16(os2, 4), width: u16(os2, 6),
			italic: u32(post, 4) != 0, fixed: u32(post, 12) != 0,
		}
		if f.weight == 0 {
			f.weight, f.width = 400, 5
		}
		out = append(out, f)
	}
	return out
}
