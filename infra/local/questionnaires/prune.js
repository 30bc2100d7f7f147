'use strict';
// Deletes what the packages hold beside questionnaires and the lists of codes that those
// may refer to: 5,000 other examples and a guide's pages, 190 MB. A list of more than
// 100 kB is none to choose from.
const { readdirSync, rmSync, statSync } = require('node:fs');
const { join } = require('node:path');

const wanted = /^(Questionnaire|ValueSet|CodeSystem)-.*\.json$|^package\.json$/;

function prune(folder) {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) prune(path);
    else if (!wanted.test(name) || (statSync(path).size > 100_000 && !name.startsWith('Questionnaire-'))) rmSync(path);
  }
}

for (const name of ['hl7.fhir.r4.examples', 'hl7.fhir.uv.sdc']) prune(join('node_modules', name));
