// Prints what each of some PDF files says: how many pages it has, its title, and its text.
import { readFileSync } from "node:fs";
import { getDocument, VerbosityLevel } from "pdfjs-dist/legacy/build/pdf.mjs";

const said = [];
for (const file of process.argv.slice(2)) {
  const data = new Uint8Array(readFileSync(file));
  const doc = await getDocument({ data, stopAtErrors: true, verbosity: VerbosityLevel.ERRORS }).promise;
  const { info } = await doc.getMetadata();
  const lines = [];
  for (let n = 1; n <= doc.numPages; n++) {
    const page = await doc.getPage(n);
    const { items } = await page.getTextContent();
    lines.push(...items.map((i) => i.str));
  }
  said.push({ pages: doc.numPages, title: info.Title, language: info.Language, text: lines.join("\n") });
}
console.log(JSON.stringify(said));
