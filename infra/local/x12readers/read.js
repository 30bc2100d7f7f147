'use strict';
// Reads an X12 file with two readers of other makers and prints, as JSON, what
// each says of claims: the elements of every CLM, SV1, CLP and SVC in order, the
// segment's name first and components joined by colons.
const { createReadStream, readFileSync } = require('node:fs');
const { X12Parser } = require('node-x12');
const { X12parser } = require('x12-parser');

const wanted = new Set(['CLM', 'SV1', 'CLP', 'SVC']);

function nodeX12(file) {
  const strict = true;
  const interchange = new X12Parser(strict).parse(readFileSync(file, 'utf8'));
  return interchange.functionalGroups
    .flatMap((group) => group.transactions)
    .flatMap((transaction) => transaction.segments)
    .filter((s) => wanted.has(s.tag))
    .map((s) => [s.tag, ...s.elements.map((e) => e.value)]);
}

async function x12Parser(file) {
  const found = [];
  for await (const s of createReadStream(file).pipe(new X12parser())) {
    if (!wanted.has(s.name)) continue;
    const elements = [s.name];
    for (let i = 1; s[i] !== undefined; i++) {
      let element = s[i];
      for (let j = 1; s[`${i}-${j}`] !== undefined; j++) element += ':' + s[`${i}-${j}`];
      elements.push(element);
    }
    found.push(elements);
  }
  return found;
}

async function main(file) {
  console.log(JSON.stringify({ 'node-x12': nodeX12(file), 'x12-parser': await x12Parser(file) }));
}

main(process.argv[2]);
