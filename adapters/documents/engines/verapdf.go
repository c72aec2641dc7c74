package engines

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/perfectworks/backend/adapters/documents"
	"github.com/perfectworks/backend/adapters/documents/verapdf"
)

// VeraPDF checks a PDF by the reference validator for PDF/UA-1.
type VeraPDF struct {
	runner runner
	java   string
	jar    string
}

// veraPDFWall is how long veraPDF may take for one file.
const veraPDFWall = 2 * time.Minute

func findVeraPDF(r runner, jar string) (*VeraPDF, error) {
	if jar == "" {
		return nil, nil //nolint:nilnil // it is not set
	}
	if _, err := os.Stat(jar); err != nil {
		return nil, fmt.Errorf("VERAPDF_JAR: %w", err)
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, fmt.Errorf("VERAPDF_JAR needs java: %w", err)
	}
	return &VeraPDF{runner: r, java: java, jar: jar}, nil
}

// Info names the engine.
func (v *VeraPDF) Info() documents.EngineInfo {
	return documents.EngineInfo{Name: "verapdf", Version: verapdf.Version}
}

// Check validates a PDF against PDF/UA-1.
func (v *VeraPDF) Check(ctx context.Context, pdf []byte) (*documents.Conformance, error) {
	folder, err := os.MkdirTemp("", "perfectworks-verapdf-")
	if err != nil {
		return nil, fmt.Errorf("make a folder for veraPDF: %w", err)
	}
	defer os.RemoveAll(folder)
	program, file := filepath.Join(folder, "Oracle.java"), filepath.Join(folder, "document.pdf")
	for path, data := range map[string][]byte{program: verapdf.Oracle, file: pdf} {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return nil, fmt.Errorf("write a file for veraPDF: %w", err)
		}
	}
	out, err := v.runner.output(ctx, veraPDFWall, []byte(file+"\n"), nil, v.java, "-Xmx1g", "-cp", v.jar, program)
	if err != nil {
		return nil, err
	}
	verdict, err := verapdf.Parse(string(out))
	if err != nil {
		return nil, err
	}
	return &documents.Conformance{Conforms: verdict.Conforms, FailedRules: verdict.FailedRules}, nil
}
