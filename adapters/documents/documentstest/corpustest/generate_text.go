package corpustest

import (
	"fmt"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// language is what the text of a document is made of.
type language struct {
	tag, figure, table, page string
	words                    []string
}

var languages = []language{
	{"en", "Figure", "Table", "Page", strings.Fields(`the report of a council shows that new water pumps were built near two
		villages and local people now use them every day because earlier wells had failed during summer while annual costs
		remain below what engineers expected in their first plan for this region which includes repair training and simple
		tools as well as clear rules about payment so that service can continue after support ends although some questions
		about ownership are still open public library station energy market winter school measure result method sample`)},
	{"de", "Abbildung", "Tabelle", "Seite", strings.Fields(`der Bericht des Gemeinderates zeigt dass neue Brunnen in zwei Dörfern
		gebaut wurden und die Bewohner sie täglich nutzen weil ältere Anlagen während des Sommers versagten wobei die jährlichen
		Kosten unter den Erwartungen blieben außerdem umfasst der Plan für diese Gegend auch Schulung Werkzeug sowie klare Regeln
		über Gebühren damit der Betrieb nach dem Ende der Förderung weitergehen kann obwohl einige Fragen offen bleiben Prüfung
		Verwaltung Ergebnis Verfahren Messung Größe Übersicht`)},
	{"ru", "Рисунок", "Таблица", "Страница", strings.Fields(`отчёт городского совета показывает что новые насосы были построены
		возле двух деревень и жители пользуются ими каждый день потому что старые колодцы летом пересыхали а годовые расходы
		остаются ниже ожидаемых кроме того план для этого района включает обучение ремонту простые инструменты и ясные правила
		оплаты чтобы служба работала после окончания поддержки хотя некоторые вопросы о собственности ещё открыты метод
		измерение результат таблица проверка`)},
	{"el", "Σχήμα", "Πίνακας", "Σελίδα", strings.Fields(`η έκθεση του δημοτικού συμβουλίου δείχνει ότι νέες αντλίες χτίστηκαν κοντά σε δύο
		χωριά και οι κάτοικοι τις χρησιμοποιούν κάθε μέρα επειδή τα παλιά πηγάδια στέρευαν το καλοκαίρι ενώ το ετήσιο κόστος
		παραμένει χαμηλότερο από όσο περίμεναν οι μηχανικοί επίσης το σχέδιο για την περιοχή περιλαμβάνει εκπαίδευση απλά εργαλεία
		και σαφείς κανόνες πληρωμής ώστε η υπηρεσία να συνεχίσει μετά το τέλος της στήριξης μέθοδος μέτρηση αποτέλεσμα`)},
}

// phrase gives words, from least to most of them.
func (a *author) phrase(least, most int) string {
	words := make([]string, least+a.chance.IntN(most-least+1))
	for i := range words {
		words[i] = a.one(a.text.words)
	}
	return strings.Join(words, " ")
}

func (a *author) capital(s string) string {
	first, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToUpper(first)) + s[size:]
}

func (a *author) title() string { return a.capital(a.phrase(2, 7)) }

// sentences writes running text with a link or emphasis now and then.
func (a *author) sentences(n int) string {
	out := make([]string, n)
	for i := range out {
		s := html.EscapeString(a.capital(a.phrase(6, 18)))
		switch a.pick(12, 2, 2, 1, 1) {
		case 1:
			s += fmt.Sprintf(" <a href=\"https://example.org/%d\">%s</a>", a.chance.IntN(1000), html.EscapeString(a.phrase(1, 4)))
		case 2:
			s += fmt.Sprintf(" <em>%s</em>", html.EscapeString(a.phrase(1, 3)))
		case 3:
			s += fmt.Sprintf(" <strong>%s</strong>", html.EscapeString(a.phrase(1, 3)))
		case 4:
			s += fmt.Sprintf(" (%d–%d, %d %%)", 1900+a.chance.IntN(60), 1960+a.chance.IntN(60), a.chance.IntN(100))
		}
		out[i] = s + "."
	}
	return strings.Join(out, " ")
}
