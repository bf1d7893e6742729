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

test('bytes may come from another realm', async t => {
  const dir = tempDir(t);
  const bytes = text => vm.runInNewContext('Uint8Array.from(numbers)', { numbers: [...Buffer.from(text)] });
  assert.ok(!(bytes('x') instanceof Uint8Array));
  const store = ours.initSwingStore(dir);
  await populate(store);
  const { saveSnapshot, loadSnapshot } = store.kernelStorage.snapStore;
  for (const stream of [[bytes('a h'), bytes('eap')], bytes('a heap')]) {
    await saveSnapshot('v2', 1, stream);
    assert.equal(Buffer.concat(await all(loadSnapshot('v2'))).toString(), 'a heap');
  }
  await store.hostStorage.close();

  const exporter = ours.makeSwingStoreExporter(dir);
  const getArtifact = async name => bytes(Buffer.concat(await all(exporter.getArtifact(name))));
  const { hostStorage } = await ours.importSwingStore({ ...exporter, getArtifact });
  await hostStorage.close();

  const archive = path.join(dir, 'archive');
  for (const data of [bytes('gz'), [bytes('g'), bytes('z')]]) {
    await ours.makeArchiveSnapshot(archive, { fs, path, tmp })('snapshot.v1.1', data);
    assert.equal(fs.readFileSync(path.join(archive, 'snapshot.v1.1.gz'), 'utf8'), 'gz');
  }
});

test('a second store of this process is refused with what to do', async t => {
  const dir = tempDir(t);
  const { hostStorage } = ours.initSwingStore(dir);
  const refused = { code: 'SWING_BUSY', message: /this process has the store open for writing already: close it first/ };
  for (const again of [ours.openSwingStore, ours.initSwingStore]) assert.throws(() => again(dir), refused);
  await hostStorage.close();
});

test('":memory:" is no file, and a file needs its directory', async t => {
  const dir = tempDir(t);
  await inside(dir, async () => {
    for (const open of [ours.openSwingStore, ours.initSwingStore]) {
      const { hostStorage, debug, internal } = open(':memory:', { asFile: true });
      assert.deepEqual([hostStorage.diskUsage(), internal.dirPath, internal.db.file], [0, null, null]);
      assert.ok(debug.serialize().length > 0);
      await hostStorage.close();
    }
    assert.deepEqual(fs.readdirSync('.'), []);
    const file = path.join('no', 'such', 'x.sqlite');
    for (const name of ['openSwingStore', 'initSwingStore']) {
      const [theirs, mine] = await onBoth(package_ => package_[name](file, { asFile: true }));
      assert.deepEqual(mine, theirs);
      assert.equal(mine.message, 'Cannot open database because the directory does not exist');
    }
    let closed = false;
    const exporter = { getExportData: () => [], getArtifactNames: () => [], close: async () => { closed = true; } };
    await assert.rejects(ours.importSwingStore(exporter, file, { asFile: true }), { code: 'SWING_OPEN', name: 'TypeError' });
    assert.ok(closed);
    assert.deepEqual(fs.readdirSync('.'), []);
  });
});

test('an import cannot begin with an image', async () => {
  const store = ours.initSwingStore(null);
  store.kernelStorage.kvStore.set('pre', '1');
  const image = store.debug.serialize();
  const exporter = { getExportData: () => [], getArtifactNames: () => [], close: async () => {} };
  const refused = { code: 'SWING_ARGUMENT', message: /options\.serialized/ };
  for (const serialized of [image, [...image]]) {
    await assert.rejects(ours.importSwingStore(exporter, null, { serialized }), refused);
  }
  for (const serialized of [undefined, null, Buffer.alloc(0)]) {
    await (await ours.importSwingStore(exporter, null, { serialized })).hostStorage.close();
  }
});

test('what a snapshot was saved as has the order of the original', async () => {
  const [theirs, mine] = await onBoth(async ({ initSwingStore }) => {
    const { snapStore } = initSwingStore(null).kernelStorage;
    return Object.keys(await snapStore.saveSnapshot('v1', 1, [Buffer.from('heap')]));
  });
  assert.deepEqual(mine, theirs);
});

const WRAPPERS = { wrapTranscriptStore: 'addItem', wrapSnapStore: 'getSnapshotInfo', wrapBundleStore: 'hasBundle' };
for (const [option, left] of Object.entries(WRAPPERS)) {
  test(`${option} may not leave ${left} out, and the store is closed then`, async t => {
    const dir = tempDir(t);
    const wrap = ({ [left]: _, ...rest }) => rest;
    const [theirs, mine] = await onBoth(({ initSwingStore }) => initSwingStore(null, { [option]: wrap }));
    assert.deepEqual(mine, theirs);
    assert.equal(mine.message, `specimen is missing path ["${left}"]`);
    assert.throws(() => ours.initSwingStore(dir, { [option]: wrap }), { code: 'SWING_ARGUMENT' });
    await ours.openSwingStore(dir).hostStorage.close();
  });
}

test('what is no mode or format is quoted as there', async t => {
  const dir = tempDir(t);
  await ours.initSwingStore(dir).hostStorage.close();
  for (const odd of [7n, Symbol('x'), 7, 'x', ['x'], null]) {
    for (const call of [
      ({ makeSwingStoreExporter }) => makeSwingStoreExporter(dir, { artifactMode: odd }),
      ({ initSwingStore }) => initSwingStore(null).kernelStorage.bundleStore.addBundle('b0-00', { moduleFormat: odd }),
    ]) {
      const [theirs, mine] = await onBoth(call);
      assert.deepEqual(mine, theirs);
    }
  }
  const round = {};
  round.round = round;
  assert.throws(() => ours.makeSwingStoreExporter(dir, { artifactMode: round }), { code: 'SWING_ARGUMENT' });
});

test('what is no base64 is refused in the words of the original, with the bundle where it says <unknown>', async () => {
  for (const text of ['QQ', 'QQ=', 'Q', 'QUI', 'QUJD=', 'QQ==QQ==', 'Q!', 'QUJDé', '漢', ' QUJD', 'QUJD\n', '=', '====', 'QQ-_']) {
    const bundle = { moduleFormat: 'endoZipBase64', endoZipBase64: text, endoZipBase64Sha512: 'aa' };
    const [theirs, mine] = await onBoth(({ initSwingStore }) => initSwingStore(null).kernelStorage.bundleStore.addBundle('b1-aa', bundle));
    assert.equal(theirs.how, 'throws', text);
    assert.deepEqual(mine, { ...theirs, message: theirs.message.replace('<unknown>', 'b1-aa') }, text);
  }
});

test('what an exporter iterates with looks like the generators of the original', async t => {
  const dir = tempDir(t);
  const store = ours.initSwingStore(dir);
  await populate(store);
  await store.hostStorage.close();
  const looks = [];
  for (const { makeSwingStoreExporter } of Object.values(BOTH)) {
    const exporter = makeSwingStoreExporter(dir);
    const iterators = [exporter.getExportData(), exporter.getArtifactNames(), exporter.getArtifact('snapshot.v1.3')];
    looks.push(
      iterators.map(iterator => ({
        tag: Object.prototype.toString.call(iterator),
        disposes: Symbol.asyncDispose !== undefined && typeof iterator[Symbol.asyncDispose],
        itself: iterator[Symbol.asyncIterator]() === iterator,
        frozen: Object.isFrozen(iterator),
      })),
    );
    await exporter.close();
  }
  const [theirs, mine] = looks;
  assert.deepEqual(mine, theirs.map(look => ({ ...look, frozen: true })));
});

test('what uses the platform to let go of an iterator lets go of it', async t => {
  const dir = tempDir(t);
  await ours.initSwingStore(dir).hostStorage.close();
  const exporter = ours.makeSwingStoreExporter(dir);
  const iterator = exporter.getExportData();
  const dispose = Symbol.asyncDispose && iterator[Symbol.asyncDispose];
  await (dispose ? Reflect.apply(dispose, iterator, []) : iterator.return());
  assert.deepEqual(await iterator.next(), { done: true, value: undefined });
  await exporter.close();
});

test('a native module that is not there is told with its path', async t => {
  const dir = tempDir(t);
  const { resolve } = createRequire(import.meta.url);
  fs.cpSync(path.dirname(resolve('swing-node')), path.join(dir, 'src'), { recursive: true });
  fs.writeFileSync(path.join(dir, 'package.json'), '{"type":"module"}');
  const load = () => import(path.join(dir, `src/index.js?${Math.random()}`));
  await assert.rejects(load(), ({ message }) => message.includes(`there is no ${path.join(dir, 'native')}`));
});

test('V8 knows what stores weigh, and looks sooner for those that nobody has any more', async () => {
  const source = `
    import { initSwingStore } from 'swing-node';
    let most = 0;
    let there = 0;
    const gone = new FinalizationRegistry(() => { there -= 1; });
    for (let at = 0; at < 1000; at += 1) {
      gone.register(initSwingStore(null).internal.db);
      there += 1;
      most = Math.max(most, there);
      // V8 takes nothing away from who is still running.
      await new Promise(setImmediate);
    }
    console.log(most);
  `;
  // Without that it is more than 500, and with it some 260.
  const most = Number(await inChild(source));
  assert.ok(most > 0 && most < 380, String(most));
});
