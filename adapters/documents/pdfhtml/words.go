package pdfhtml

import (
	"strings"

	"golang.org/x/text/language"
)

// words are those that the document itself does not have.
type words struct {
	// tag is their language.
	tag string

	skip, contents, page, back, document, table string
}

// dictionary has the words in the languages that documents are most often in; else they are in English.
var dictionary = map[string]words{
	"en": {"en", "Skip to content", "Contents", "Page", "Back to the text", "Document", "Table"},
	"de": {"de", "Zum Inhalt springen", "Inhalt", "Seite", "Zurück zum Text", "Dokument", "Tabelle"},
	"fr": {"fr", "Aller au contenu", "Sommaire", "Page", "Retour au texte", "Document", "Tableau"},
	"es": {"es", "Saltar al contenido", "Contenido", "Página", "Volver al texto", "Documento", "Tabla"},
	"it": {"it", "Vai al contenuto", "Sommario", "Pagina", "Torna al testo", "Documento", "Tabella"},
	"pt": {"pt", "Saltar para o conteúdo", "Conteúdo", "Página", "Voltar ao texto", "Documento", "Tabela"},
	"nl": {"nl", "Naar de inhoud", "Inhoud", "Pagina", "Terug naar de tekst", "Document", "Tabel"},
	"pl": {"pl", "Przejdź do treści", "Spis treści", "Strona", "Powrót do tekstu", "Dokument", "Tabela"},
	"ru": {"ru", "Перейти к содержанию", "Содержание", "Страница", "Назад к тексту", "Документ", "Таблица"},
	"el": {"el", "Μετάβαση στο περιεχόμενο", "Περιεχόμενα", "Σελίδα", "Επιστροφή στο κείμενο", "Έγγραφο", "Πίνακας"},
	"he": {"he", "דילוג לתוכן", "תוכן", "עמוד", "חזרה לטקסט", "מסמך", "טבלה"},
	"ar": {"ar", "تخطَّ إلى المحتوى", "المحتويات", "صفحة", "العودة إلى النص", "مستند", "جدول"},
}

func wordsOf(tag string) words {
	base, _, _ := strings.Cut(strings.ToLower(tag), "-")
	if w, ok := dictionary[base]; ok {
		return w
	}
	return dictionary["en"]
}

// languageTag gives a valid language tag as it is usually written, "" for what is none.
func languageTag(s string) string {
	tag, err := language.Parse(strings.TrimSpace(s))
	if err != nil {
		return ""
	}
	if base, _ := tag.Base(); base.String() == "und" || !strings.HasPrefix(tag.String(), base.String()) {
		return "" // of private use, or without a language
	}
	return tag.String()
}

// isRightToLeft tells whether a language is written from right to left: by the script of its tag, or its usual one.
func isRightToLeft(tag string) bool {
	parsed, err := language.Parse(tag)
	if err != nil || tag == "" {
		return false
	}
	script, _ := parsed.Script()
	switch script.String() {
	case "Arab", "Hebr", "Syrc", "Thaa", "Nkoo", "Adlm", "Rohg", "Mand", "Samr":
		return true
	}
	return false
}
