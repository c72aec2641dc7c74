package tagging

import (
	"github.com/perfectworks/backend/adapters/documents/pdf"
)

// oldMark is what becomes of a marked-content sequence that is there already.
type oldMark struct {
	// kept sequences stay as they are, or with the text instead of their beginning.
	kept bool
	text []byte
	// covers tells that all inside has its place in the structure or is an artifact: nothing is to be marked there.
	covers bool
	// artifact tells that it is one; within an artifact, lifted ends that and begins it anew afterwards.
	artifact, lifted bool
}

// maxMarks bounds how deep old sequences are followed; deeper ones are dropped.
const maxMarks = 4096

func (m *marker) beginOld(op pdf.Operation, start, end int) {
	if len(m.stack) >= maxMarks {
		m.stack = append(m.stack, oldMark{})
		m.drop(start, end)
		return
	}
	mark := m.old(op)
	m.stack = append(m.stack, mark)
	if !mark.kept {
		m.drop(start, end)
		return
	}
	m.close(start)
	if mark.lifted {
		m.flush(start)
		m.out = append(m.out, "\nEMC\n"...)
	}
	if mark.text != nil {
		m.drop(start, end)
		m.out = append(append(m.out, '\n'), mark.text...)
		m.out = append(m.out, " BDC\n"...)
	}
	if mark.covers {
		m.covered++
	}
}

func (m *marker) endOld(start, end int) {
	n := len(m.stack) - 1
	if n < 0 {
		m.drop(start, end)
		return
	}
	mark := m.stack[n]
	m.stack = m.stack[:n]
	if !mark.kept {
		m.drop(start, end)
		return
	}
	m.close(start)
	if mark.covers {
		m.covered--
	}
	if mark.lifted {
		m.flush(end)
		m.out = append(m.out, artifactMarks[artifact]...)
	}
}

// inside tells whether content at this point is tagged or an artifact already.
func (m *marker) inside() (tagged, artifact bool) {
	for _, mark := range m.stack {
		if mark.kept && mark.covers {
			tagged, artifact = tagged || !mark.artifact, mark.artifact
		}
	}
	return tagged, artifact
}

// drop leaves out an operation.
func (m *marker) drop(start, end int) {
	m.flush(start)
	m.copied = end
}
