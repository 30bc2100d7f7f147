'use strict';
// Deletes what the packages hold beside questionnaires and the lists of codes that those
// may refer to: 5,000 other examples and the pages of a guide, 190 MB. A list of more than
// 20 kB is none to choose from. Of lforms, which is made for browsers, it leaves what
// lforms.js runs.
const { readdirSync, rmSync, statSync } = require('node:fs');
const { join } = require('node:path');

const wanted = /^(Questionnaire|ValueSet|CodeSystem)-.*\.json$|^package\.json$/;

const run = /(LICENSE\.md|package\.json|zone\.min\.js|webcomponent.(runtime|polyfills|main)\.js|R4.lformsFHIR\.min\.js)$/;

function prune(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) prune(path);
    else if (path.includes('lforms')) {
      if (!run.test(path)) rmSync(path);
    } else if (!wanted.test(name) || (statSync(path).size > 20_000 && !name.startsWith('Questionnaire-'))) rmSync(path);
  }
}

for (const name of ['hl7.fhir.r4.examples', 'hl7.fhir.uv.sdc', 'lforms']) prune(join('node_modules', name));
