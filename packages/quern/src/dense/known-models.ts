import type { PartialSettings } from './embedding-settings.ts';

/** What is known of a model by the last part of its name. */
export function knownSettings(_names: readonly string[]): PartialSettings | undefined {
  return undefined;
}
