// What the reference does with a hostile dataset or database: a case a line on standard input, what became of it a line on
// standard output.
//
// A case is `{"input": "dataset" or "database", "dir", "mode", "target"}`. The answer is `"accepted"`, `{"refused": message}`,
// or `{"dies": message}` if an error came outside of every promise, or none of them ever settled: a process without the
// handlers here would have ended, or waited for ever.
import '@endo/init/debug.js';
import fs from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import * as reference from '@agoric/swing-store';
import { lineReader, lineWriter } from './lines.mjs';

const PATIENCE_MS = 20_000;
const CHUNK = 1 << 16;

let stray;
for (const event of ['uncaughtException', 'unhandledRejection']) {
  process.removeAllListeners(event);
  process.on(event, error => {
    stray ??= error;
  });
}

/** A dataset on disk as an exporter, which checks and corrects nothing. */
const datasetExporter = dir => {
  const manifest = JSON.parse(fs.readFileSync(path.join(dir, 'export-manifest.json'), 'utf8'));
  const files = new Map(manifest.artifacts);
  const breaks = path.join(dir, 'failing.json');
  const failing = fs.existsSync(breaks) ? JSON.parse(fs.readFileSync(breaks, 'utf8')) : {};
  return {
    getHostKV: () => undefined,
    async *getExportData() {
      for (const line of fs.readFileSync(path.join(dir, manifest.data), 'utf8').split('\n')) {
        if (line.trim() !== '') yield JSON.parse(line);
      }
    },
    async *getArtifactNames() {
      for (const [name] of manifest.artifacts) yield name;
    },
    async *getArtifact(name) {
      const whole = fs.readFileSync(path.join(dir, files.get(name)));
      const after = failing[files.get(name)];
      const bytes = whole.subarray(0, after);
      for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
      if (after !== undefined) throw Error('the connection was lost');
    },
    async close() {},
  };
};

const work = {
  dataset: async ({ dir, mode, target }) => {
    const { hostStorage } = await reference.importSwingStore(datasetExporter(dir), target, { artifactMode: mode });
    await hostStorage.commit();
    await hostStorage.close();
  },
  database: async ({ dir, mode }) => {
    const exporter = reference.makeSwingStoreExporter(dir, { artifactMode: mode });
    try {
      for await (const _pair of exporter.getExportData());
      for await (const name of exporter.getArtifactNames()) for await (const _chunk of exporter.getArtifact(name));
    } finally {
      await exporter.close();
    }
  },
};

const turn = () => new Promise(resolve => setTimeout(resolve, 5));

const judge = async given => {
  stray = undefined;
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setInterval(() => {
      if (stray) reject(stray);
    }, 5);
    setTimeout(() => reject(Object.assign(Error('it never comes to an end'), { late: true })), PATIENCE_MS).unref();
  });
  try {
    await Promise.race([work[given.input](given), late]);
    for (let count = 0; count < 3; count += 1) await turn();
    return stray ? { dies: `${stray.message ?? stray}` } : 'accepted';
  } catch (error) {
    const message = `${error?.message ?? error}`;
    return error === stray || error?.late ? { dies: message } : { refused: message };
  } finally {
    clearInterval(timer);
  }
};

const input = lineReader(0);
const output = lineWriter(1);
for (;;) {
  const line = input.next();
  if (line === null) break;
  output.write(JSON.stringify(await judge(JSON.parse(line))));
  output.flush();
}
process.exit(0);
