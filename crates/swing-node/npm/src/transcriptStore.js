// Transcripts: spans that are read lazily, and archived as they are closed.
import { notImported, notPopulated, notRepaired, toolsOf } from './substoreTools.js';
import { budgetUnits, fail, flatten, harden, insistPosition, q } from './util.js';

/** The items of a span. Native code joins many in a string, unless one has a line feed in it: then a batch is JSON text. */
function* itemsOf(next) {
  for (let batch = next(); batch.length > 0; batch = next()) {
    if (typeof batch === 'string') {
      yield* JSON.parse(batch);
    } else {
      for (const joined of batch) {
        const items = joined.split('\n');
        for (let at = 0; at < items.length; at += 1) yield items[at];
      }
    }
  }
}

/** The transcriptStore of the original, with what tools use beside what a kernel does. */
export const transcriptsOver = (native, { archiveTranscript } = {}) => {
  const { transcripts, store } = native;
  const { initTranscript, addItem } = transcripts;
  const getCurrentSpanBounds = vatID => JSON.parse(transcripts.getCurrentSpanBounds(vatID));

  const readSpan = (vatID, startPos) => {
    if (startPos !== undefined) insistPosition(startPos);
    return itemsOf(transcripts.readSpan(vatID, startPos));
  };

  /**
   * Closes a span with `close`, after the archiver has been given it: an archiver that throws leaves everything as it was.
   * All that changes the store is done before this first waits.
   */
  const closeSpan = async (vatID, bounds, close) => {
    if (!archiveTranscript || !bounds) return close(vatID);
    const { startPos, endPos } = bounds;
    const entries = Array.from(readSpan(vatID), item => Buffer.from(`${item}\n`));
    const archiving = Promise.resolve(archiveTranscript(`transcript.${vatID}.${startPos}.${endPos}`, entries));
    let closed;
    try {
      const { startPos: start, endPos: end } = getCurrentSpanBounds(vatID);
      (start === startPos && end === endPos) || fail(`the span of ${q(vatID)} was changed by its archiver`, 'SWING_STATE');
      closed = close(vatID);
    } catch (error) {
      archiving.catch(() => {});
      throw error;
    }
    await archiving;
    return closed;
  };

  const rollover = close => async vatID => {
    const bounds = getCurrentSpanBounds(vatID);
    // An empty span is refused before anybody is told of it.
    return bounds.startPos === bounds.endPos ? close(vatID) : closeSpan(vatID, bounds, close);
  };

  const stopUsingTranscript = async vatID => {
    let bounds;
    if (archiveTranscript) {
      try {
        bounds = getCurrentSpanBounds(vatID);
      } catch (error) {
        if (error.code !== 'SWING_MISSING') throw error;
      }
    }
    await closeSpan(vatID, bounds, transcripts.stopUsingTranscript);
  };

  const { exportArtifact, ...tools } = toolsOf(native, 'transcript', (_key, value) => JSON.parse(value).isCurrent);
  return harden({
    initTranscript,
    rolloverSpan: rollover(transcripts.rolloverSpan),
    rolloverIncarnation: rollover(transcripts.rolloverIncarnation),
    getCurrentSpanBounds,
    addItem,
    readSpan,
    stopUsingTranscript,
    deleteVatTranscripts: (vatID, budget = Infinity) =>
      JSON.parse(transcripts.deleteVatTranscripts(vatID, budgetUnits(budget))),
    readFullVatTranscript: vatID => {
      const next = transcripts.readFullVatTranscript(vatID);
      return flatten(() => JSON.parse(next()));
    },
    async *exportSpan(name) {
      yield* exportArtifact(name);
    },
    ...tools,
    importTranscriptSpanRecord: notImported('importTranscriptSpanRecord'),
    populateTranscriptSpan: notPopulated('populateTranscriptSpan'),
    repairTranscriptSpanRecord: notRepaired('repairTranscriptSpanRecord'),
    dumpTranscripts: (includeHistorical = true) => store.dump(includeHistorical).transcripts,
  });
};

export const KERNEL_TRANSCRIPTS = harden([
  'initTranscript',
  'rolloverSpan',
  'rolloverIncarnation',
  'getCurrentSpanBounds',
  'addItem',
  'readSpan',
  'stopUsingTranscript',
  'deleteVatTranscripts',
]);
