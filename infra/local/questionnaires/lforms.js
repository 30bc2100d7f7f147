'use strict';
// Reads a JSON array of {questionnaire, response} from standard input and prints, for
// each, what lforms says: which items it would ask, what it finds missing or wrong, and
// what it calculates, for which it is not given what the response says was calculated.
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

const calculated = 'http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-calculatedExpression';

const entries = (part) => [...(part.item ?? []), ...(part.answer ?? []).flatMap((answer) => answer.item ?? [])];

function everyItem(part, visit) {
  for (const item of entries(part)) {
    visit(item);
    everyItem(item, visit);
  }
}

function leave(part, linkIds) {
  if (part.item) part.item = part.item.filter((item) => !linkIds.includes(item.linkId));
  for (const inner of [...(part.item ?? []), ...(part.answer ?? [])]) leave(inner, linkIds);
}

async function judge({ questionnaire, response }) {
  const { Util, LFormsData } = window.LForms;
  const computed = [];
  everyItem(questionnaire, (item) => {
    if (item.extension?.some((e) => e.url === calculated)) computed.push(item.linkId);
  });
  leave(response, computed);
  const plain = Util.convertFHIRQuestionnaireToLForms(questionnaire, 'R4');
  const data = new LFormsData(Util.mergeFHIRDataIntoLForms(response, plain, 'R4'));
  const values = {};
  if (computed.length > 0) {
    data._fhirVariables.questionnaire = questionnaire; // its own copy of the form lacks what the form contains
    data.hasSavedData = false; // else it takes what is not there for removed by the user
    await data._expressionProcessor.runCalculations(false);
    everyItem(Util.getFormFHIRData('QuestionnaireResponse', 'R4', data), (item) => {
      if (computed.includes(item.linkId)) values[item.linkId] = Object.values(item.answer[0]).map((v) => String(v.code ?? v))[0];
    });
  }
  const asked = {};
  for (const item of data.itemList) {
    let shown = true;
    for (let at = item; at; at = at._parentItem) shown &&= at._skipLogicStatus !== 'target-disabled' && at._enableWhenStatus !== 'target-disabled';
    asked[item.linkId] = shown;
  }
  return { asked, wrong: data.checkValidity() || [], values };
}

async function judgeAll(all) {
  const verdicts = [];
  for (const one of all) verdicts.push(await judge(one));
  process.stdout.write(`${JSON.stringify(verdicts)}\n`, () => process.exit(0));
}

judgeAll(JSON.parse(readFileSync(0, 'utf8')));
