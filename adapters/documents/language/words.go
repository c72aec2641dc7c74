package language

import (
	"strings"
	"sync"
	"unicode"
)

// functionWords are the words that hold sentences together, by language. They are frequent in any text, and a short one
// tells its language by them where trigrams do not.
var functionWords = map[string]string{
	"en": "the of and to in is it that he was for on are with as his they at be this from or had by but not what all were we when your can there an which do how if will up about out many then them these so some her would him into has two more no way could than been who its now did get may over after also their she you i my our us",
	"de": "der die das und in den von zu mit sich des auf für ist im dem nicht ein eine als auch es an werden aus er hat dass sie nach wird bei einer um am sind noch wie einem über einen so zum war haben nur oder aber vor zur bis mehr durch man sein wurde ich wir ihr was wenn kann keine schon",
	"fr": "le la les de des du et à un une en est que qui dans pour pas au sur se ce il elle sont avec plus par je ne on mais ou nous vous comme tout cette ses son sa leur leurs aux été être ont fait même si bien sans aussi y lui ils d l qu n c s",
	"es": "de la que el en y a los se del las un por con no una su para es al lo como más o pero sus le ha me si sin sobre este ya entre cuando todo esta ser son dos también fue había era muy años hasta desde está mi porque qué él yo han",
	"it": "di e il la che è a per un in del le si da non una i con sono della al lo gli dei ma come più anche nel alla se dal ha questo suo o delle ci su nella cui dalla era io essere quando loro perché fu molto degli sul",
	"nl": "de van het een en in is dat op te zijn met voor niet aan er om als ook dan maar bij of uit door nog naar heeft hij ze wordt tot je kan geen al deze die was worden over zich ik wij we u hun haar had werd meer wat onder",
	"pt": "de a o que e do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu sua ou ser quando muito há nos já está eu também só pelo pela até isso ela entre era depois sem mesmo aos são",
	"sv": "och i att det som en på är av för med till den har de inte om ett han men var jag sig från vi så kan när hade eller än nu hon mycket över efter där bara ut upp vara blev skulle mot alla sin man också under",
	"da": "og i at det er en til af på som med for den de der ikke han har et men om var fra kan jeg sig vi så ved eller havde hun efter nu når over skal også hvor blev være da hans mange op ud",
	"no": "og i det er at på en som til med for av den han har ikke de et var jeg om men fra seg vi kan så ble hun etter eller ved også når hadde skal nå over være opp hva hvor ut bare mange da",
	"pl": "i w na z do nie się to że jest o jak za od po przez co tak ale dla są już być ma tym może przed jego tego który oraz także czy tylko jej które ich bardzo gdy ze",
	"cs": "a v na se je že s z do to i o k ve pro za by ale jako po jsou od jeho které jsem tak být jen který si už také byl nebo bylo až není jak ze při mezi",
	"ro": "de și în a la cu pe nu care o un din că mai pentru este sunt se ca al au fi să prin ale dar o fost ce sau lui ei după dintre despre acest această",
	"fi": "ja on ei se että oli hän mutta ovat joka kun niin myös kuin ole tai jos vain sen hänen mitä voi jo nyt sitä siitä olen tämä ne minä",
	"hu": "a az és hogy nem is egy ez meg csak de volt már ha van mint még vagy el ki be azt minden kell lehet ezt után majd",
	"tr": "ve bir bu da de için ile çok o ne gibi daha olarak var kadar ama en olan sonra değil ki her mi ya ben sen biz",
	"ca": "de la que i el a en per un no els les és amb es del una al com més o ser dels seu va si han són perquè molt també aquest aquesta però ha",
	"id": "yang dan di untuk dengan ini itu dari dalam tidak akan pada adalah juga ke karena ada oleh saya mereka sebagai telah atau kita bisa sudah",
}

var wordsByLanguage = sync.OnceValue(func() map[string]map[string]bool {
	out := map[string]map[string]bool{}
	for tag, list := range functionWords {
		out[tag] = map[string]bool{}
		for word := range strings.FieldsSeq(list) {
			out[tag][word] = true
		}
	}
	for _, tag := range []string{"nb", "nn"} {
		out[tag] = out["no"]
	}
	return out
})

// Contradicts tells that a text is in another language than it says, and in which one. It is silent where it is not
// certain: on short texts without words that tell, on languages that it does not know, and between related ones. Least is
// how many words must tell; three do for a part of a page that is marked on purpose.
func Contradicts(text, tag string, least int) (string, bool) {
	tag, _, _ = strings.Cut(strings.ToLower(tag), "-")
	text = clean(text)
	known := wordsByLanguage()
	if !isLatin(text) {
		// All languages with words here are written in Latin letters.
		found, confident := Detect(text)
		letters := strings.Count(strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) {
				return 'x'
			}
			return -1
		}, text), "x")
		if found == "" || related(found, tag) || !confident && (known[tag] == nil || letters < leastScriptLetters) {
			return "", false
		}
		return found, true
	}
	if known[tag] == nil {
		return "", false
	}
	counts := map[string]int{}
	words := 0
	for word := range strings.FieldsFuncSeq(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) }) {
		words++
		for other, list := range known {
			if list[word] {
				counts[other]++
			}
		}
	}
	best := ""
	for other, n := range counts {
		if n > counts[best] || n == counts[best] && other < best {
			best = other
		}
	}
	if n := counts[best]; n < least || n < 3*counts[tag]+1 || 4*n < words || related(best, tag) {
		return "", false
	}
	return best, true
}

// families are languages that are written in much the same way, so that words do not tell them apart.
var families = []string{"da no nb nn sv", "es ca gl pt ast", "cs sk", "id ms", "hr sr bs sl cnr sh", "nl af fy", "zh yue ja", "ru uk be bg mk", "hi mr ne", "fa ar ur ps"}

func related(a, b string) bool {
	if a == b {
		return true
	}
	for _, family := range families {
		list := " " + family + " "
		if strings.Contains(list, " "+a+" ") && strings.Contains(list, " "+b+" ") {
			return true
		}
	}
	return false
}

// isLatin tells whether the letters of a text are mostly Latin ones.
func isLatin(text string) bool {
	latin, letters := 0, 0
	for _, r := range text {
		if unicode.IsLetter(r) {
			letters++
			if unicode.Is(unicode.Latin, r) {
				latin++
			}
		}
	}
	return 2*latin >= letters
}
