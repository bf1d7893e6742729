// The first version of a vat that is upgraded back and forth: its rooms outlive it, what is in memory does not.

import { Far } from '@endo/far';
import { makePromiseKit } from '@endo/promise-kit';
import { makeScalarBigMapStore, prepareExoClassKit, provide } from '@agoric/vat-data';

const ROOMS = 24;

export const buildRootObject = (_powers, { life }, baggage) => {
  const rooms = provide(baggage, 'rooms', () => makeScalarBigMapStore('rooms', { durable: true }));
  let visits = 0;

  const makeRoom = prepareExoClassKit(baggage, 'room', undefined, note => ({ note, changes: 0 }), {
    door: {
      read() {
        return `one, life ${life}: ${this.state.note}`;
      },
    },
    desk: {
      write(note) {
        this.state.note = note;
        this.state.changes += 1;
      },
    },
  });

  return Far('house', {
    version: () => `one, life ${life}, ${visits} visits`,
    // Answered by nobody: whoever waits is told of the upgrade.
    wait: () => makePromiseKit().promise,
    enter: (number, note) => {
      visits += 1;
      const name = `room ${number % ROOMS}`;
      if (!rooms.has(name)) {
        rooms.init(name, makeRoom(note));
      }
      const { door, desk } = rooms.get(name);
      desk.write(note);
      return door;
    },
  });
};
