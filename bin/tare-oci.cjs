/** What native/oci.c leaves to Node. It runs dist/oci.cjs as bin/tare.cjs does dist/cli.cjs. */
require('./tare.cjs');
