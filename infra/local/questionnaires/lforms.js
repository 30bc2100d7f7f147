'use strict';
// Reads a JSON array of {questionnaire, response} from standard input and prints, for
// each, what lforms says: which items it would ask and what it finds missing or wrong.
// lforms is made for browsers, so it runs in jsdom.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { JSDOM, VirtualConsole } = require('jsdom');

const { window } = new JSDOM('<!doctype html><body></body>', {
  runScripts: 'outside-only', url: 'http://localhost/', pretendToBeVisual: true, virtualConsole: new VirtualConsole(),
});
Object.assign(window, {
  structuredClone, TextEncoder, TextDecoder,
  matchMedia: () => ({ matches: false, addListener() {}, addEventListener() {} }),
  fetch: () => Promise.reject(new Error('nothing is fetched')),
});
const folder = join(__dirname, 'node_modules/lforms/dist/lforms');
for (const file of [
  'webcomponent/assets/lib/zone.min.js', 'webcomponent/runtime.js', 'webcomponent/polyfills.js', 'webcomponent/main.js',
  'fhir/R4/lformsFHIR.min.js',
]) window.eval(readFileSync(join(folder, file), 'utf8'));

function judge({ questionnaire, response }) {
  const { Util, LFormsData } = window.LForms;
  const plain = Util.convertFHIRQuestionnaireToLForms(questionnaire, 'R4');
  const data = new LFormsData(Util.mergeFHIRDataIntoLForms(response, plain, 'R4'));
  const asked = {};
  for (const item of data.itemList) {
    let shown = true;
    for (let at = item; at; at = at._parentItem) shown &&= at._skipLogicStatus !== 'target-disabled' && at._enableWhenStatus !== 'target-disabled';
    asked[item.linkId] = shown;
  }
  return { asked, wrong: data.checkValidity() || [] };
}

const verdicts = JSON.parse(readFileSync(0, 'utf8')).map(judge);
process.stdout.write(`${JSON.stringify(verdicts)}\n`, () => process.exit(0));
