package app

import (
	"cmp"
	_ "embed"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/perfectworks/backend/commands"
	"github.com/perfectworks/backend/domain/campaign"
	"github.com/perfectworks/backend/domain/referral"
)

//go:embed referral_programme.json
var defaultProgramme []byte

// maxProgramme bounds the file, in bytes.
const maxProgramme = 1 << 20

// linkPath is where links to codes begin, below the public address.
const linkPath = "/api/v0/referral-links/"

// programme is the referral programme: that of the file that the settings name, or
// the one in the program.
func (s Settings) programme() (referral.Programme, error) {
	text := defaultProgramme
	if s.ReferralProgramme != "" {
		info, err := os.Stat(s.ReferralProgramme)
		if err == nil && info.Size() > maxProgramme {
			err = fmt.Errorf("the file has more than %d bytes", maxProgramme)
		}
		if err == nil {
			text, err = os.ReadFile(s.ReferralProgramme)
		}
		if err != nil {
			return referral.Programme{}, fmt.Errorf("PERFECTWORKS_REFERRAL_PROGRAMME: %w", err)
		}
	}
	p, err := referral.ReadProgramme(text)
	if err != nil && s.ReferralProgramme != "" {
		err = fmt.Errorf("PERFECTWORKS_REFERRAL_PROGRAMME: %w", err)
	}
	return p, err
}

// referrals are the terms of the referral programme.
func (s Settings) referrals(publicURL string) (commands.Referrals, error) {
	programme, err := s.programme()
	if err != nil {
		return commands.Referrals{}, err
	}
	// A process that serves no API may not know the address; none of its commands
	// checks destinations.
	landing, err := url.Parse(cmp.Or(s.ReferralLanding, publicURL, "http://localhost"))
	if err != nil {
		return commands.Referrals{}, errors.New("PERFECTWORKS_REFERRAL_LANDING is not an address")
	}
	if landing.Path == "" {
		landing.Path = "/"
	}
	hosts := make([]string, len(s.ReferralHosts))
	for i, host := range s.ReferralHosts {
		hosts[i] = strings.ToLower(strings.TrimSpace(host))
	}
	return commands.Referrals{
		Programme: programme, Destinations: campaign.Destinations{Landing: landing, Hosts: hosts},
	}, nil
}

const defaultClickWindow = 30 * time.Minute

func (s Settings) clickWindow() time.Duration { return cmp.Or(s.ClickWindow, defaultClickWindow) }

// checkReferrals tells what is wrong with the settings of referrals.
func (s Settings) checkReferrals() error {
	var wrong []error
	if _, err := s.programme(); err != nil {
		wrong = append(wrong, err)
	}
	if _, err := s.clickAgents(); err != nil {
		wrong = append(wrong, err)
	}
	if s.ReferralLanding != "" {
		u, err := url.Parse(s.ReferralLanding)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.Fragment != "" {
			wrong = append(wrong, errors.New("PERFECTWORKS_REFERRAL_LANDING is not an address such as https://www.example.com/"))
		} else if s.Environment == Production && u.Scheme != "https" {
			wrong = append(wrong, errors.New("PERFECTWORKS_REFERRAL_LANDING must be https in production"))
		}
	}
	for name, value := range map[string]int64{
		"PERFECTWORKS_CLICK_SYNC": int64(s.ClickSync), "PERFECTWORKS_CLICK_SPOOL": s.ClickSpool,
		"PERFECTWORKS_CLICK_WINDOW": int64(s.ClickWindow), "PERFECTWORKS_CLICK_JUDGE": int64(s.ClickJudge),
	} {
		if value < 0 {
			wrong = append(wrong, fmt.Errorf("%s must not be negative", name))
		}
	}
	if s.ClickSync > time.Minute || s.ClickWindow > 24*time.Hour || s.ClickJudge > time.Hour {
		wrong = append(wrong, errors.New("PERFECTWORKS_CLICK_SYNC, PERFECTWORKS_CLICK_WINDOW and PERFECTWORKS_CLICK_JUDGE are at most 1m, 24h and 1h"))
	}
	for _, host := range s.ReferralHosts {
		u, err := url.Parse("https://" + strings.TrimSpace(host))
		if err != nil || u.Host != strings.TrimSpace(host) || u.Hostname() == "" || strings.Contains(host, "*") {
			wrong = append(wrong, fmt.Errorf("PERFECTWORKS_REFERRAL_DESTINATIONS: %q is not the name of a host", host))
		}
	}
	return errors.Join(wrong...)
}
