// The reference as a process: a call a line on standard input, its answer a line on standard output.
//
// A call is a JSON array `[op, …arguments]`. The answer is `{"ok": result}` or `{"err": message}`; results that are not there
// are null. If the export callback was called meanwhile, the answer also has `"exports"`: one array of `[key, value or
// null]` per call of it. Nothing that the reference throws, at whatever time, ends the process. The README beside
// this file lists the operations.
//
//     node driver.mjs [--module @agoric/swing-store]
import '@endo/init/debug.js';
import process from 'node:process';
import { lineReader, lineWriter } from './lines.mjs';
import { makeOps } from './ops.mjs';
import { catchStrays, settle, takeStrays, turns } from './strays.mjs';

const moduleFlag = process.argv.indexOf('--module');
const moduleName = moduleFlag < 0 ? '@agoric/swing-store' : process.argv[moduleFlag + 1];
const reference = await import(moduleName);
catchStrays();

const { ops, takeExports } = makeOps(reference);
const input = lineReader(0);
const output = lineWriter(1);

/** What came of one call: `['ok', result]` or `['err', message]`. */
const perform = line => {
  const failed = error => ['err', `${error?.message ?? error}`];
  const done = value => ['ok', value ?? null];
  try {
    const [op, ...args] = JSON.parse(line);
    if (!Object.hasOwn(ops, op)) throw Error(`unknown operation ${op}`);
    const value = ops[op](...args);
    if (typeof value?.then !== 'function') return done(value);
    return settle(value).then(done, failed);
  } catch (error) {
    return failed(error);
  }
};

const reply = ([key, value]) => {
  const exports = takeExports();
  const answer = { [key]: value };
  if (exports.length > 0) answer.exports = exports;
  const strays = takeStrays();
  if (strays.length > 0) answer.strays = strays;
  let text;
  try {
    text = JSON.stringify(answer);
  } catch (error) {
    text = JSON.stringify({ err: `the answer is not JSON: ${error.message}` });
  }
  output.write(text);
};

for (;;) {
  if (!input.ready()) output.flush();
  const line = input.next();
  if (line === null) break;
  if (line.trim() === '') continue;
  let outcome = perform(line);
  if (typeof outcome.then === 'function') {
    outcome = await outcome;
    await turns(outcome[0] === 'ok' ? 1 : 20);
  }
  reply(outcome);
}
output.flush();
process.exit(0);
