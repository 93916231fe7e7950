/** Writes the tiny models and adapters of `golden/models/lora.json` to the folder named on the command line. Needs LibTorch. */
import { join } from 'node:path';
import { savedAdapters, writeSavedAdapter } from '../../saved-adapters.ts';

const [, , folder] = process.argv;
for (const [name, saved] of Object.entries(savedAdapters)) await writeSavedAdapter(join(folder, name), saved);
