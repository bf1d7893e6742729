// What happens in which block. Nothing here depends on what a store answers, nor on the time or chance.

import { sha256 } from './log.mjs';

/** A number from 0 up to but without `below`, always the same for the same block and purpose. */
const drawn = (block, purpose, below) => parseInt(sha256(`${block} ${purpose}`).slice(0, 8), 16) % below;

const WAYS = ['evict', 'leave', 'storm'];

/** Before the first block. */
export const setUp = [
  ['openAccounts', 12, 1000],
  ['buildMills', 3],
  ['buildHouse'],
  ['listen', 'weather', 40],
];

/** Calls of the conductor, in a life of so many blocks. */
export const calls = (block, blocks) => {
  const some = (purpose, below) => drawn(block, purpose, below);
  const due = [...Array(1 + some('grinds', 3))].map((_, at) => ['grind', block * 4 + at, 10 + some(`weight ${at}`, 1500)]);
  due.push(['pin', block % 2 ? 'weather' : 'sport', block, 100 + some('pin', 6000)]);
  const on = (every, at, ...call) => block % every === at && due.push(call);
  on(2, 0, 'enter', block, 20 + some('note', 2000));
  on(3, 0, 'visit', 1 + some('visit', 9));
  on(4, 3, 'listen', 'sport', 2);
  on(6, 2, 'rebuild');
  on(5, 1, 'invite', `guest-${block}`, 6 + some('gives', 12), 4 + some('takes', 12), 12 + some('things', 50));
  on(5, 4, 'dismiss', `guest-${block - 3}`, WAYS[Math.floor(block / 5) % WAYS.length]);
  on(7, 0, 'forget');
  // Vats with a long history are deleted slowly; the second is not gone yet when the life ends. First of all, so that no grist
  // goes to a mill that is being closed.
  if (block === Math.floor(blocks / 2)) {
    due.unshift(['closeMill', 1]);
  } else if (block === blocks - 2) {
    due.unshift(['closeMill', 0]);
  }
  return due;
};

/** What the host does besides. */
export const chores = (block, blocks) => ({
  cleanups: 2 + (block % 3) * 6,
  snapshotAll: block % 11 === 9,
  otherInterval: block === Math.floor(blocks / 3),
  restart: block % 5 === 0 && block < blocks,
  // An exporter is made after this block and read after the next.
  pin: block % 10 === 4,
});
