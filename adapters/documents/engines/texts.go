package engines

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/sashabaranov/go-openai"

	"github.com/perfectworks/backend/adapters/documents"
)

// Texts asks an OpenAI-compatible service for alternative texts. The images of a document leave this machine for it, so
// it is used only when it is set.
type Texts struct {
	client *openai.Client
	model  string
}

func newTexts(s Settings) (*Texts, error) {
	if s.TextsURL == "" {
		return nil, nil //nolint:nilnil // it is not set
	}
	base, err := url.Parse(s.TextsURL)
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, errors.New("ALT_TEXT_URL is not an http or https URL")
	}
	if s.Production && base.Scheme != "https" && !isLocal(base.Hostname()) {
		return nil, errors.New("ALT_TEXT_URL must be https in production, or an address of this machine")
	}
	if s.TextsModel == "" {
		return nil, errors.New("ALT_TEXT_URL needs ALT_TEXT_MODEL, a model that sees images")
	}
	config := openai.DefaultConfig(s.TextsKey)
	config.BaseURL = strings.TrimSuffix(s.TextsURL, "/")
	config.HTTPClient = &http.Client{Timeout: textWall}
	return &Texts{client: openai.NewClientWithConfig(config), model: s.TextsModel}, nil
}

// isLocal reports whether a host is this machine.
func isLocal(host string) bool {
	address, err := netip.ParseAddr(host)
	return err == nil && address.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// Info names the engine; its version is the model.
func (t *Texts) Info() documents.EngineInfo {
	return documents.EngineInfo{Name: "texts", Version: t.model}
}

const (
	// textWall is how long one text may take.
	textWall = 30 * time.Second
	// maxText is how many characters an alternative text may have; screen readers read it in one go.
	maxText = 300
	// maxTokens is how long an answer may be, with what a model thinks before it.
	maxTokens = 2000
	// maxSeen is how many bytes an image may have that is sent.
	maxSeen = 10 << 20
)

const instruction = "You write alternative texts for people who cannot see. Answer with one plain sentence of at most 200 " +
	"characters that says what the image says to a reader of the document, in the language %s, without \"image of\". " +
	"Answer with the single word NONE if the image is mere decoration or you cannot tell."

// Describe returns an alternative text for an image, "" if the service has none. Context is text from around the image.
func (t *Texts) Describe(ctx context.Context, mime string, image []byte, language, context string) (string, error) {
	if len(image) == 0 || len(image) > maxSeen {
		return "", nil
	}
	if language == "" {
		language = "of the text around it"
	}
	answer, err := t.client.CreateChatCompletion(ctx, openai.ChatCompletionRequest{
		Model: t.model, MaxCompletionTokens: maxTokens,
		Messages: []openai.ChatCompletionMessage{
			{Role: openai.ChatMessageRoleSystem, Content: fmt.Sprintf(instruction, language)},
			{Role: openai.ChatMessageRoleUser, MultiContent: []openai.ChatMessagePart{
				{Type: openai.ChatMessagePartTypeText, Text: "Text around the image: " + context},
				{Type: openai.ChatMessagePartTypeImageURL, ImageURL: &openai.ChatMessageImageURL{
					URL: "data:" + mime + ";base64," + base64.StdEncoding.EncodeToString(image),
				}},
			}},
		},
	})
	if err != nil {
		return "", textsProblem(err)
	}
	if len(answer.Choices) == 0 {
		return "", nil
	}
	return cleanText(answer.Choices[0].Message.Content), nil
}

// textsProblem says what went wrong without the service's own words, which may repeat the key or the document.
func textsProblem(err error) error {
	var api *openai.APIError
	var request *openai.RequestError
	switch {
	case errors.As(err, &api):
		return fmt.Errorf("the service for alternative texts answers with status %d", api.HTTPStatusCode)
	case errors.As(err, &request):
		return fmt.Errorf("the service for alternative texts answers with status %d", request.HTTPStatusCode)
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return errors.New("the service for alternative texts cannot be reached")
}

// cleanText makes one line of an answer; what says nothing is no text.
func cleanText(answer string) string {
	text := strings.Join(strings.FieldsFunc(answer, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	text = strings.Trim(text, `"“”`)
	if strings.EqualFold(strings.Trim(text, ". "), "none") {
		return ""
	}
	if runes := []rune(text); len(runes) > maxText {
		text = strings.TrimSpace(string(runes[:maxText-1])) + "…"
	}
	return text
}
