// What hosts and their tools do with a package that is not in the documents, beside the original.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import test from 'node:test';
import vm from 'node:vm';
import '@endo/init';
import * as reference from '@agoric/swing-store';
import * as ours from 'swing-node';
import tmp from 'tmp';

import { all, inChild, outcome, populate, tempDir } from './support.mjs';

const BOTH = { theirs: reference, mine: ours };

/** Both outcomes of a call: how, and with which words or answer. */
const onBoth = async call => {
  const seen = [];
  for (const package_ of Object.values(BOTH)) {
    const { how, value, error } = await outcome(() => call(package_));
    seen.push(error ? { how, message: error.message } : { how, value });
  }
  return seen;
};

/** Works in another directory. */
const inside = async (dir, work) => {
  const before = process.cwd();
  process.chdir(dir);
  try {
    return await work();
  } finally {
    process.chdir(before);
  }
};

test('a store that was opened by a relative path is found when the process goes elsewhere', async t => {
  const dir = tempDir(t);
  fs.mkdirSync(path.join(dir, 'elsewhere'));
  for (const opened of [
    () => ours.initSwingStore('store'),
    () => ours.openSwingStore('store'),
    () => ours.openSwingStore('store', { readonly: true }),
    () => ours.openSwingStore('store/swingstore.sqlite', { asFile: true }),
  ]) {
    await inside(dir, async () => {
      const { hostStorage, debug } = opened();
      await hostStorage.commit();
      const usage = debug.diskUsage();
      assert.ok(usage.database > 0);
      process.chdir('elsewhere');
      assert.deepEqual(debug.diskUsage(), usage);
      assert.equal(hostStorage.diskUsage(), usage.database);
      await hostStorage.close();
      assert.ok(hostStorage.diskUsage() > 0);
    });
  }
});

test('an import to a relative path arrives there, wherever the process is when it commits', async t => {
  const dir = tempDir(t);
  const store = ours.initSwingStore(path.join(dir, 'source'));
  await populate(store);
  await store.hostStorage.close();
  fs.mkdirSync(path.join(dir, 'elsewhere'));
  const trace = path.join(dir, 'trace');
  await inside(dir, async () => {
    const exporter = ours.makeSwingStoreExporter('source');
    const getArtifactNames = () => {
      process.chdir('elsewhere');
      return exporter.getArtifactNames();
    };
    const importing = ours.importSwingStore({ ...exporter, getArtifactNames }, 'target', { traceFile: 'trace' });
    const { hostStorage, debug } = await importing;
    assert.equal(debug.getDatabase().file, path.join(fs.realpathSync(dir), 'target', 'swingstore.sqlite'));
    await hostStorage.commit();
    assert.ok(hostStorage.diskUsage() > 0);
    await hostStorage.close();
    assert.deepEqual(fs.readdirSync('.'), []);
  });
  assert.ok(ours.isSwingStore(path.join(dir, 'target')) && fs.existsSync(trace));
});

test('how large a file is that is gone is an error, and how large its log is that is not there is 0', async t => {
  const dir = tempDir(t);
  const { hostStorage, debug } = ours.initSwingStore(dir);
  await hostStorage.close();
  assert.equal(debug.diskUsage().wal, 0);
  fs.rmSync(path.join(dir, 'swingstore.sqlite'));
  for (const usage of [hostStorage.diskUsage, debug.diskUsage]) {
    assert.throws(usage, { code: 'SWING_IO', message: /swingstore\.sqlite.*No such file/ });
  }
});

test('the size of a store can be asked for when it is closed, as there', async t => {
  for (const dir of [null, tempDir(t)]) {
    const [theirs, mine] = await onBoth(async ({ initSwingStore }) => {
      const { hostStorage } = initSwingStore(dir);
      await hostStorage.close();
      return hostStorage.diskUsage() > 0;
    });
    assert.deepEqual(mine, theirs);
    assert.deepEqual(mine, { how: 'resolves', value: dir !== null });
  }
});

test('a second store of this process is refused with what to do', async t => {
  const dir = tempDir(t);
  const { hostStorage } = ours.initSwingStore(dir);
  const refused = { code: 'SWING_BUSY', message: /this process has the store open for writing already: close it first/ };
  for (const again of [ours.openSwingStore, ours.initSwingStore]) assert.throws(() => again(dir), refused);
  await hostStorage.close();
});
