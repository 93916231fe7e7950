/** The engines that train beside LibTorch. */
import type { Engine, EngineName } from './engine.ts';
import { trl } from './trl-job.ts';

const engines: Readonly<Partial<Record<EngineName, Engine>>> = { trl };

/** An engine by its name. */
export function engineNamed(name: EngineName): Engine {
  return engines[name]!;
}
