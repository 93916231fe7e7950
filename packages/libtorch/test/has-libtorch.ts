/** Whether there is an addon to test: `quern setup torch` builds it. */
import { buildsFolder } from '../src/location.ts';
import { addonState } from '../src/setup/state.ts';

/** Whether a build is there that fits these sources, this Node and its LibTorch; tests that compute are skipped without. */
export const hasLibTorch = addonState(buildsFolder()).state === 'current';
