// One piece of work on a module with the reference's API, timed: what to do comes as JSON in the last argument, the figures go out as
// one line of JSON. A process does one piece and ends, so that its memory is that of the work.
//
//     node bench.mjs [--module @agoric/swing-store] '{"work":"kv",…}'
//
// Figures are nanoseconds per call unless the name says otherwise. The other side of each is in xtask/src/bench/ours.
import '@endo/init';
import fs from 'node:fs';
import process from 'node:process';
import { makeExportWorks } from './bench-exports.mjs';
import { makeKernelWorks } from './bench-kernel.mjs';
import { makeTraceWork } from './bench-trace.mjs';

const moduleFlag = process.argv.indexOf('--module');
const moduleName = moduleFlag < 0 ? '@agoric/swing-store' : process.argv[moduleFlag + 1];
const store = await import(moduleName);

const works = { ...makeKernelWorks(store), ...makeExportWorks(store), ...makeTraceWork(store) };
const request = JSON.parse(process.argv.at(-1));
const figures = await works[request.work](request);
// The most memory that this process ever had, of which some 60 MB are Node's own.
const status = fs.readFileSync('/proc/self/status', 'utf8');
figures.rss = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
fs.writeSync(1, `${JSON.stringify(figures)}\n`);
process.exit(0);
