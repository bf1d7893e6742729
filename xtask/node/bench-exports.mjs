// What a store costs to get out and in as a whole.
import fs from 'node:fs';
import path from 'node:path';
import { now } from './bench-data.mjs';

/** A dataset on disk as the importer wants it: nothing is held but a chunk. */
const datasetExporter = dir => {
  const manifest = JSON.parse(fs.readFileSync(path.join(dir, 'export-manifest.json'), 'utf8'));
  const files = new Map(manifest.artifacts);
  return {
    getHostKV: () => undefined,
    async *getExportData() {
      let rest = '';
      for await (const chunk of fs.createReadStream(path.join(dir, manifest.data), { encoding: 'utf8', highWaterMark: 1 << 20 })) {
        const lines = (rest + chunk).split('\n');
        rest = lines.pop();
        for (const line of lines) yield JSON.parse(line);
      }
    },
    async *getArtifactNames() {
      yield* files.keys();
    },
    getArtifact: name => fs.createReadStream(path.join(dir, files.get(name))),
    close: async () => {},
  };
};

export const makeExportWorks = ({ importSwingStore, makeSwingStoreExporter }) => {
  const exportData = async ({ dir }) => {
    const exporter = makeSwingStoreExporter(dir, { artifactMode: 'operational' });
    let records = 0;
    let bytes = 0;
    const start = now();
    for await (const [key, value] of exporter.getExportData()) {
      records += 1;
      bytes += key.length + value.length;
    }
    const all = (now() - start) * 1e6;
    await exporter.close();
    return { all, each: all / records, records, bytes };
  };

  const fullExport = async ({ dir, mode }) => {
    const start = now();
    const exporter = makeSwingStoreExporter(dir, { artifactMode: mode });
    let bytes = 0;
    for await (const [key, value] of exporter.getExportData()) bytes += key.length + value.length;
    for await (const name of exporter.getArtifactNames()) {
      for await (const chunk of exporter.getArtifact(name)) bytes += chunk.length;
    }
    await exporter.close();
    return { all: (now() - start) * 1e6, bytes };
  };

  const importing = async ({ dataset, dir, mode }) => {
    const start = now();
    const { hostStorage } = await importSwingStore(datasetExporter(dataset), dir, { artifactMode: mode });
    hostStorage.kvStore.set('host.height', '17');
    await hostStorage.commit();
    await hostStorage.close();
    return { all: (now() - start) * 1e6 };
  };

  const exporterReady = async ({ dir, rounds }) => {
    let ready = 0;
    for (let round = -1; round < rounds; round += 1) {
      const start = now();
      const exporter = makeSwingStoreExporter(dir, { artifactMode: 'operational' });
      exporter.getHostKV('host.height');
      if (round >= 0) ready += ((now() - start) * 1e6) / rounds;
      await exporter.close();
    }
    return { ready };
  };

  return { 'export-data': exportData, 'full-export': fullExport, import: importing, 'exporter-ready': exporterReady };
};
