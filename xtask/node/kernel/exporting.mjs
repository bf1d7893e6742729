// An export as a list that can be compared: every record in its order, every artifact by size and hash.

import { createHash } from 'node:crypto';
import { sha256 } from './log.mjs';

const digest = async chunks => {
  const hash = createHash('sha256');
  let size = 0;
  for await (const chunk of chunks) {
    hash.update(chunk);
    size += chunk.length;
  }
  return [size, hash.digest('hex')];
};

/** Reads all that an exporter has to give, without closing it. */
export const readExport = async exporter => {
  const records = [];
  for await (const record of exporter.getExportData()) {
    records.push(record);
  }
  const artifacts = [];
  for await (const name of exporter.getArtifactNames()) {
    artifacts.push([name, ...(await digest(exporter.getArtifact(name)))]);
  }
  const data = sha256(records.map(record => JSON.stringify(record)).join('\n'));
  return { height: exporter.getHostKV('host.height'), records: records.length, data, artifacts };
};
