// All that is tested without lockdown, once more under it.
import '@endo/init';
import './callbacks.test.mjs';
import './imports.test.mjs';
import './options.test.mjs';
import './publishing.test.mjs';
import './snapshots.test.mjs';
import './stacks.test.mjs';
