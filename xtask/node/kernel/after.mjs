// `node --import ./redirect.mjs after.mjs FOLDER BLOCKS MORE BUNDLES IMPORTED GOES-ON-FROM`: exports FOLDER/store in every mode, and imports
// those exports whose modes are in the list IMPORTED. From those in the second list, and from FOLDER/other, a store that
// somebody else wrote, the kernel goes on for MORE blocks. What happened is in FOLDER/after.jsonl, with every batch.

import '@endo/init';
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { importSwingStore, makeSwingStoreExporter } from '@agoric/swing-store';
import { readExport } from './exporting.mjs';
import { makeHost } from './host.mjs';
import { makeLog } from './log.mjs';

const [folder, blocksText, more, bundlesFile, importedList, goesOnFrom] = process.argv.slice(2);
const { kernel } = JSON.parse(readFileSync(bundlesFile));
const blocks = Number(blocksText);
const log = makeLog(join(folder, 'after.jsonl'));

const rows = directory => {
  const script = fileURLToPath(new URL('rows.mjs', import.meta.url));
  return JSON.parse(execFileSync(process.execPath, [script, directory]).toString());
};

const exported = async (directory, artifactMode) => {
  const exporter = makeSwingStoreExporter(directory, { artifactMode });
  const read = await readExport(exporter);
  await exporter.close();
  return read;
};

const goOn = async directory => {
  const host = makeHost({ directory, bundles: kernel, blocks, log, exports: log });
  await host.start();
  for (let block = blocks + 1; block <= blocks + Number(more); block += 1) {
    await host.block(block);
  }
  await host.stop();
  return rows(directory);
};

const imported = async (from, artifactMode, to) => {
  const exporter = makeSwingStoreExporter(from, { artifactMode });
  const height = exporter.getHostKV('host.height');
  const store = await importSwingStore(exporter, to, { artifactMode, keepTranscripts: true, keepSnapshots: true });
  store.hostStorage.kvStore.set('host.height', height);
  await store.hostStorage.commit();
  await store.hostStorage.close();
  return rows(to);
};

const store = join(folder, 'store');
for (const artifactMode of ['operational', 'replay', 'archival', 'debug']) {
  log.write({ artifactMode, exported: await exported(store, artifactMode) });
  if (importedList.split(',').includes(artifactMode)) {
    const copy = join(folder, `imported-${artifactMode}`);
    log.write({ artifactMode, imported: await imported(store, artifactMode, copy) });
    log.write({ artifactMode, again: await exported(copy, artifactMode) });
    if (goesOnFrom.split(',').includes(artifactMode)) {
      log.write({ artifactMode, goneOn: await goOn(copy) });
    }
    rmSync(copy, { recursive: true });
  }
}
log.write({ other: await goOn(join(folder, 'other')) });
log.close();
