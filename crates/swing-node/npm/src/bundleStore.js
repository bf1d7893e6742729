// Bundles: objects here, their stored text or archive on the native side.
import { notRepaired, toolsOf } from './substoreTools.js';
import { bytesOf, fail, harden, insistString, q } from './util.js';

/**
 * The bundle ID in an artifact name.
 *
 * @param {string} name
 */
export const bundleIDFromName = name => {
  insistString(name, 'artifact name');
  const [tag, ...pieces] = name.split('.');
  (tag === 'bundle' && pieces.length === 1) ||
    fail(`expected artifact name of the form 'bundle.{bundleID}', saw ${q(name)}`);
  return pieces[0];
};
harden(bundleIDFromName);

/** The bundleStore of the original, with what tools use beside what a kernel does. */
export const bundlesOver = native => {
  const { bundles, store } = native;

  const addBundle = (bundleID, bundle) => {
    insistString(bundleID, 'bundleID');
    const { moduleFormat, endoZipBase64, endoZipBase64Sha512 } = bundle;
    if (bundleID.startsWith('b0-')) {
      moduleFormat === 'nestedEvaluate' || fail(`unsupported b0- module format ${q(moduleFormat)}`);
      bundles.addText(bundleID, JSON.stringify(bundle));
    } else if (bundleID.startsWith('b1-')) {
      moduleFormat === 'endoZipBase64' || fail(`unsupported b1- module format ${q(moduleFormat)}`);
      bundleID === `b1-${endoZipBase64Sha512}` || fail(`bundleID ${q(bundleID)} does not match bundle`, 'SWING_MISMATCH');
      bundles.addZip(bundleID, endoZipBase64Sha512, endoZipBase64);
    } else {
      fail(`unsupported BundleID ${q(bundleID)}`);
    }
  };

  const getBundle = bundleID => {
    const content = bundles.getContent(bundleID);
    if (bundleID.startsWith('b0-')) return harden(JSON.parse(content));
    return harden({
      moduleFormat: 'endoZipBase64',
      endoZipBase64Sha512: bundleID.substring(3),
      endoZipBase64: content,
    });
  };

  // The two halves of a bundle that comes from elsewhere: its record, then what it says.
  const importBundleRecord = (key, value) => {
    const bundleID = bundleIDFromName(key);
    value === bundleID || fail(`the record of bundle ${q(bundleID)} must be its ID, not ${q(value)}`);
    bundles.addRecord(bundleID);
  };
  const importBundle = async (name, dataProvider) => {
    await null;
    const bundleID = bundleIDFromName(name);
    bundles.populate(bundleID, bytesOf(await dataProvider(), 'bundle artifact'));
  };

  const { exportArtifact, ...tools } = toolsOf(native, 'bundle');
  return harden({
    addBundle,
    hasBundle: bundles.hasBundle,
    getBundle,
    deleteBundle: bundles.deleteBundle,
    *getBundleIDs() {
      yield* bundles.getBundleIDs();
    },
    async *exportBundle(name) {
      yield* exportArtifact(name);
    },
    ...tools,
    importBundleRecord,
    importBundle,
    repairBundleRecord: notRepaired('repairBundleRecord'),
    dumpBundles: () => store.dump(true).bundles,
  });
};

export const KERNEL_BUNDLES = harden(['addBundle', 'hasBundle', 'getBundle', 'deleteBundle']);
