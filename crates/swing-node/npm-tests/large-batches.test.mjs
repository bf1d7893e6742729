// Batches of export data, and values, beyond what fits one string of V8.
import assert from 'node:assert/strict';
import test from 'node:test';
import { initSwingStore } from 'swing-node';

/** The longest string of V8. */
const LONGEST = 2 ** 29 - 24;
const MEBI = 2 ** 20;

/** Who changes these pairs, by a crank and by a block, is told of all of them. A failed comparison must not print gigabytes. */
const areTold = async (pairs, ends = ['crank', 'block']) => {
  const batches = [];
  const { kernelStorage, hostStorage } = initSwingStore(null, { exportCallback: batch => void batches.push(batch) });
  for (const end of ends) {
    if (end === 'crank') kernelStorage.startCrank();
    for (const [key, value] of pairs) {
      if (value === null) kernelStorage.kvStore.delete(key);
      else kernelStorage.kvStore.set(key, value);
    }
    if (end === 'crank') kernelStorage.endCrank();
    else await hostStorage.commit();
    const [batch, ...more] = batches.splice(0);
    assert.deepEqual([batch.length, more.length], [pairs.length, 0]);
    batch.forEach(([key, value], at) => {
      assert.equal(key, `kv.${pairs[at][0]}`);
      assert.ok(value === pairs[at][1], `${key} at the end of a ${end}`);
    });
  }
  await hostStorage.close();
};

test('a batch is handed over whose JSON no string could hold', async () => {
  // In JSON each of these characters takes six.
  const value = '\u0001'.repeat(6 * MEBI);
  const pairs = Array.from({ length: 16 }, (_, at) => [`key${10 + at}`, value]);
  assert.ok(6 * value.length * pairs.length > LONGEST);
  await areTold(pairs, ['crank']);
});

test('a batch is whole wherever it is taken apart', async () => {
  const texts = ['', 'short', '"\\\n\u2028漢🂡', null, ...[3, 5, 8, 9].map(size => 'x'.repeat(size * MEBI)), '漢'.repeat(3 * MEBI)];
  for (const order of [texts, [...texts].reverse()]) {
    await areTold(order.flatMap((text, at) => [[`key${10 + at}`, text], [`key${10 + at}.`, String(at)]]));
  }
});

test('what no string can hold is an error with a code of its own, and nothing is lost', async () => {
  const { kernelStorage, internal, hostStorage } = initSwingStore(null);
  const { initTranscript, addItem, readSpan } = kernelStorage.transcriptStore;
  // It fits one, but a whole transcript comes as JSON.
  const item = '\u0001'.repeat(90 * MEBI);
  initTranscript('v1');
  addItem('v1', item);
  const wanted = { code: 'SWING_TOO_LONG', message: /longer than a string of JavaScript may be/ };
  assert.throws(() => internal.transcriptStore.readFullVatTranscript('v1').next(), wanted);
  assert.ok(readSpan('v1').next().value === item);
  await hostStorage.close();
});
