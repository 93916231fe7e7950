/** Writes the tiny checkpoints of `golden/models/log-probabilities.json` and `torch.json` to the folder named on the command line. */
import { join } from 'node:path';
import { oracleModels, writeOracleModel } from '../../oracle-models.ts';
import { writeTinyBert } from '../../tiny-bert.ts';

const [, , folder] = process.argv;
for (const [name, model] of Object.entries(oracleModels)) await writeOracleModel(join(folder, name), model);
await writeTinyBert(join(folder, 'bert'));
