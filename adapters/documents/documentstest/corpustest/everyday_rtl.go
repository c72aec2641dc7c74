package corpustest

import (
	"fmt"
	"html"
	"strings"
)

// rightToLeftLanguages are written from right to left.
var rightToLeftLanguages = []language{
	{"he", "איור", "טבלה", "עמוד", strings.Fields(`הדוח של המועצה מראה כי משאבות מים חדשות נבנו ליד שני כפרים והתושבים משתמשים בהן בכל יום
		מפני שבארות ישנות יבשו בקיץ ואילו העלות השנתית נשארת נמוכה ממה שציפו המהנדסים בתכנית הראשונה לאזור הזה הכוללת תיקון הדרכה
		וכלים פשוטים וגם כללים ברורים של תשלום כדי שהשירות ימשיך אחרי תום התמיכה שיטה מדידה תוצאה בדיקה`)},
	{"ar", "شكل", "جدول", "صفحة", strings.Fields(`تقرير المجلس يبين أن مضخات المياه الجديدة بنيت قرب قريتين ويستخدمها السكان كل يوم لأن الآبار القديمة
		جفت خلال الصيف بينما تبقى التكاليف السنوية أقل مما توقعه المهندسون في خطتهم الأولى لهذه المنطقة وتشمل الإصلاح والتدريب والأدوات
		البسيطة وكذلك قواعد واضحة للدفع حتى تستمر الخدمة بعد انتهاء الدعم طريقة قياس نتيجة فحص`)},
}

// rightToLeft writes an article that runs from right to left.
func (a *author) rightToLeft() {
	a.text = rightToLeftLanguages[a.chance.IntN(2)]
	a.numbered = a.odds(0.3)
	var css strings.Builder
	fmt.Fprintf(&css, "@page{size:A4;margin:%dmm %dmm", 16+a.chance.IntN(8), 16+a.chance.IntN(8))
	if a.odds(0.5) {
		css.WriteString(";@bottom-center{content:counter(page);font-size:8pt}")
	}
	css.WriteString("}\nbody{font-family:'DejaVu Sans'!important}h1{font-size:1.8em;margin:0 0 .6em}h2{font-size:1.35em;margin:1.1em 0 .4em}h3{font-size:1.12em;margin:.9em 0 .3em}h4{font-size:1em}\n")
	css.WriteString("p{margin:0 0 .7em}table{margin:1em 0}td,th{padding:3px 8px;text-align:start}td.n{text-align:end;white-space:nowrap}figure{margin:1em 0;break-inside:avoid}\n" + a.border())
	title := a.title()
	a.open(title, css.String())
	a.f("<div dir=\"rtl\">\n<h1>%s</h1>\n", html.EscapeString(title))
	a.paragraph(1 + a.chance.IntN(2))
	for range 2 + a.chance.IntN(3) {
		a.heading(2)
		for range 2 + a.chance.IntN(4) {
			switch a.pick(6, 2, 2, 1) {
			case 0:
				a.paragraph(2 + a.chance.IntN(4))
			case 1:
				a.list(a.one([]string{"ul", "ol"}), 1)
			case 2:
				a.grid()
			case 3:
				a.drawing()
			}
		}
		if a.odds(0.4) {
			a.heading(3)
			a.paragraph(2)
		}
	}
	a.f("</div>\n")
	a.close()
}
