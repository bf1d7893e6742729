// The clock of the benchmarks, and their made-up data: the same, to the byte, as xtask/src/bench/data.rs makes.
import fs from 'node:fs';
import process from 'node:process';

const processorTime = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Milliseconds by the wall's clock, or of processor time, all threads together, if the run counts with that. */
export const now = process.env.BENCH_CLOCK === 'cpu' ? processorTime : () => performance.now();

/** Numbers below 2^31 that look random: a Lehmer generator, exact in doubles. */
export const makeDice = seed => {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return state;
  };
};

export const kvKey = i => `v${(i % 50) + 1}.vs.vom.o+d${(i % 20) + 10}/${i}`;

export const kvValue = i => `{"label":{"body":"#\\"issue ${i % 977} of brand ${i % 31}\\"","slots":[]},"amount":{"body":"#\\"+${i}\\"","slots":["o-${i % 613}"]}}`;

/** A transcript item of `length` bytes. */
export const makeItem = (i, length) => {
  let item = `{"d":["message","o+${i % 97}",{"methargs":{"body":"#[\\"deposit\\",[`;
  for (let at = 0; item.length < length - 64; at += 1) item += `{\\"v\\":\\"+${(i * 31 + at * 17) % 65536}\\"},`;
  const end = ']]","slots":[]}}],"sc":[],"r":{"status":"ok"}}';
  return item.padEnd(length - end.length, ' ') + end;
};

export const initSize = file => (fs.existsSync(file) ? fs.statSync(file).size : 0);
