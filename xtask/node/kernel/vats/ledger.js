// Accounts in durable storage, and vouchers that carry value between them.

import { Far } from '@endo/far';
import { M } from '@endo/patterns';
import { makeScalarBigMapStore, prepareExoClass } from '@agoric/vat-data';

const KEPT = 120;

export const buildRootObject = (_powers, _parameters, baggage) => {
  const byName = makeScalarBigMapStore('by name', { durable: true, keyShape: M.string() });
  const journal = makeScalarBigMapStore('journal', { durable: true, keyShape: M.number() });
  baggage.init('by name', byName);
  baggage.init('journal', journal);
  let entries = 0;

  const enter = entry => {
    journal.init(entries, harden(entry));
    entries += 1;
    if (journal.has(entries - KEPT)) {
      journal.delete(entries - KEPT);
    }
  };

  const makeVoucher = prepareExoClass(
    baggage,
    'voucher',
    M.interface('voucher', { spend: M.call().returns(M.number()) }),
    worth => ({ worth }),
    {
      spend() {
        const { worth } = this.state;
        this.state.worth = 0;
        return worth;
      },
    },
  );

  const makeAccount = prepareExoClass(
    baggage,
    'account',
    M.interface('account', {
      draw: M.call(M.number()).returns(M.remotable('voucher')),
      pay: M.call(M.remotable('voucher'), M.string()).returns(M.number()),
      total: M.call().returns(M.number()),
    }),
    (owner, total) => ({ owner, total }),
    {
      draw(worth) {
        this.state.total -= worth;
        enter({ owner: this.state.owner, worth: -worth });
        return makeVoucher(worth);
      },
      pay(voucher, memo) {
        const worth = voucher.spend();
        this.state.total += worth;
        enter({ owner: this.state.owner, worth, memo });
        return this.state.total;
      },
      total() {
        return this.state.total;
      },
    },
  );

  return Far('ledger', {
    open: (owner, total) => {
      const account = makeAccount(owner, total);
      byName.init(owner, account);
      return account;
    },
  });
};
