-- Both tables are those of the original store, column for column: it must be able to read and write them.

-- One row per delivery that is still here. A closed span may have been pruned; the current one never is.
CREATE TABLE IF NOT EXISTS transcriptItems (
  vatID TEXT,           -- whose transcript
  position INTEGER,     -- counts from 0 over the vat's whole life, through all spans and incarnations
  item TEXT,            -- the kernel's text; no line feed, since an artifact separates items by it
  incarnation INTEGER,  -- the same as its span's
  PRIMARY KEY (vatID, position)
);

-- One row per span, kept as long as the vat is: its hash vouches for the items, wherever they are.
CREATE TABLE IF NOT EXISTS transcriptSpans (
  vatID TEXT,           -- whose transcript
  startPos INTEGER,     -- the first item's position; the end of the span before it
  endPos INTEGER,       -- one past the last item's position
  hash TEXT,            -- cumulative SHA-256 over the items, in hex
  isCurrent INTEGER CHECK (isCurrent = 1),  -- 1: items may still be added; "no" is NULL, which UNIQUE allows often
  incarnation INTEGER,  -- how often the vat had been upgraded
  PRIMARY KEY (vatID, startPos),
  UNIQUE (vatID, isCurrent)
);

-- UNIQUE has an index of its own on the same columns; the original store has this one too.
CREATE INDEX IF NOT EXISTS currentTranscriptIndex ON transcriptSpans (vatID, isCurrent);
