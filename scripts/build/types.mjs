/** dist/*.d.ts, for users of the library. */
import { run } from '../command.mjs';
import { at } from '../root.mjs';
import { whenStale } from './stamp.mjs';

export async function buildTypes() {
  const target = {
    name: 'type declarations',
    inputs: [at('src'), at('tsconfig.json'), at('tsconfig.types.json'), at('package-lock.json')],
    recipe: '',
    outputs: [at('dist/index.d.ts')],
  };
  await whenStale(target, () =>
    run(process.execPath, [at('node_modules/typescript/bin/tsc'), '-p', 'tsconfig.types.json']),
  );
}
