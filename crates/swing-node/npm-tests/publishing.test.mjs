// The commit of an import: what keeps it from its place, and that it can be made again as long as nothing was replaced.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import { importSwingStore, initSwingStore, makeSwingStoreExporter, openSwingStore } from 'swing-node';

import { all, populate, tempDir } from './support.mjs';

/** The directory of a store to import. */
const sourceDir = async t => {
  const dir = tempDir(t);
  const store = initSwingStore(dir);
  await populate(store);
  await store.hostStorage.close();
  return dir;
};

const recordsOf = async dir => {
  const exporter = makeSwingStoreExporter(dir);
  const records = await all(exporter.getExportData());
  await exporter.close();
  return records;
};

/** The directory of a store, and somebody who reads what is only in its log. */
const beingRead = async t => {
  const dir = tempDir(t);
  const { kernelStorage, hostStorage } = initSwingStore(dir);
  kernelStorage.kvStore.set('old', 'yes');
  await hostStorage.commit();
  const reader = makeSwingStoreExporter(dir);
  await hostStorage.close();
  return { dir, reader };
};

const inUse = { code: 'SWING_BUSY', message: /is in use: nothing was replaced/ };

test('a commit of an import that was refused can be made again', async t => {
  const source = await sourceDir(t);
  const { dir, reader } = await beingRead(t);
  const { hostStorage, debug } = await importSwingStore(makeSwingStoreExporter(source), dir, { patienceMs: 5 });
  hostStorage.kvStore.set('host.height', '17');
  await assert.rejects(hostStorage.commit(), inUse);
  for (const { reason } of await Promise.allSettled([hostStorage.commit(), hostStorage.commit()])) {
    assert.equal(reason.code, inUse.code);
    assert.match(reason.message, inUse.message);
  }
  // It is as it was before, and takes more keys.
  assert.equal(hostStorage.kvStore.get('host.height'), '17');
  assert.equal(debug.dump().kvEntries['kernel.a'], '1');
  hostStorage.kvStore.set('host.late', 'yes');
  assert.deepEqual((await all(reader.getExportData())).map(([key]) => key), ['kv.old']);
  await reader.close();
  await hostStorage.commit();
  assert.equal(hostStorage.kvStore.get('host.late'), 'yes');
  hostStorage.kvStore.set('host.height', '18');
  await hostStorage.commit();
  await hostStorage.close();
  assert.deepEqual(fs.readdirSync(dir), ['swingstore.sqlite']);
  assert.deepEqual(await recordsOf(dir), await recordsOf(source));
});

test('an import that is closed after its commit was refused leaves the old store as it was', async t => {
  const source = await sourceDir(t);
  const { dir, reader } = await beingRead(t);
  const { hostStorage } = await importSwingStore(makeSwingStoreExporter(source), dir, { patienceMs: 0 });
  await assert.rejects(hostStorage.commit(), inUse);
  await hostStorage.close();
  await assert.rejects(hostStorage.commit(), /no import/);
  await reader.close();
  const old = openSwingStore(dir);
  assert.equal(old.kernelStorage.kvStore.get('old'), 'yes');
  await old.hostStorage.close();
  assert.deepEqual(fs.readdirSync(dir), ['swingstore.sqlite']);
});

test('an import that waits for readers can be closed, and stops waiting', async t => {
  const source = await sourceDir(t);
  const { dir, reader } = await beingRead(t);
  const { hostStorage } = await importSwingStore(makeSwingStoreExporter(source), dir, { patienceMs: 600_000 });
  const refused = assert.rejects(hostStorage.commit(), inUse);
  await hostStorage.close();
  await refused;
  await reader.close();
  await openSwingStore(dir).hostStorage.close();
  assert.deepEqual(fs.readdirSync(dir), ['swingstore.sqlite']);
});

test('a commit of an import waits until its readers are gone', async t => {
  const source = await sourceDir(t);
  const { dir, reader } = await beingRead(t);
  const { hostStorage } = await importSwingStore(makeSwingStoreExporter(source), dir, { patienceMs: 600_000 });
  const committed = hostStorage.commit();
  // More than one attempt.
  await new Promise(resolve => setTimeout(resolve, 250));
  await reader.close();
  await committed;
  await hostStorage.close();
  assert.deepEqual(await recordsOf(dir), await recordsOf(source));
});

test('an import is put in place when what was in its way is not any more', async t => {
  const source = await sourceDir(t);
  const dir = tempDir(t);
  const { hostStorage } = await importSwingStore(makeSwingStoreExporter(source), dir);
  const file = path.join(dir, 'swingstore.sqlite');
  fs.mkdirSync(path.join(file, 'in the way'), { recursive: true });
  const both = await Promise.allSettled([hostStorage.commit(), hostStorage.commit()]);
  for (const { reason } of both) assert.match(reason.message, /could not move the new store into place/);
  fs.rmSync(file, { recursive: true });
  await hostStorage.commit();
  await hostStorage.close();
  assert.deepEqual(fs.readdirSync(dir), ['swingstore.sqlite']);
});

test('an import that is lost says why, once, and can be closed', async t => {
  const source = await sourceDir(t);
  const dir = tempDir(t);
  const { hostStorage, debug } = await importSwingStore(makeSwingStoreExporter(source), dir);
  fs.rmSync(path.join(dir, 'swingstore.sqlite-import'));
  const [first, second] = await Promise.allSettled([hostStorage.commit(), hostStorage.commit()]);
  assert.match(first.reason.message, /swingstore.sqlite-import/);
  assert.match(second.reason.message, /could not be put in place, and nothing is left of it/);
  assert.throws(() => debug.dump(), /not open/);
  assert.throws(() => hostStorage.diskUsage(), /not open/);
  await hostStorage.close();
  await assert.rejects(hostStorage.close(), /not initialized/);
  assert.deepEqual(fs.readdirSync(dir), []);
});

test('patience is a number of milliseconds', async t => {
  const source = await sourceDir(t);
  const importing = patienceMs => importSwingStore(makeSwingStoreExporter(source), null, { patienceMs });
  for (const wrong of [-1, 0.5, NaN, Infinity, '5', null, {}]) {
    await assert.rejects(importing(wrong), { code: 'SWING_ARGUMENT', message: /patienceMs/ });
  }
  for (const right of [undefined, 0, Number.MAX_SAFE_INTEGER]) {
    const { hostStorage } = await importing(right);
    await hostStorage.commit();
    await hostStorage.close();
  }
});

test('no patience is too long', async t => {
  const source = await sourceDir(t);
  const dir = tempDir(t);
  await initSwingStore(dir).hostStorage.close();
  const patienceMs = Number.MAX_SAFE_INTEGER;
  const { hostStorage } = await importSwingStore(makeSwingStoreExporter(source), dir, { patienceMs });
  await hostStorage.commit();
  await hostStorage.close();
});
