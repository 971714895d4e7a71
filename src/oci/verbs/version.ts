import { specVersion } from '../../spec/defaults.ts';

/** Of package.json; a test keeps the two alike. */
const version = '0.1.0';

/** The first line in the form that engines read: `NAME version VERSION`. */
export async function main(): Promise<number> {
  process.stdout.write(`tare-oci version ${version}\nspec: ${specVersion}\n`);
  return 0;
}
