// The types in index.d.ts: a strict program that uses all of them compiles, and what they name is what there is. The compiler
// comes with what the original is installed with.
import assert from 'node:assert/strict';
import path from 'node:path';
import test from 'node:test';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import * as ours from 'swing-node';

import { tempDir } from './support.mjs';

const here = name => fileURLToPath(new URL(name, import.meta.url));
const program = ts.createProgram([here('types/use.ts'), here('types/node.d.ts')], {
  strict: true,
  noEmit: true,
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  lib: ['lib.es2022.d.ts'],
  types: [],
});
const checker = program.getTypeChecker();
const declared = program.getSourceFiles().find(file => file.fileName.endsWith(path.join('swing-node', 'index.d.ts')));
const names = checker.getExportsOfModule(checker.getSymbolAtLocation(declared));

/** The members of a type, those that it inherits included. */
const members = name => {
  const symbol = names.find(known => known.name === name);
  return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol)).map(member => member.name);
};

test('a strict program that uses all types compiles', () => {
  const said = ts.getPreEmitDiagnostics(program).map(one => `${one.start} ${ts.flattenDiagnosticMessageText(one.messageText, '\n')}`);
  assert.deepEqual(said, []);
});

test('the functions that are declared are those that there are', () => {
  const functions = names.filter(symbol => symbol.flags & ts.SymbolFlags.Function).map(symbol => symbol.name);
  assert.deepEqual(functions.sort(), Object.keys(ours).sort());
});

test('the parts of a store have the members that are declared', async t => {
  const dir = tempDir(t);
  const store = ours.initSwingStore(dir);
  const { kernelStorage, hostStorage, debug, internal } = store;
  const exporter = ours.makeSwingStoreExporter(dir);
  const parts = {
    SwingStore: store,
    SwingStoreKernelStorage: kernelStorage,
    SwingStoreHostStorage: hostStorage,
    SwingStoreDebugTools: debug,
    SwingStoreInternal: internal,
    SwingStoreDebugDump: debug.dump(),
    KVStore: kernelStorage.kvStore,
    TranscriptStore: kernelStorage.transcriptStore,
    SnapStore: kernelStorage.snapStore,
    BundleStore: kernelStorage.bundleStore,
    TranscriptStoreInternal: internal.transcriptStore,
    SnapStoreInternal: internal.snapStore,
    BundleStoreInternal: internal.bundleStore,
    Database: internal.db,
    SwingStoreExporter: exporter,
  };
  for (const [name, part] of Object.entries(parts)) assert.deepEqual(Object.keys(part).sort(), members(name).sort(), name);
  const substores = {
    TranscriptStore: ours.makeTranscriptStore(internal.db, () => {}),
    SnapStore: ours.makeSnapStore(internal.db, () => {}),
    BundleStore: ours.makeBundleStore(internal.db, () => {}),
  };
  for (const [name, substore] of Object.entries(substores)) {
    const all = new Set([...members(`${name}Internal`), ...members(`${name}Debug`)]);
    assert.deepEqual(Object.keys(substore).sort(), [...all].sort(), name);
  }
  await exporter.close();
  await hostStorage.close();
});

test('answers have the members that are declared', async () => {
  const { kernelStorage, internal } = ours.initSwingStore(null);
  const { snapStore, transcriptStore } = kernelStorage;
  transcriptStore.initTranscript('v1');
  const saved = await snapStore.saveSnapshot('v1', 1, [Buffer.from('heap')]);
  const answers = {
    SnapshotResult: saved,
    SnapshotInfo: snapStore.getSnapshotInfo('v1'),
    SnapshotRow: [...internal.snapStore.listAllSnapshots()][0],
    SpanBounds: transcriptStore.getCurrentSpanBounds('v1'),
    Cleanup: transcriptStore.deleteVatTranscripts('v1'),
  };
  for (const [name, answer] of Object.entries(answers)) assert.deepEqual(Object.keys(answer).sort(), members(name).sort(), name);
});
