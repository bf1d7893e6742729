// The vat that the host speaks to. What it knows of the others is in its memory only, so it is in the heap snapshot.

import { E, Far } from '@endo/far';
import { makePromiseKit } from '@endo/promise-kit';

const quietly = promise => void E.when(promise, () => {}, () => {});

export const buildRootObject = () => {
  let admin;
  let ledger;
  let bulletin;
  let house;
  let lives = 1;
  const accounts = [];
  const mills = [];
  const guests = new Map();
  const gifts = [];

  const begin = async (bundle, name, vatParameters) => {
    const cap = await E(admin).getNamedBundleCap(bundle);
    return E(admin).createVat(cap, { name, vatParameters });
  };

  return Far('conductor', {
    bootstrap: async (vats, devices) => {
      ({ ledger, bulletin } = vats);
      admin = await E(vats.vatAdmin).createVatAdminService(devices.vatAdmin);
    },

    openAccounts: async (count, each) => {
      for (let opened = 0; opened < count; opened += 1) {
        accounts.push(await E(ledger).open(`owner ${accounts.length}`, each));
      }
    },
    buildMills: async count => {
      for (let built = 0; built < count; built += 1) {
        const number = mills.length;
        mills.push(await begin('mill', `mill-${number}`, { number, bulletin }));
      }
    },
    grind: async (number, weight) => {
      const from = accounts[number % accounts.length];
      const to = accounts[(number * 5 + 2) % accounts.length];
      const voucher = E(from).draw(1 + (number % 7));
      const { root } = mills[number % mills.length];
      return E(root).grind(voucher, to, `${number} `.padEnd(weight, 'grist '));
    },
    listen: (topic, times) => mills.forEach(({ root }) => quietly(E(root).listen(topic, times))),
    pin: (topic, number, size) => E(bulletin).pin(topic, number, `${number} `.padEnd(size, 'all the news that fits. ')),
    visit: async count => {
      const visitors = [...Array(count)].map((_, at) => Far(`visitor ${at}`, { greet: to => `${at} to ${to}` }));
      return E(mills[count % mills.length].root).visit(harden(visitors));
    },
    closeMill: async at => {
      const [{ root, adminNode }] = mills.splice(at, 1);
      await E(adminNode).terminateWithFailure(Error('closed'));
      return E(root).number().catch(error => error.message);
    },

    buildHouse: async () => {
      house = await begin('house-one', 'house', { life: lives });
    },
    enter: async (number, size) => {
      const door = await E(house.root).enter(number, `${number} `.padEnd(size, 'note '));
      return E(door).read();
    },
    rebuild: async () => {
      quietly(E(house.root).wait());
      lives += 1;
      const cap = await E(admin).getNamedBundleCap(lives % 2 ? 'house-one' : 'house-two');
      await E(house.adminNode).upgrade(cap, { vatParameters: { life: lives }, upgradeMessage: `life ${lives}` });
      return E(house.root).version();
    },

    invite: async (name, gives, takes, things) => {
      const guest = await begin('guest', name);
      guests.set(name, guest);
      quietly(E(guest.adminNode).done());
      quietly(E(guest.root).stay());
      for (let given = 0; given < gives; given += 1) {
        gifts.push(await E(guest.root).give(`${name} ${given}`));
      }
      for (let taken = 0; taken < takes; taken += 1) {
        await E(guest.root).take(taken % 2 ? Far('loan', {}) : makePromiseKit().promise);
      }
      await E(guest.root).settle(things);
    },
    dismiss: async (name, how) => {
      const { root, adminNode } = guests.get(name);
      guests.delete(name);
      if (how === 'evict') {
        await E(adminNode).terminateWithFailure(Error('evicted'));
      } else {
        await E(root)[how]('farewell').catch(() => {});
      }
      return E(root).greet().catch(error => error.message);
    },
    forget: () => gifts.splice(0).length,
  });
};
