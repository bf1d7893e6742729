// Failures that no promise carries, made into failures of the call in progress.
//
// The reference pipes streams without forwarding their errors: a corrupt blob then throws out of the event loop, and the
// promise that waited for the bytes stays open for ever. SES answers such an exception by ending the process. A process that
// has to report on broken stores needs both to become ordinary errors.
import process from 'node:process';

let failCurrent = null;
const strays = [];

const onStray = error => {
  if (failCurrent) failCurrent(error);
  else strays.push(`${error?.message ?? error}`);
};

/** Takes over from SES; to be called once, after lockdown. */
export const catchStrays = () => {
  for (const event of ['uncaughtException', 'unhandledRejection']) {
    process.removeAllListeners(event);
    process.on(event, onStray);
  }
  // With nothing left to wait for, a promise that is still open stays open.
  process.on('beforeExit', () => {
    if (failCurrent) setImmediate(onStray, Error('the call never settled'));
  });
};

/** Messages of the failures that came while no call was in progress. */
export const takeStrays = () => strays.splice(0);

/** Awaits `promise`, but no longer than until something fails beside it. One at a time. */
export const settle = async promise => {
  const outside = new Promise((_resolve, reject) => {
    failCurrent = reject;
  });
  try {
    return await Promise.race([promise, outside]);
  } finally {
    failCurrent = null;
  }
};

/** Lets the event loop turn, so that streams left behind by a call can fail before the next one is blamed. */
export const turns = async count => {
  for (let turn = 0; turn < count; turn += 1) await new Promise(resolve => setImmediate(resolve));
};
