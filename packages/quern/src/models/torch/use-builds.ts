import { join } from 'node:path';
import { useBuilds } from '@quern/libtorch';
import { defaultCacheFolder } from '../../cache-folder.ts';

/** Has LibTorch's addon looked for where `quern setup torch` builds it, unless `LIBTORCH_BUILDS` names another place. */
export function useQuernBuilds(env: Readonly<Record<string, string | undefined>> = process.env): void {
  useBuilds(env['LIBTORCH_BUILDS'] || join(defaultCacheFolder(env), 'libtorch'));
}
