import { addonState, buildsFolder } from '@quern/libtorch/setup';

/** Whether an addon is built that fits; tests that compute are skipped without (`scripts/setup.mjs --tests` builds it). */
export const hasLibTorch = addonState(buildsFolder()).state === 'current';
