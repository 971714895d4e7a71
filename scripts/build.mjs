/** `npm run build [-- --arch arm64]`: whatever is stale, and nothing twice. */
import { parseArgs } from 'node:util';
import { fileURLToPath } from 'node:url';

import { buildBundles } from './build/bundle.mjs';
import { buildImage, buildToolsImage, buildWeighedImage } from './build/image.mjs';
import { buildNative } from './build/native.mjs';
import { buildTypes } from './build/types.mjs';

export async function build() {
  await buildNative('host');
  await buildImage();
  await buildWeighedImage();
  await buildToolsImage();
  await buildBundles();
  await buildTypes();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { arch: { type: 'string' } } });
  await (values.arch === 'arm64' ? buildNative('arm64') : build());
}
