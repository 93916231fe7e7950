/** Whether there is an addon to test: `quern setup torch` builds it. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { useBuilds } from '../src/location.ts';
import { addonState } from '../src/setup/state.ts';

const { LIBTORCH_BUILDS, QUERN_CACHE, XDG_CACHE_HOME } = process.env;
const systemCache =
  process.platform === 'darwin' ? join(homedir(), 'Library', 'Caches') : join(homedir(), '.cache');

/** Where tests look for builds: `LIBTORCH_BUILDS`, else where Quern has them. */
export const testBuilds =
  LIBTORCH_BUILDS || join(QUERN_CACHE || join(XDG_CACHE_HOME || systemCache, 'quern'), 'libtorch');

/** Whether a build is there that fits these sources, this Node and its LibTorch; tests that compute are skipped without. */
export const hasLibTorch = addonState(testBuilds).state === 'current';

useBuilds(testBuilds);
