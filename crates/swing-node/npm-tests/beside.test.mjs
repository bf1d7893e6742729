// The original in the same process: a copy of SQLite that does not see ours, nor ours it.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import '@endo/init';
import * as reference from '@agoric/swing-store';
import * as ours from 'swing-node';

import { all, populate, tempDir } from './support.mjs';

/** A store of the original's, open and at rest, whose log is empty. */
const atRest = async t => {
  const dir = tempDir(t);
  const made = reference.initSwingStore(dir);
  made.kernelStorage.kvStore.set('old', '1');
  await made.hostStorage.commit();
  await made.hostStorage.close();
  const store = reference.openSwingStore(dir);
  assert.equal(store.kernelStorage.kvStore.get('old'), '1');
  return { dir, store };
};

const oldOf = async dir => {
  const exporter = ours.makeSwingStoreExporter(dir);
  const records = new Map(await all(exporter.getExportData()));
  await exporter.close();
  return records.get('kv.old');
};

const beside = process.platform === 'linux' ? test : test.skip;

beside('a reader leaves the log of an original alone', async t => {
  const { dir, store } = await atRest(t);
  assert.equal(await oldOf(dir), '1');
  assert.ok(fs.existsSync(path.join(dir, 'swingstore.sqlite-wal')));
  store.kernelStorage.kvStore.set('old', '2');
  await store.hostStorage.commit();
  assert.equal(await oldOf(dir), '2');
  await store.hostStorage.close();
});

beside('an import does not take the place of a store that an original has open', async t => {
  const source = tempDir(t);
  const made = ours.initSwingStore(source);
  await populate(made);
  await made.hostStorage.close();
  const { dir, store } = await atRest(t);
  const { hostStorage, debug } = await ours.importSwingStore(ours.makeSwingStoreExporter(source), dir, { patienceMs: 0 });
  await assert.rejects(hostStorage.commit(), { code: 'SWING_BUSY', message: /is in use: nothing was replaced/ });
  store.kernelStorage.kvStore.set('old', '2');
  await store.hostStorage.commit();
  await store.hostStorage.close();
  assert.equal(await oldOf(dir), '2');
  await hostStorage.commit();
  assert.equal(debug.dump().kvEntries['kernel.a'], '1');
  await hostStorage.close();
  assert.equal(await oldOf(dir), undefined);
});
