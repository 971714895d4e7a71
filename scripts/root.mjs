import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** A path inside the checkout, wherever the script was started from. @param {string[]} parts */
export const at = (...parts) => join(root, ...parts);
