// `node --import redirect.mjs look.mjs FOLDER`: makes a store in the folder and looks into it as a person does with the chain's inquisitor.
// Prints what came of each step, a line of JSON each.

import '@endo/init/debug.js';
import { makeHelpers, makeSwingStoreOverlay } from '@agoric/cosmic-swingset/tools/inquisitor.mjs';
import { initSwingStore, openSwingStore } from '@agoric/swing-store';

const [folder] = process.argv.slice(2);
const BUNDLE = { moduleFormat: 'nestedEvaluate', source: '1+1', sourceMap: '//m' };
const BUNDLE_ID = 'b0-206e25f8fcb6f920cf1642e06ef7c956d85cd52331cf2afca02a809799ba301e';

const all = async iterable => {
  const items = [];
  for await (const item of iterable) items.push(item);
  return items;
};

/** What a step came to. Of errors, how the inquisitor words its own, and whether there was one. */
const tell = async (what, step) => {
  let answer;
  try {
    answer = { value: await step() };
  } catch (error) {
    answer = { error: error.message.startsWith('[inquisitor]') ? error.message : true };
  }
  console.log(JSON.stringify({ what, ...answer }));
};

/** A chain with a few vats that know of each other, as far as the inquisitor asks. */
const make = async () => {
  const { kernelStorage, hostStorage } = initSwingStore(folder);
  const { kvStore, transcriptStore, snapStore } = kernelStorage;
  kernelStorage.startCrank();
  const pairs = {
    'vat.names': '["alice","bob"]',
    'vat.name.alice': 'v1',
    'vat.name.bob': 'v2',
    'vat.dynamicIDs': '["v3"]',
    'v1.options': '{"name":"alice"}',
    'v3.options': '{"name":"carol"}',
    'v3.source': `{"bundleID":"${BUNDLE_ID}"}`,
    'v1.vs.vom.dkind.10.descriptor': '{"tag":"purse"}',
    'v1.vs.vom.o+d10/1': '{"brand":"o-123"}',
    'v1.vs.vom.o+d10/2': '{"brand":"o-1234"}',
    'v1.c.ko7': 'R o+d10/1',
    'v1.c.o+d10/1': 'ko7',
    'v2.c.ko7': '_ o-50',
    'v2.c.o-50': 'ko7',
  };
  for (const [key, value] of Object.entries(pairs)) kvStore.set(key, value);
  for (const vatID of ['v1', 'v2']) {
    transcriptStore.initTranscript(vatID);
    transcriptStore.addItem(vatID, '{"d":["initialize-worker"]}');
  }
  await snapStore.saveSnapshot('v1', 1, [Buffer.from('a heap')]);
  await transcriptStore.rolloverSpan('v1');
  transcriptStore.addItem('v1', '{"d":["load-snapshot"]}');
  kernelStorage.bundleStore.addBundle(BUNDLE_ID, BUNDLE);
  kernelStorage.emitCrankHashes();
  kernelStorage.endCrank();
  hostStorage.kvStore.set('host.height', '17');
  await hostStorage.commit();
  await hostStorage.close();
};

const dump = async () => {
  const { debug, hostStorage } = openSwingStore(folder, { readonly: true });
  const found = JSON.stringify(debug.dump());
  await hostStorage.close();
  return found;
};

await make();
const before = await dump();
const { swingStore, mutations } = makeSwingStoreOverlay(`${folder}/swingstore.sqlite`);
const { kernelStorage, hostStorage, internal } = swingStore;
const { stable } = makeHelpers({ db: internal.db, EV: {} });

// The helpers, and the queries that its own words of help give as examples.
await tell('vats', () => [...stable.vatsByID]);
await tell('names', () => [...stable.vatsByName]);
await tell('kvGet', () => [stable.kvGet('host.height'), stable.kvGet('nothing'), stable.kvGetJSON('vat.names')]);
await tell('kvGlob', () => [stable.kvGlob('v1.*'), stable.kvGlob('v?.c.*7', 'R*'), [...stable.kvGlob('v*.options', undefined, true)]]);
await tell('scanVatStore', () => stable.scanVatStore('v1', 'o-123'));
await tell('getRefs', () => [stable.getRefs('ko7'), stable.getRefs('o-50', 'v2')]);
await tell('tables', () => {
  const tables = stable.db.prepare("SELECT name FROM sqlite_schema WHERE type='table'").pluck().all();
  return ['bundles', 'kvStore', 'snapshots', 'transcriptItems', 'transcriptSpans'].filter(name => tables.includes(name));
});
await tell('pragma', () => stable.db.pragma('table_info(transcriptSpans)'));

// What only reads, as long as nothing has changed.
const { transcriptStore, snapStore, bundleStore } = internal;
for (const [what, store] of Object.entries({ transcriptStore, snapStore, bundleStore })) {
  await tell(`${what} records`, () => [...store.getExportRecords()]);
  await tell(`${what} names`, () => all(store.getArtifactNames('archival')));
}
const text = async chunks => String(Buffer.concat(await all(chunks)));
await tell('exportSpan', () => text(transcriptStore.exportSpan('transcript.v1.0.1')));
await tell('exportSnapshot', () => text(snapStore.exportSnapshot('snapshot.v1.1')));
await tell('exportBundle', () => text(bundleStore.exportBundle(`bundle.${BUNDLE_ID}`)));

// A crank over it.
await tell('crank', () => {
  kernelStorage.startCrank();
  kernelStorage.establishCrankSavepoint('start');
  kernelStorage.kvStore.set('v1.options', '{"name":"alice","new":true}');
  kernelStorage.kvStore.delete('v2.c.o-50');
  kernelStorage.kvStore.set('local.x', 'y');
  kernelStorage.transcriptStore.addItem('v1', 'overlaid');
  return [[...kernelStorage.transcriptStore.readSpan('v1')], kernelStorage.transcriptStore.getCurrentSpanBounds('v1')];
});
await tell('next keys', () => ['v1', 'v1.options', 'v2'].map(kernelStorage.kvStore.getNextKey));
await tell('hashes', () => [kernelStorage.emitCrankHashes(), kernelStorage.getActivityhash()]);
await tell('snapshot', () => kernelStorage.snapStore.saveSnapshot('v2', 1, [Buffer.from('another heap')]));
await tell('rollover', () => kernelStorage.transcriptStore.rolloverSpan('v2'));
await tell('bundle', async () => {
  const id = `b1-${'0'.repeat(128)}`;
  kernelStorage.bundleStore.addBundle(id, { moduleFormat: 'endoZipBase64', endoZipBase64: 'eHg=', endoZipBase64Sha512: '0'.repeat(128) });
  return [kernelStorage.bundleStore.getBundle(id), kernelStorage.bundleStore.getBundle(BUNDLE_ID)];
});
await tell('bundle again', () => bundleStore.importBundleRecord(`bundle.${BUNDLE_ID}`, BUNDLE_ID));
await tell('imported bundle', async () => {
  const bundle = JSON.stringify({ moduleFormat: 'nestedEvaluate', source: '2+2' });
  const { createHash } = await import('node:crypto');
  const id = `b0-${createHash('sha256').update(bundle).digest('hex')}`;
  bundleStore.importBundleRecord(`bundle.${id}`, id);
  const half = bundleStore.hasBundle(id);
  await bundleStore.importBundle(`bundle.${id}`, async () => Buffer.from(bundle));
  return [half, bundleStore.getBundle(id)];
});
await tell('end of the crank', () => kernelStorage.endCrank());
await tell('commit', () => hostStorage.commit());

// The queries go on seeing what is in the file; what is forbidden from now on is forbidden in its own words.
await tell('kvGet after', () => [stable.kvGet('v1.options'), stable.kvGet('v2.c.o-50')]);
await tell('records after', () => [...bundleStore.getExportRecords()]);
await tell('disallowed', () => transcriptStore.populateTranscriptSpan('transcript.v1.0.1', []));
await tell('mutations', () => mutations);
await tell('close', () => hostStorage.close());
await tell('the file is as it was', async () => (await dump()) === before);
