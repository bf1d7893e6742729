// What fails on another thread is told with the frames of whoever made the call.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import test from 'node:test';
import Database from 'better-sqlite3';
import { importSwingStore, initSwingStore, makeSwingStoreExporter, openSwingStore } from 'swing-node';

import { all, inChild, populate, tempDir } from './support.mjs';

const isLockedDown = Object.isFrozen(Array.prototype);

/** A store whose artifacts are not what their hashes say. */
const damaged = async t => {
  const dir = tempDir(t);
  const store = initSwingStore(dir);
  await populate(store);
  await store.hostStorage.close();
  const db = new Database(path.join(dir, 'swingstore.sqlite'));
  db.exec(`UPDATE transcriptItems SET item = 'other'; UPDATE snapshots SET hash = '${'0'.repeat(64)}'`);
  db.close();
  return dir;
};

/** Exports these records, and nothing else. */
const records = (...pairs) => ({
  getExportData: () => pairs,
  getArtifactNames: () => [],
  close: async () => {},
});

const CALLS = {
  'an import whose records are refused': () => importSwingStore(records(['bundle.b0-11', 'b0-22'])),
  'an import of what is damaged': async dir => importSwingStore(makeSwingStoreExporter(dir)),
  'a snapshot that is loaded': async dir => {
    const store = openSwingStore(dir, { readonly: true });
    try {
      await all(store.kernelStorage.snapStore.loadSnapshot('v1'));
    } finally {
      await store.hostStorage.close();
    }
  },
  'an artifact that is exported': async dir => {
    const exporter = makeSwingStoreExporter(dir);
    try {
      await all(exporter.getArtifact('snapshot.v1.3'));
    } finally {
      await exporter.close();
    }
  },
  'an artifact that is not there': async dir => {
    const exporter = makeSwingStoreExporter(dir);
    try {
      await all(exporter.getArtifact('transcript.v9.0.1'));
    } finally {
      await exporter.close();
    }
  },
  'the commit of an import': async dir => {
    const target = path.join(dir, 'target');
    const { hostStorage } = await importSwingStore(records(['kv.a', '1']), target);
    fs.mkdirSync(path.join(target, 'swingstore.sqlite', 'in the way'), { recursive: true });
    try {
      await hostStorage.commit();
    } finally {
      await hostStorage.close();
    }
  },
};

for (const [what, call] of Object.entries(CALLS)) {
  test(`${what} fails with the frames of its caller`, async t => {
    const dir = await damaged(t);
    const theHost = async () => {
      await call(dir);
    };
    const error = await theHost().then(
      () => assert.fail('it did not fail'),
      reason => reason,
    );
    assert.match(error.code, /^SWING_/);
    // Under lockdown a stack is for the console alone: see below.
    if (!isLockedDown) {
      const [first] = error.stack.split('\n    at ', 1);
      assert.equal(first, `Error: ${error.message}`);
      assert.ok(error.stack.includes('stacks.test.mjs'), error.stack);
    }
    const property = name => {
      const { enumerable, writable, configurable } = Object.getOwnPropertyDescriptor(error, name);
      return { enumerable, writable, configurable };
    };
    assert.deepEqual(property('message'), { enumerable: false, writable: true, configurable: true });
    assert.deepEqual(property('code'), { enumerable: true, writable: true, configurable: true });
    assert.deepEqual(Object.keys(error), ['code']);
  });
}

test("a host's own error stays what it is", async () => {
  const boom = Error('boom');
  const failing = { ...records(), getExportData: () => [['kv.a', '1']], getArtifactNames: () => { throw boom; } };
  await assert.rejects(importSwingStore(failing), error => error === boom);
});

for (const init of ['@endo/init', '@endo/init/debug.js']) {
  test(`the console shows the caller after ${init}`, async () => {
    const source = `
      console.error = console.log;
      await import('${init}');
      const { importSwingStore } = await import('swing-node');
      const theHost = () =>
        importSwingStore({ getExportData: () => [['bundle.b0-11', 'b0-22']], getArtifactNames: () => [], close: async () => {} });
      await theHost().catch(error => console.log('failed:', error));
    `;
    const said = await inChild(source);
    assert.match(said, /its text should be the bundle's ID/);
    assert.match(said, / at theHost /);
  });
}
