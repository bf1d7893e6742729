-- Both tables are those of the original store, column for column: it must be able to read and write them. Comments stay
-- out of the statements, because SQLite keeps their text in every file.

-- One row per delivery that is still here. A closed span may have been pruned; the current one never is.
--
-- vatID: whose transcript.
-- position: counts from 0 over the vat's whole life, through all spans and incarnations.
-- item: the kernel's text; no line feed, since an artifact separates items by it.
-- incarnation: the same as its span's.
CREATE TABLE IF NOT EXISTS transcriptItems (
  vatID TEXT,
  position INTEGER,
  item TEXT,
  incarnation INTEGER,
  PRIMARY KEY (vatID, position)
);

-- One row per span, kept as long as the vat is: its hash vouches for the items, wherever they are.
--
-- vatID: whose transcript.
-- startPos: the first item's position, which is the end of the span before it.
-- endPos: one past the last item's position.
-- hash: cumulative SHA-256 over the items, in hex.
-- isCurrent: 1: items may still be added; "no" is NULL, of which UNIQUE allows any number.
-- incarnation: how often the vat had been upgraded.
CREATE TABLE IF NOT EXISTS transcriptSpans (
  vatID TEXT,
  startPos INTEGER,
  endPos INTEGER,
  hash TEXT,
  isCurrent INTEGER CHECK (isCurrent = 1),
  incarnation INTEGER,
  PRIMARY KEY (vatID, startPos),
  UNIQUE (vatID, isCurrent)
);

-- UNIQUE has an index of its own on the same columns; the original store has this one too.
CREATE INDEX IF NOT EXISTS currentTranscriptIndex ON transcriptSpans (vatID, isCurrent);
