package embedfont

import (
	"sync"

	monobold "github.com/go-fonts/liberation/liberationmonobold"
	monobolditalic "github.com/go-fonts/liberation/liberationmonobolditalic"
	monoitalic "github.com/go-fonts/liberation/liberationmonoitalic"
	monoregular "github.com/go-fonts/liberation/liberationmonoregular"
	sansbold "github.com/go-fonts/liberation/liberationsansbold"
	sansbolditalic "github.com/go-fonts/liberation/liberationsansbolditalic"
	sansitalic "github.com/go-fonts/liberation/liberationsansitalic"
	sansregular "github.com/go-fonts/liberation/liberationsansregular"
	serifbold "github.com/go-fonts/liberation/liberationserifbold"
	serifbolditalic "github.com/go-fonts/liberation/liberationserifbolditalic"
	serifitalic "github.com/go-fonts/liberation/liberationserifitalic"
	serifregular "github.com/go-fonts/liberation/liberationserifregular"
)

// Family is one of the three Liberation families.
type Family int

// The families: with the metrics of Helvetica, Times and Courier.
const (
	Sans Family = iota
	Serif
	Mono
)

// liberation holds the faces by family and by style: regular, bold, italic, bold italic.
var liberation = [3][4]func() *Face{
	Sans: {
		bundled(sansregular.TTF), bundled(sansbold.TTF), bundled(sansitalic.TTF), bundled(sansbolditalic.TTF),
	},
	Serif: {
		bundled(serifregular.TTF), bundled(serifbold.TTF), bundled(serifitalic.TTF), bundled(serifbolditalic.TTF),
	},
	Mono: {
		bundled(monoregular.TTF), bundled(monobold.TTF), bundled(monoitalic.TTF), bundled(monobolditalic.TTF),
	},
}

// bundled reads a font of the binary when it is first asked for.
func bundled(data []byte) func() *Face {
	return sync.OnceValue(func() *Face {
		f, err := Load(data, 0)
		if err != nil {
			panic(err) // the binary's own fonts are read by the tests
		}
		return f
	})
}

// Liberation gives one of the Liberation fonts.
func Liberation(family Family, style Style) *Face {
	if family < Sans || family > Mono {
		family = Sans
	}
	i := 0
	if style.Bold {
		i++
	}
	if style.Italic {
		i += 2
	}
	return liberation[family][i]()
}
