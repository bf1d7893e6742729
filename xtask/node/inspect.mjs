// Is this store legal for the reference? Opens a copy with it, reads everything, exports, imports, works one block more.
//
//     node inspect.mjs [--module @agoric/swing-store] DIR…
//
// Prints one JSON verdict: `{"ok": …, "stores": [{"dir", "ok", "problems", "facts"}]}`; the exit code is 0 if all are
// well. The stores themselves are not touched, but must be quiet: closed, or with no writer at work.
import '@endo/init/debug.js';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { checkExports, checkFile, checkWork } from './inspect-checks.mjs';
import { catchStrays, settle, takeStrays, turns } from './strays.mjs';

const { values, positionals } = parseArgs({
  options: { module: { type: 'string', default: '@agoric/swing-store' } },
  allowPositionals: true,
});
if (positionals.length === 0) {
  process.stderr.write('usage: node inspect.mjs [--module NAME] DIR…\n');
  process.exit(2);
}
const reference = await import(values.module);
catchStrays();

// The database and its log; the index of the log is made anew from them.
const copyStore = (from, to) => {
  fs.mkdirSync(to, { recursive: true });
  for (const name of ['swingstore.sqlite', 'swingstore.sqlite-wal']) {
    const file = path.join(from, name);
    if (fs.existsSync(file)) fs.copyFileSync(file, path.join(to, name));
  }
};

const inspect = async dir => {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'swing-inspect-'));
  const problems = [];
  const problem = text => problems.push(text);
  const facts = {};
  const step = async (name, work) => {
    try {
      Object.assign(facts, await settle(work()));
    } catch (error) {
      problem(`${name}: ${error.message}`);
    }
    await turns(20);
    for (const stray of takeStrays()) problem(`${name}: ${stray}`);
  };
  try {
    const copy = path.join(scratch, 'copy');
    const fresh = path.join(scratch, 'fresh');
    copyStore(dir, copy);
    await reference.initSwingStore(fresh).hostStorage.close();
    if (!reference.isSwingStore(copy)) problem('there is no store here');
    else {
      await step('file', () => checkFile(copy, fresh, problem));
      await step('exports', () => checkExports(reference, copy, scratch, problem));
      await step('work', () => checkWork(reference, copy, problem));
      const afterwards = text => problem(`after one more block: ${text}`);
      await step('file again', async () => void checkFile(copy, fresh, afterwards));
      await step('exports again', async () => void (await checkExports(reference, copy, scratch, afterwards)));
    }
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
  return { dir, ok: problems.length === 0, problems, facts };
};

const stores = [];
for (const dir of positionals) stores.push(await inspect(dir));
const verdict = { ok: stores.every(({ ok }) => ok), stores };
process.stdout.write(`${JSON.stringify(verdict, null, 1)}\n`);
process.exitCode = verdict.ok ? 0 : 1;
