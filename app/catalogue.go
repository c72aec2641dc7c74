package app

import (
	_ "embed"
	"fmt"
	"os"

	"github.com/perfectworks/backend/domain/payment"
)

//go:embed catalogue.json
var defaultCatalogue []byte

// maxCatalogue bounds the file, in bytes.
const maxCatalogue = 1 << 20

// catalogue is what is sold: that of the file that the settings name, or the one
// in the program.
func (s Settings) catalogue() (payment.Catalogue, error) {
	text := defaultCatalogue
	if s.Catalogue != "" {
		info, err := os.Stat(s.Catalogue)
		if err == nil && info.Size() > maxCatalogue {
			err = fmt.Errorf("the file has more than %d bytes", maxCatalogue)
		}
		if err == nil {
			text, err = os.ReadFile(s.Catalogue)
		}
		if err != nil {
			return payment.Catalogue{}, fmt.Errorf("PERFECTWORKS_CATALOGUE: %w", err)
		}
	}
	c, err := payment.ReadCatalogue(text)
	if err != nil && s.Catalogue != "" {
		err = fmt.Errorf("PERFECTWORKS_CATALOGUE: %w", err)
	}
	return c, err
}
