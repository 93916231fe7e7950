import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { QuernError } from '../errors.ts';

/** The sample collection, which comes with the package. */
export interface SampleCollection {
  readonly folder: string;
  /** Its questions, as JSON lines. */
  readonly questions: string;
  /** What a language model has reasoned about each of them. */
  readonly reasoned: string;
}

/** Where the sample collection lies. Throws `NOT_FOUND` where the build lacks it. */
export function sampleCollection(): SampleCollection {
  const folder = relative('', fileURLToPath(new URL('../../dist/collection', import.meta.url)));
  if (!existsSync(folder)) {
    throw new QuernError('NOT_FOUND', 'the sample collection is missing from the build', {
      where: folder,
      hint: 'Build again: npm run build',
    });
  }
  return {
    folder,
    questions: join(folder, 'queries.jsonl'),
    reasoned: join(folder, 'reasoned.json'),
  };
}
