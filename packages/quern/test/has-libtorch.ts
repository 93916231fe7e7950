import { addonState } from '@quern/libtorch/setup';
import { quernBuilds, useQuernBuilds } from '../src/models/torch/builds.ts';

/** Whether an addon is built that fits; tests that compute are skipped without (`scripts/setup.mjs --tests` builds it). */
export const hasLibTorch = addonState(quernBuilds()).state === 'current';

useQuernBuilds();
