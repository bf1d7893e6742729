// Fixtures about what a store may hold: an old schema, bundles of both kinds, leftovers, hard strings, nothing at all.
import fs from 'node:fs';
import path from 'node:path';
import bundleSource from '@endo/bundle-source';
import sqlite3 from 'better-sqlite3';
import { insist, item, openRig } from './fixture-rig.mjs';
import { readRows, sha256 } from './rows.mjs';

const keepAll = { keepTranscripts: true, keepSnapshots: true };

const empty = {
  name: 'empty',
  short: 'a store that was made and closed',
  about: `A store that was made and closed. No height was ever set: the data sets say 0, or nothing.`,
  datasets: [
    ['js', 'operational'],
    ['go', 'operational'],
  ],
  async build({ reference, dir }) {
    const rig = openRig(reference, dir, {});
    await rig.host.commit();
    await rig.close();
    return { batches: rig.batches };
  },
};

/** The snapshots table of a database from before 2023-08, when a snapshot in use had to have its blob. */
const SNAPSHOTS_1A = `CREATE TABLE snapshots (
  vatID TEXT, snapPos INTEGER, inUse INTEGER CHECK(inUse = 1), hash TEXT, uncompressedSize INTEGER,
  compressedSize INTEGER, compressedSnapshot BLOB, PRIMARY KEY (vatID, snapPos), UNIQUE (vatID, inUse),
  CHECK(compressedSnapshot is not null or inUse is null)
)`;

const schema1a = {
  name: 'schema-1a',
  short: 'a database from before 2023-08',
  about: `A database of the first schema, 1A, whose \`snapshots\` table has one more constraint: what is in use must have its blob.
That table was made by plain SQL before the reference first opened the store; the rest and all rows are the reference's. It has
been worked on since: snapshots were taken, replaced, and let go, with \`keepSnapshots\` and \`keepTranscripts\` false.`,
  datasets: [['js', 'operational']],
  async build({ reference, dir }) {
    fs.mkdirSync(dir, { recursive: true });
    const db = sqlite3(path.join(dir, 'swingstore.sqlite'));
    db.pragma('journal_mode = wal');
    db.exec(SNAPSHOTS_1A);
    db.close();
    const options = { keepTranscripts: false, keepSnapshots: false };
    const rig = openRig(reference, dir, options, { init: false });
    for (const vat of ['v1', 'v2', 'v3']) {
      await rig.block(async () => {
        rig.createVat(vat);
        await rig.snapshot(vat);
        rig.deliver(vat, 4);
        await rig.snapshot(vat);
        rig.deliver(vat, 1);
      });
    }
    await rig.block(() => rig.upgrade('v2'));
    await rig.block(() => rig.terminate('v3'));
    await rig.close();
    return {
      batches: rig.batches,
      facts: ['`sqlite_schema` still has the constraint: the reference adds tables and changes none'],
    };
  },
};

/** Two packages for the bundler: one module alone, and a main module with a helper and a text of no ASCII. */
const PACKAGES = {
  alone: { 'main.js': 'export const answer = () => 42;\n' },
  pair: {
    'main.js': "import { greet } from './greet.js';\n\nexport const start = () => greet('wörld');\n",
    'greet.js': 'export const greet = name => `hello, ${name} 🌍`;\n',
  },
};

const bundlePackage = async (scratch, name) => {
  const folder = path.join(scratch, name);
  fs.mkdirSync(folder, { recursive: true });
  const manifest = { name, version: '1.0.0', type: 'module', main: 'main.js' };
  for (const [file, text] of Object.entries({ 'package.json': JSON.stringify(manifest), ...PACKAGES[name] })) {
    fs.writeFileSync(path.join(folder, file), text);
  }
  return bundleSource(path.join(folder, 'main.js'), { format: 'endoZipBase64' });
};

const b0 = bundle => [`b0-${sha256(JSON.stringify(bundle))}`, bundle];

const bundles = {
  name: 'bundles',
  short: 'bundles of both kinds',
  about: `Bundles of both kinds. \`b0-\`: with and without a source map, and one whose source is not ASCII; they lie in the table as JSON
text. \`b1-\`: two small packages as \`@endo/bundle-source\` makes them, one of a single module and one of two; they lie there as the
bytes of their zip files. One more \`b0-\` bundle was added and deleted again.`,
  datasets: [
    ['js', 'operational'],
    ['go', 'operational'],
  ],
  async build({ reference, dir, scratch }) {
    const moduleFormat = 'nestedEvaluate';
    const old = {
      'with a source map': b0({ moduleFormat, source: '(() => 7)', sourceMap: '//# sourceMap' }),
      'without one': b0({ moduleFormat, source: '(() => 8)' }),
      'not ASCII': b0({ moduleFormat, source: '(() => "日本 <&> 🐘 \u2028")', sourceMap: '' }),
    };
    const gone = b0({ moduleFormat, source: 'gone' });
    const made = {};
    for (const name of Object.keys(PACKAGES)) {
      const { moduleFormat: format, endoZipBase64, endoZipBase64Sha512 } = await bundlePackage(scratch, name);
      const bundle = { moduleFormat: format, endoZipBase64, endoZipBase64Sha512 };
      made[`package ${name}`] = [`b1-${endoZipBase64Sha512}`, bundle];
    }
    const all = { ...old, ...made };
    const rig = openRig(reference, dir, {});
    await rig.block(({ bundleStore }) => {
      for (const [id, bundle] of [...Object.values(all), gone]) bundleStore.addBundle(id, bundle);
    });
    await rig.block(({ bundleStore }) => bundleStore.deleteBundle(gone[0]));
    await rig.close();
    return {
      batches: rig.batches,
      facts: Object.entries(all).map(([what, [id]]) => `${what}: \`${id}\``),
    };
  },
};

const pendingExports = {
  name: 'pending-exports',
  short: 'rows left in `pendingExports`',
  about: `A store that was committed with rows in \`pendingExports\`. Neither a callback that fails nor a crash can do that to the
reference, which empties the table before it calls back and commits both together. What can is a callback that writes: it is
called after the table was emptied and before the commit, so the records of its own writes stay behind. That is how this one was
made, at its last commit, with the reference's own calls only. A store opened with a callback hands these rows over at its first flush;
one opened without leaves them.`,
  datasets: [],
  async build({ reference, dir }) {
    const heardBatches = [];
    let writeBack = null;
    const exportCallback = pairs => {
      heardBatches.push([...pairs]);
      writeBack?.();
    };
    const rig = openRig(reference, dir, { ...keepAll, exportCallback });
    const { kvStore } = rig.kernel;
    await rig.block(() => {
      rig.createVat('v1');
      kvStore.set('kept', 'as it was');
      kvStore.set('changed', 'before');
      kvStore.set('deleted', 'before');
    });
    writeBack = () => {
      writeBack = null;
      kvStore.set('changed', 'after');
      kvStore.set('new', '');
      kvStore.delete('deleted');
      rig.transcriptStore.addItem('v1', item('message'));
    };
    kvStore.set('trigger', 'an ordinary change');
    rig.host.kvStore.set('host.height', '2');
    await rig.host.commit();
    await rig.close();
    const left = readRows(dir).filter(([table]) => table === 'pendingExports').map(([, ...pair]) => pair);
    insist(left.length === 4, 'rows left behind:', JSON.stringify(left));
    return {
      batches: [...heardBatches, left],
      extra: { pendingExports: left },
      facts: left.map(([key, value]) => `left behind: \`${key}\` = \`${JSON.stringify(value)}\``),
    };
  },
};

const escaped = text => text.replace(/[^ -~]/gu, char => `\\u{${char.codePointAt(0).toString(16)}}`);

const HARD_TEXT = '<a href="x">&amp;</a> \\ / é e\u0301 日本 😀 \u2028 \u2029 \u0001 \u007f \t end';

const unicode = {
  name: 'unicode',
  short: 'strings that are easily got wrong',
  about: `Strings that are easily got wrong: keys, values, items and a vat name beyond ASCII and beyond the basic plane, both line separators,
characters that HTML escapes, control characters, NUL, empty values and an empty item, keys of 762 and 1000 bytes. Keys are in the
order of their UTF-8 bytes, where \`order.～\` (U+FF5E) comes before \`order.😀\` (U+1F600); by UTF-16 units it would be the other
way round. Two keys differ only in normalization. No item ends in white space: the reference trims that on import.`,
  datasets: [
    ['js', 'archival'],
    ['go', 'archival'],
  ],
  async build({ reference, dir }) {
    const rig = openRig(reference, dir, keepAll);
    const entries = {
      'order.a': '1',
      'order.é': '2',
      'order.e\u0301': '3',
      'order.\uE000': '4',
      'order.～': '5',
      'order.\uFFFD': '6',
      'order.😀': '7',
      'order.\u{10FFFF}': '8',
      'key with "quotes" and \\': HARD_TEXT,
      'key <of> & \u2028': 'x',
      'key\nof two lines': 'and\na\nvalue',
      'value.empty': '',
      'value.nul': 'before\u0000after',
      'value.json': JSON.stringify({ text: HARD_TEXT }),
      ['k'.repeat(762)]: 'a key of 762 bytes',
      ['ü'.repeat(500)]: 'a key of 1000 bytes',
      'local.ключ': 'not exported',
      'order': 'a key that begins others',
    };
    const wide = 'v😀';
    await rig.block(({ kvStore }) => {
      for (const [key, value] of Object.entries(entries)) kvStore.set(key, value);
      for (const vat of ['v1', wide]) rig.createVat(vat);
    });
    rig.host.kvStore.set('host.ключ', 'значение');
    await rig.block(async ({ transcriptStore }) => {
      for (const vat of ['v1', wide]) {
        for (const text of ['', HARD_TEXT, '🐘'.repeat(300)]) transcriptStore.addItem(vat, text);
        await rig.snapshot(vat, Buffer.from(`${HARD_TEXT}\u0000\n`));
      }
    });
    const inOrder = [];
    for (let key = rig.kernel.kvStore.getNextKey('order'); key?.startsWith('order.'); ) {
      inOrder.push(key);
      key = rig.kernel.kvStore.getNextKey(key);
    }
    await rig.close();
    const byBytes = [...inOrder].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    insist(JSON.stringify(byBytes) === JSON.stringify(inOrder), 'not in byte order:', inOrder.join(' '));
    insist(JSON.stringify([...inOrder].sort()) !== JSON.stringify(inOrder), 'no key tells the two orders apart');
    return {
      batches: rig.batches,
      facts: [`\`getNextKey\` walks ${inOrder.map(key => `\`${escaped(key)}\``).join(', ')}`],
    };
  },
};

export const fixtures = [empty, schema1a, bundles, pendingExports, unicode];
