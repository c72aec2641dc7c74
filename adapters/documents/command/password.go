package command

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

// PasswordVariable is the environment variable with the password of an encrypted PDF. There is no argument for it, since
// other users of a machine see those.
const PasswordVariable = "PERFECTWORKS_PDF_PASSWORD"

const passwordFlag = "password-file"

// maxPassword is how many bytes a password has at the most.
const maxPassword = 1024

// addPassword adds the flag that names a file with a password.
func addPassword(cmd *cobra.Command) {
	cmd.Flags().String(passwordFlag, "", "read the password of an encrypted PDF from the first line of this file; without it, "+
		PasswordVariable+" has it")
}

// passwordOf reads the password that a command was given, "" if none was.
func passwordOf(cmd *cobra.Command) (string, error) {
	path, err := cmd.Flags().GetString(passwordFlag)
	if err != nil || path == "" {
		return os.Getenv(PasswordVariable), nil
	}
	file, err := openFile(path)
	if err != nil {
		return "", unreadable(path, err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxPassword+1))
	if err != nil {
		return "", unreadable(path, reason(err))
	}
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	line = bytes.TrimSuffix(line, []byte{'\r'})
	switch {
	case len(line) > maxPassword:
		return "", unreadable(path, fmt.Errorf("a password has at most %d bytes", maxPassword))
	case len(line) == 0:
		return "", unreadable(path, errors.New("the first line holds no password"))
	}
	return string(line), nil
}
