package app

import (
	"errors"
	"log/slog"
	"path/filepath"

	"github.com/perfectworks/backend/adapters/mail"
)

// mailFolder is where mails go that no server takes.
const mailFolder = "mail"

func openMail(settings Settings, dataFolder string, logger *slog.Logger) (*mail.Sender, error) {
	return mail.New(mail.Config{
		SMTPURL: settings.SMTPURL, From: settings.MailFrom, InvitationURL: settings.InvitationURL,
		Folder: filepath.Join(dataFolder, mailFolder), Logger: logger,
	})
}

// checkMail tells what is wrong with the settings of mails, each by its name.
func (s Settings) checkMail() error {
	var wrong []error
	if s.SMTPURL != "" {
		wrong = append(wrong, mail.CheckServer(s.SMTPURL))
	}
	if s.MailFrom != "" && mail.CheckSender(s.MailFrom) != nil {
		wrong = append(wrong, errors.New("PERFECTWORKS_MAIL_FROM is not an address such as PerfectWorks <no-reply@example.com>"))
	}
	if s.InvitationURL != "" && mail.CheckPage(s.InvitationURL) != nil {
		wrong = append(wrong, errors.New("PERFECTWORKS_INVITATION_URL is not an http or https address without credentials and fragment"))
	}
	return errors.Join(wrong...)
}
