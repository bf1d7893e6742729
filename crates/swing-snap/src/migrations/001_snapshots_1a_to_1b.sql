-- From schema 1A to 1B: without the constraint that a snapshot in use has its bytes, which an import has to break
-- between the records and the artifacts. All rows keep every byte and their rowids. The columns are explained in
-- schema.sql, whose statement this is.

ALTER TABLE snapshots RENAME TO snapshots_1a;

CREATE TABLE snapshots (
  vatID TEXT,
  snapPos INTEGER,
  inUse INTEGER CHECK(inUse = 1),
  hash TEXT,
  uncompressedSize INTEGER,
  compressedSize INTEGER,
  compressedSnapshot BLOB,
  PRIMARY KEY (vatID, snapPos),
  UNIQUE (vatID, inUse)
);

INSERT INTO snapshots (rowid, vatID, snapPos, inUse, hash, uncompressedSize, compressedSize, compressedSnapshot)
SELECT rowid, vatID, snapPos, inUse, hash, uncompressedSize, compressedSize, compressedSnapshot
FROM snapshots_1a ORDER BY rowid;

DROP TABLE snapshots_1a;
