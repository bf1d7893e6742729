// Writes the fixtures: small real stores and data sets, made by the reference.
//
//     node fixtures.mjs OUTDIR [NAME…]
//
// Each becomes OUTDIR/NAME: the store, the data sets that it is useful for, what the reference exports from it
// (expected.json) and how it was made (README.md). Two runs give the same bytes. Whatever a fixture claims is checked here:
// the callback's batches add up to the export data, every data set can be imported by the reference again, no log of
// the database is left beside it. An existing fixture of the same name is replaced.
import '@endo/init/debug.js';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import * as reference from '@agoric/swing-store';
import { readDataset } from './dataset.mjs';
import { exportData, importInto, literalExporter } from './exporting.mjs';
import { expectation, heard, insist, lineJson, writeDataset } from './fixture-rig.mjs';
import { fixtures as lives } from './fixtures-lives.mjs';
import { fixtures as odd } from './fixtures-odd.mjs';
import { indexPage, page } from './fixtures-text.mjs';

const fixtures = [...lives, ...odd].sort((a, b) => (a.name < b.name ? -1 : 1));

const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/** A host that only listened to the callback must know what an export tells, less the keys said to be stale. */
const checkBatches = (name, batches, data, staleKeys = () => false) => {
  const exported = new Set(data.map(([key]) => key));
  const known = [...heard(batches)].filter(([key]) => exported.has(key) || !staleKeys(key));
  const sorted = pairs => [...pairs].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  insist(same(sorted(known), sorted(data)), `${name}: the callback and the export disagree`);
};

/** The reference must be able to import what was written, into a store that exports the same. */
const checkDataset = async (name, folder, scratch, data) => {
  const dataset = readDataset(folder);
  const target = path.join(scratch, 'imported');
  const mode = dataset.artifactMode ?? path.basename(folder);
  await importInto(reference, literalExporter(dataset), target, mode, dataset.blockHeight);
  insist(same(await exportData(reference, target), data), `${name}: ${folder} imports as something else`);
};

const make = async (fixture, outDir, scratch) => {
  const { name, build, datasets } = fixture;
  const folder = path.join(outDir, name);
  const dir = path.join(folder, 'store');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const { batches, staleKeys, facts = [], extra = {} } = await build({ reference, dir, scratch });
  insist(same(fs.readdirSync(dir), ['swingstore.sqlite']), `${name}: not closed cleanly`);

  // From here on the reference opens a copy: opening is allowed to write.
  const copy = path.join(scratch, name);
  fs.cpSync(dir, copy, { recursive: true });
  const expected = { ...(await expectation(reference, copy)), ...extra };
  checkBatches(name, batches, expected.exportData, staleKeys);
  for (const [dialect, mode] of datasets) {
    const dataset = await writeDataset(reference, copy, folder, dialect, mode);
    await checkDataset(name, dataset, scratch, expected.exportData);
  }
  fs.writeFileSync(path.join(folder, 'expected.json'), `${lineJson(expected)}\n`);
  insist(same(JSON.parse(lineJson(expected)), expected), `${name}: expected.json came out wrong`);
  fs.writeFileSync(path.join(folder, 'README.md'), page(fixture, facts, expected));
};

const [outDir, ...names] = process.argv.slice(2);
if (outDir === undefined) {
  process.stderr.write('usage: node fixtures.mjs OUTDIR [NAME…]\n');
  process.exit(2);
}
for (const name of names) insist(fixtures.some(fixture => fixture.name === name), `no fixture ${name}`);
fs.mkdirSync(outDir, { recursive: true });
for (const fixture of fixtures) {
  if (names.length > 0 && !names.includes(fixture.name)) continue;
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'swing-fixture-'));
  try {
    await make(fixture, outDir, scratch);
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
  process.stdout.write(`${fixture.name}\n`);
}
fs.writeFileSync(path.join(outDir, 'README.md'), indexPage(fixtures));
