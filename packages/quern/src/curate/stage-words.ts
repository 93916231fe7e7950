import type { StageName } from './stage-record.ts';

/** What each stage does, in a few words. */
export const stageWords: Readonly<Record<StageName, string>> = {
  parse: 'read, and the domains chosen',
  text: 'brought together with answers, as text',
  filter: 'filtered',
  duplicates: 'freed of duplicates',
  decontaminate: 'held against benchmarks',
  positives: 'with answers good enough',
  sample: 'drawn',
  reason: 'answered by the reasoner',
  split: 'split and written',
};
