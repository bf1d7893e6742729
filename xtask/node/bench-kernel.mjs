// What a kernel does to a store, call by call.
import fs from 'node:fs';
import path from 'node:path';
import { initSize, kvKey, kvValue, makeDice, makeItem, now } from './bench-data.mjs';

/** Nanoseconds per call of `work(i)`, for i below `count`. */
const timed = (count, work) => {
  const start = now();
  for (let i = 0; i < count; i += 1) work(i);
  return ((now() - start) * 1e6) / count;
};

export const makeKernelWorks = ({ initSwingStore, openSwingStore }) => {
  let pairs = 0;
  const exportCallback = updates => {
    pairs += updates.length;
  };

  const kv = async ({ dir, rows, hot, gets }) => {
    const { kernelStorage: kernel, hostStorage: host } = openSwingStore(dir, { exportCallback });
    const { kvStore } = kernel;
    const dice = makeDice(7);
    const keys = Array.from({ length: hot }, (_, i) => kvKey(Math.floor((i * rows) / hot)));
    const random = Array.from({ length: gets }, () => kvKey(dice() % rows));
    const absent = Array.from({ length: Math.floor(gets / 10) }, (_, i) => `v9.absent.${i}`);
    const figures = {};
    // What making these up has left behind is not the store's to clear away.
    globalThis.gc?.();
    // In a block: something is written already.
    kernel.startCrank();
    kvStore.set(keys[0], 'x');
    kernel.endCrank();
    for (const key of keys) kvStore.get(key);
    timed(gets / 4, i => kvStore.get(keys[i % hot]));
    figures.get = timed(gets, i => kvStore.get(keys[i % hot]));
    timed(gets / 4, i => kvStore.has(keys[i % hot]));
    figures.has = timed(gets, i => kvStore.has(keys[i % hot]));
    figures.getFirst = timed(gets, i => kvStore.get(random[i]));
    figures.getRandom = timed(gets, i => kvStore.get(random[i]));
    figures.getAbsent = timed(absent.length, i => kvStore.get(absent[i]));
    let key = 'v1';
    figures.next = timed(Math.min(gets, rows - 100) / 2, () => {
      key = kvStore.getNextKey(key);
    });
    figures.nextRandom = timed(gets, i => kvStore.getNextKey(random[i]));
    await host.commit();
    // 50 sets a crank, 20 cranks a block.
    for (const [name, pick, blocks] of [['set', i => keys[(i * 7) % hot], 12], ['setRandom', () => kvKey(dice() % rows), 6]]) {
      let calls = 0;
      let all = 0;
      for (let block = 0; block < blocks; block += 1) {
        const wanted = Array.from({ length: 1000 }, (_, i) => [pick(i), kvValue(block * 1000 + i)]);
        const start = now();
        for (let crank = 0; crank < 20; crank += 1) {
          kernel.startCrank();
          kernel.establishCrankSavepoint('start');
          const before = now();
          for (let i = crank * 50; i < crank * 50 + 50; i += 1) kvStore.set(wanted[i][0], wanted[i][1]);
          if (block > 0) calls += now() - before;
          kernel.emitCrankHashes();
          kernel.endCrank();
        }
        await host.commit();
        if (block > 0) all += now() - start;
      }
      const count = (blocks - 1) * 1000;
      figures[name] = (calls * 1e6) / count;
      figures[`${name}Commit`] = (all * 1e6) / count;
    }
    await host.close();
    return figures;
  };

  const transcript = async ({ dir, items, reads }) => {
    const { kernelStorage: kernel, hostStorage: host } = initSwingStore(dir, { exportCallback });
    const { transcriptStore } = kernel;
    const texts = Array.from({ length: 256 }, (_, i) => makeItem(i, 2048));
    const figures = {};
    transcriptStore.initTranscript('v1');
    transcriptStore.initTranscript('v2');
    for (let i = 0; i < 200; i += 1) transcriptStore.addItem('v2', texts[i]);
    await host.commit();
    let calls = 0;
    let all = 0;
    for (let block = 0; block * 200 < items + 200; block += 1) {
      const start = now();
      for (let crank = 0; crank < 50; crank += 1) {
        kernel.startCrank();
        kernel.establishCrankSavepoint('start');
        const before = now();
        for (let i = 0; i < 4; i += 1) transcriptStore.addItem('v1', texts[(crank * 4 + i) % 256]);
        if (block > 0) calls += now() - before;
        kernel.endCrank();
      }
      await host.commit();
      if (block > 0) all += now() - start;
    }
    const count = Math.ceil((items + 200) / 200 - 1) * 200;
    figures.addItem = (calls * 1e6) / count;
    figures.addItemCommit = (all * 1e6) / count;
    let emits = 0;
    const cranks = 40;
    for (let crank = -5; crank < cranks; crank += 1) {
      kernel.startCrank();
      kernel.establishCrankSavepoint('start');
      kernel.kvStore.set('a', `${crank}`);
      const before = now();
      for (let i = 0; i < 100; i += 1) kernel.emitCrankHashes();
      if (crank >= 0) emits += now() - before;
      kernel.endCrank();
    }
    figures.emit = (emits * 1e6) / (cranks * 100);
    await host.commit();
    let length = 0;
    const read = () => {
      for (const item of transcriptStore.readSpan('v2')) length += item.length;
    };
    timed(reads / 5, read);
    figures.readSpan = timed(reads, read);
    figures.bounds = timed(items, () => transcriptStore.getCurrentSpanBounds('v1'));
    let rolls = 0;
    for (let i = 0; i < 100; i += 1) {
      transcriptStore.addItem('v1', texts[0]);
      const before = now();
      await transcriptStore.rolloverSpan('v1');
      rolls += now() - before;
    }
    figures.rollover = (rolls * 1e6) / 100;
    await host.commit();
    await host.close();
    return figures;
  };

  const snapshot = async ({ dir, heap, rounds }) => {
    const { kernelStorage: kernel, hostStorage: host } = initSwingStore(dir, { exportCallback });
    const raw = fs.readFileSync(heap);
    const figures = { save: 0, load: 0, commit: 0 };
    const chunks = async function* chunks() {
      for (let at = 0; at < raw.length; at += 65536) yield raw.subarray(at, at + 65536);
    };
    for (let round = 0; round < rounds; round += 1) {
      let start = now();
      const saved = await kernel.snapStore.saveSnapshot('v1', round, chunks());
      figures.save += ((now() - start) * 1e6) / rounds;
      figures.compressedBytes = saved.compressedSize;
      start = now();
      await host.commit();
      figures.commit += ((now() - start) * 1e6) / rounds;
    }
    // Behind the last commit, not behind each: what a commit leaves to a thread is part of no load.
    for (let round = 0; round < rounds; round += 1) {
      const start = now();
      let length = 0;
      for await (const chunk of kernel.snapStore.loadSnapshot('v1')) length += chunk.length;
      figures.load += ((now() - start) * 1e6) / rounds;
      if (length !== raw.length) throw Error('a snapshot of another length');
    }
    await host.close();
    return figures;
  };

  const deletion = async ({ dir, vat, budget, calls }) => {
    const { kernelStorage: kernel, hostStorage: host } = openSwingStore(dir, { exportCallback });
    const wal = path.join(dir, 'swingstore.sqlite-wal');
    const times = [];
    for (let call = 0; call < calls; call += 1) {
      const start = now();
      kernel.transcriptStore.deleteVatTranscripts(vat, budget ?? undefined);
      await host.commit();
      times.push((now() - start) * 1e6);
    }
    // Its file has become no shorter. Looked at after each call it would be flushed more slowly.
    const walBytes = initSize(wal);
    const each = times.reduce((sum, time) => sum + time, 0) / calls;
    await host.close();
    return { each, longest: Math.max(...times), walBytes };
  };

  const opening = async ({ dir, rounds }) => {
    let open = 0;
    for (let round = -1; round < rounds; round += 1) {
      const start = now();
      const { hostStorage } = openSwingStore(dir, { exportCallback });
      hostStorage.kvStore.get('host.height');
      if (round >= 0) open += ((now() - start) * 1e6) / rounds;
      await hostStorage.close();
    }
    return { open };
  };

  /** Every span of every vat is read, as when all workers start again from nothing. */
  const replay = async ({ dir, vats, spans, items }) => {
    const { kernelStorage: kernel, hostStorage: host } = openSwingStore(dir, { exportCallback });
    let read = 0;
    let bytes = 0;
    const start = now();
    for (let vat = 1; vat <= vats; vat += 1) {
      for (let span = 0; span < spans; span += 1) {
        for (const item of kernel.transcriptStore.readSpan(`v${vat}`, span * items)) {
          bytes += item.length;
          read += 1;
        }
      }
    }
    const all = (now() - start) * 1e6;
    await host.close();
    return { all, each: all / read, bytes };
  };

  return { kv, transcript, snapshot, deletion, opening, replay };
};
