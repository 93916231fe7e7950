/** Where the programs for engines are. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QuernError } from '../../errors.ts';

/** `engines/` of the package or of the checkout. */
export function programFolder(): string {
  const candidates = ['../../engines', '../../../../../engines'];
  const found = candidates
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((path) => existsSync(join(path, 'quern_reward.py')));
  if (found !== undefined) return found;
  throw new QuernError('NOT_FOUND', 'the programs for engines are not in the package', {
    where: fileURLToPath(new URL(candidates[0], import.meta.url)),
    hint: 'Install quern again',
  });
}
