/** Saves the tiny models of `golden/models/saved.json` to the folder named on the command line. Needs LibTorch. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { savedModels, writeSavedModel } from '../../saved-models.ts';

const [, , folder] = process.argv;
await mkdir(folder, { recursive: true });
for (const [name, saved] of Object.entries(savedModels)) {
  await writeSavedModel(join(folder, name), join(folder, `${name}-before`), saved);
}
