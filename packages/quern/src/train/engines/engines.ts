/** The engines that train beside LibTorch. */
import type { Engine, EngineName } from './engine.ts';
import { openrlhf } from './openrlhf-job.ts';
import { trl } from './trl-job.ts';
import { verl } from './verl-job.ts';

const engines: Readonly<Record<EngineName, Engine>> = { trl, openrlhf, verl };

/** An engine by its name. */
export function engineNamed(name: EngineName): Engine {
  return engines[name];
}
