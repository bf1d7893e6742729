-- Changes of export data that were not handed to the host yet: a record's key and its new text, NULL when the record
-- is gone. This implementation keeps them in memory and hands them over before every commit, so its own table stays
-- empty; rows are found here when another one left them.
CREATE TABLE IF NOT EXISTS pendingExports (
  key TEXT,
  value TEXT,
  PRIMARY KEY (key)
);
