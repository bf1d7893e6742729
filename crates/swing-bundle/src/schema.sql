-- Code bundles. The columns and their order are those of the other implementations of the store. Comments stay out of
-- the statement, because SQLite keeps its text in every file.
--
-- bundleID: `b0-` and the SHA-256 of the JSON text, or `b1-` and the SHA-512 of the zip's compartment map.
-- bundle: of b0 the JSON text, as TEXT; of b1 the zip, as BLOB; NULL: a record whose content is not there yet.
CREATE TABLE IF NOT EXISTS bundles (
  bundleID TEXT,
  bundle BLOB,
  PRIMARY KEY (bundleID)
);
