// Asks the reference about the cases of the tests in this crate.
//
//   SWING_BUNDLE_CASES=$PWD/cases cargo nextest run -p swing-bundle -j1 --test zip_shapes --test maps
//   mkdir scratch && cd scratch && npm init -y && npm i @endo/init mapper1@npm:@endo/compartment-mapper@1.6.3 mapper2@npm:@endo/compartment-mapper@2.4.0
//   cp .../tests/data/reference.mjs . && node reference.mjs ../cases
//
// A case agrees if at least one release of @endo/compartment-mapper accepts it and the test expects that too, or if none
// does and the test expects none to. `parseArchive` is all that `checkBundle` of @endo/check-bundle does with a zip file.
import '@endo/init';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import * as v1 from 'mapper1/import-archive.js';
import * as v2 from 'mapper2/import-archive.js';

const computeSha512 = bytes => createHash('sha512').update(bytes).digest('hex');

const ask = async ({ parseArchive }, id, bytes) => {
  let timer;
  const never = new Promise((_, reject) => {
    timer = setTimeout(() => reject(Error('does not finish')), 1000);
  });
  const options = { computeSha512, expectedSha512: id.slice('b1-'.length) };
  try {
    await Promise.race([parseArchive(bytes, 'archive', options), never]);
    return 'fine';
  } catch (error) {
    return `refused: ${error.message}`;
  } finally {
    clearTimeout(timer);
  }
};

let disagreements = 0;
const lines = fs.readFileSync(process.argv[2], 'utf8').trimEnd().split('\n');
for (const line of lines) {
  const [name, expected, id, zip] = line.split('\t');
  const bytes = new Uint8Array(Buffer.from(zip, 'base64'));
  const verdicts = [await ask(v1, id, bytes), await ask(v2, id, bytes)];
  if (verdicts.includes('fine') !== (expected === 'fine')) {
    disagreements += 1;
    console.log(`${name}: expected ${expected}, 1.x ${verdicts[0]}, 2.x ${verdicts[1]}`);
  }
}
console.log(`${lines.length} cases, ${disagreements} disagreements`);
