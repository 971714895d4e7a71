/** gcc's own proof-reader over native/; too slow for every build. */
import { analyzeNative } from './native.mjs';

analyzeNative();
