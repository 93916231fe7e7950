/** Where LibTorch's addon is built and looked for. */
import { join } from 'node:path';
import { useBuilds } from '@quern/libtorch';
import { defaultCacheFolder } from '../../cache-folder.ts';

/** `LIBTORCH_BUILDS`, else `libtorch` in Quern's cache folder. */
export function quernBuilds(env: Readonly<Record<string, string | undefined>> = process.env): string {
  return env['LIBTORCH_BUILDS'] || join(defaultCacheFolder(env), 'libtorch');
}

/** Has the addon looked for in {@link quernBuilds}, where `quern setup torch` builds it. */
export function useQuernBuilds(env: Readonly<Record<string, string | undefined>> = process.env): void {
  useBuilds(quernBuilds(env));
}
