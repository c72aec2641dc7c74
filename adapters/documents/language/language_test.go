package language_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	xlanguage "golang.org/x/text/language"

	"github.com/perfectworks/backend/adapters/documents/language"
)

var texts = []struct{ tag, text string }{
	{"en", "The town council meets on the first Monday of each month. Everybody who lives in the town may come and ask questions, and the minutes are put on this page a week later."},
	{"de", "Der Gemeinderat tagt am ersten Montag jedes Monats. Alle Einwohnerinnen und Einwohner dürfen kommen und Fragen stellen, und das Protokoll steht eine Woche später auf dieser Seite."},
	{"fr", "Le conseil municipal se réunit le premier lundi de chaque mois. Tous les habitants peuvent venir et poser des questions, et le procès-verbal est publié sur cette page une semaine plus tard."},
	{"es", "El consejo municipal se reúne el primer lunes de cada mes. Todos los vecinos pueden venir y hacer preguntas, y el acta se publica en esta página una semana después."},
	{"it", "Il consiglio comunale si riunisce il primo lunedì di ogni mese. Tutti gli abitanti possono venire e fare domande, e il verbale viene pubblicato su questa pagina una settimana dopo."},
	{"nl", "De gemeenteraad vergadert op de eerste maandag van elke maand. Alle inwoners mogen komen en vragen stellen, en het verslag staat een week later op deze bladzijde."},
	{"pl", "Rada miasta zbiera się w pierwszy poniedziałek każdego miesiąca. Wszyscy mieszkańcy mogą przyjść i zadawać pytania, a protokół jest publikowany na tej stronie tydzień później."},
	{"ru", "Городской совет собирается в первый понедельник каждого месяца. Все жители могут прийти и задать вопросы, а протокол публикуется на этой странице через неделю после заседания."},
	{"el", "Το δημοτικό συμβούλιο συνεδριάζει την πρώτη Δευτέρα κάθε μήνα."},
	{"ja", "市議会は毎月第一月曜日に開かれます。誰でも来て質問することができます。"},
	{"zh", "市议会每月第一个星期一开会。所有居民都可以来提问。"},
	{"ko", "시의회는 매월 첫째 월요일에 열립니다. 모든 주민이 와서 질문할 수 있습니다."},
	{"th", "สภาเทศบาลประชุมทุกวันจันทร์แรกของเดือน"},
}

func TestDetect(t *testing.T) {
	t.Parallel()
	for _, c := range texts {
		t.Run(c.tag, func(t *testing.T) {
			t.Parallel()
			for range 3 {
				if tag, confident := language.Detect(c.text); tag != c.tag || !confident {
					t.Errorf("got %q, confident: %t", tag, confident)
				}
			}
		})
	}
}

// TestDetectOfLongText gives more text than one look at its trigrams can do with.
func TestDetectOfLongText(t *testing.T) {
	t.Parallel()
	english, german := texts[0].text, texts[1].text
	words := strings.Fields(english + " The valley has a mill, three inns and a school; its fields were given to farmers who " +
		"grow hops, barley and flax, and who sell what they do not eat at markets further down by the river each autumn.")
	var long strings.Builder
	for i := range 8000 { // in another order each time, as no text repeats itself
		long.WriteString(words[(i*i+i/7)%len(words)] + " ")
	}
	if tag, confident := language.Detect(long.String()); tag != "en" || !confident {
		t.Errorf("got %q, confident: %t", tag, confident)
	}
	half := strings.Repeat(english+" ", 20) + strings.Repeat(german+" ", 20)
	if tag, confident := language.Detect(half); confident {
		t.Errorf("is confident that half of a text is %q", tag)
	}
}

func TestDetectIsNotConfident(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"empty": "", "digits": "12 34 56", "one word": "Hotel", "short": "Home News Contact", "addresses": "https://example.com/a/b a@example.com",
		"two scripts": "The town council meets on the first Monday. Городской совет собирается в первый понедельник каждого месяца.",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tag, confident := language.Detect(text); confident {
				t.Errorf("is confident of %q", tag)
			}
		})
	}
}

func FuzzDetect(f *testing.F) {
	for _, c := range texts {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) {
			return
		}
		tag, confident := language.Detect(text)
		if tag == "" && confident {
			t.Error("confident of nothing")
		}
		if tag != "" {
			if _, err := xlanguage.Parse(tag); err != nil {
				t.Errorf("%q is no language tag: %v", tag, err)
			}
		}
	})
}

func TestContradicts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text, tag, want string
	}{
		{"Er ging mit den Hühnern ins Bett, und das war auch gut so.", "en", "de"},
		{"Er ging mit den Hühnern ins Bett, und das war auch gut so.", "de-AT", ""},
		{"She went to bed with the chickens, and that was it.", "fr", "en"},
		{"Он пошёл спать с курами", "en", "ru"},
		{"Он пошёл спать с курами", "uk", ""},
		{"Paul put dire comment on tape", "en", ""},
		{"Paul put dire comment on tape", "fr", ""},
		{"Café de Paris", "en", ""},
		{"Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor", "en", ""},
		{"Jeg har ikke set det, men han er her på øen", "no", ""},
		{"", "en", ""},
		{"1, 2, 3", "en", ""},
		{"The end of it all", "tlh", ""},
	} {
		got, ok := language.Contradicts(test.text, test.tag, 3)
		if got != test.want || ok != (test.want != "") {
			t.Errorf("%q as %s is found to be %q (%t), want %q", test.text, test.tag, got, ok, test.want)
		}
	}
}
