// Reads HTML documents from standard input, one a line as a JSON string, and answers each by one line of JSON:
// the identifiers of the axe rules that are violated, and of those that axe leaves to a person.
const fs = require('fs');
const path = require('path');
const readline = require('readline');

const modules = process.argv[2];
const chromium = process.argv[3];
const puppeteer = require(path.join(modules, 'puppeteer-core'));
const axe = fs.readFileSync(path.join(modules, 'axe-core', 'axe.min.js'), 'utf8');

(async () => {
  const browser = await puppeteer.launch({
    executablePath: chromium,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--host-resolver-rules=MAP * ~NOTFOUND'],
  });
  const page = await browser.newPage();
  for await (const line of readline.createInterface({ input: process.stdin })) {
    let answer;
    try {
      await page.goto('about:blank');
      await page.setContent(JSON.parse(line), { waitUntil: 'domcontentloaded', timeout: 20000 });
      await page.evaluate(axe);
      const result = await page.evaluate(() => window.axe.run(document, { iframes: false }));
      const ids = (list) => list.map((rule) => rule.id).sort();
      answer = { violations: ids(result.violations), incomplete: ids(result.incomplete) };
    } catch (problem) {
      answer = { problem: String(problem) };
    }
    console.log(JSON.stringify(answer));
  }
  await browser.close();
})();
