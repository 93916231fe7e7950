import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

/** The folder with the real data for tests (`QUERN_DATA`, else `../shared/data` beside the checkout), if it is there. */
export const sharedData: string | undefined = [
  process.env['QUERN_DATA'],
  resolve(import.meta.dirname, '../../../../shared/data'),
].find((folder) => folder !== undefined && existsSync(folder));

/** The path of `name` inside the shared data. Call it only where {@link sharedData} is set. */
export function dataPath(name: string): string {
  return resolve(sharedData ?? '', name);
}
