import type { CurateResult } from '../curate/curate.ts';
import type { StageRecord } from '../curate/stage-record.ts';
import { oneLine } from '../one-line.ts';
import { count } from '../report/words.ts';
import { table } from './output.ts';

/** A stage on a line: `filter: 663 → 610 questions (shows an image 40, too short 13)`. */
export function stageLine(
  { stage, questionsIn, questionsOut, dropped, counts }: StageRecord,
  wasDone: boolean,
): string {
  const reasons = Object.entries(dropped).map(([reason, times]) => `${reason} ${count(times)}`);
  const others = Object.entries(counts).map(([what, times]) => `${what} ${count(times)}`);
  const details = stage === 'parse' || stage === 'split' ? others : reasons;
  return [
    `quern: ${stage}: ${count(questionsIn)} → ${count(questionsOut)} questions`,
    details.length === 0 ? '' : ` (${details.join(', ')})`,
    wasDone ? ', done before' : '',
  ].join('');
}

/** What a run came to, for a terminal. */
export function curationText({ out, stages, curation, wasThere, work }: CurateResult): string {
  const folder = oneLine(out);
  if (wasThere) return `${folder}: this very data set is there already`;
  const faults = stages.flatMap(({ faults: own = [] }) => own);
  const faultLines = faults.map(
    ({ kind, count: times, places }) =>
      `  ${count(times)} x ${oneLine(kind)}: ${places.map((place) => oneLine(place)).join(', ')}`,
  );
  const odd = faultLines.length === 0 ? [] : ['Passed over in the data:', ...faultLines];
  if (!curation)
    return [
      ...odd,
      `The work so far is in ${oneLine(work ?? '')}; the same command without --until goes on.`,
    ].join('\n');
  const { splits, positives, domains, against, retrieval } = curation;
  const total = splits.train + splits.validation + splits.test;
  const rows = [
    ['domain', 'read', 'kept', 'train', 'validation', 'test'],
    ...domains.map(({ domain, read, kept, splits: parts }) =>
      [oneLine(domain, 40), ...[read, kept, parts.train, parts.validation, parts.test].map(count)].map(
        String,
      ),
    ),
  ];
  const guarded =
    against.length === 0
      ? 'Held against no benchmark.'
      : `Held against ${against.map(({ collection, texts }) => `${oneLine(collection)} (${count(texts)} texts)`).join(', ')}.`;
  return [
    ...odd,
    table(rows),
    '',
    guarded,
    ...(retrieval === null
      ? []
      : [
          `For retrieval: ${count(retrieval.documents)} documents, ${count(retrieval.queries)} queries, ${count(retrieval.judgements)} judgements.`,
        ]),
    `${folder}: ${counted(total, 'question')} with ${counted(positives, 'positive')}; see report.html there`,
  ].join('\n');
}

function counted(value: number, what: string): string {
  return `${count(value)} ${what}${value === 1 ? '' : 's'}`;
}
