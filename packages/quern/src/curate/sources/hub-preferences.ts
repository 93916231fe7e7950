import { QuernError } from '../../errors.ts';
import type { SourceOptions } from '../sources.ts';
import type { PostSource } from './post-source.ts';

export async function hubPreferences(name: string, options: SourceOptions): Promise<PostSource[]> {
  throw new QuernError('UNSUPPORTED', `${name} ${options.domains?.length}`);
}
