package app

import (
	"testing"

	"github.com/perfectworks/backend/commands"
)

// Organizations are welcomed in development alone, unless the setting says
// otherwise.
func TestWelcomeSettings(t *testing.T) {
	t.Parallel()
	number := func(n int64) *int64 { return &n }
	for want, s := range map[commands.Welcome]Settings{
		{Tokens: 1000, Validity: DefaultWelcomeValidity}: {Environment: Development},
		{Tokens: 0, Validity: DefaultWelcomeValidity}:    {Environment: Production},
		{Tokens: 7, Validity: 1}:                         {Environment: Production, WelcomeTokens: number(7), WelcomeValidity: 1},
		{Tokens: 0, Validity: 2}:                         {Environment: Development, WelcomeTokens: number(0), WelcomeValidity: 2},
	} {
		if got := s.welcome(); got != want {
			t.Errorf("%+v gives %+v, want %+v", s, got, want)
		}
	}
}

func TestTheFormOfAnOptionalNumberIsNamed(t *testing.T) {
	t.Setenv("PERFECTWORKS_WELCOME_TOKENS", "many")
	if _, err := SettingsFromEnvironment(); err == nil || err.Error() != "read the settings: PERFECTWORKS_WELCOME_TOKENS does not have the form of a whole number" {
		t.Errorf("got %v", err)
	}
}
