import { shownName, shownReasoner } from '../runs/shown-name.ts';
import type { SetRecord } from './set-answers.ts';

/** A record in which nothing says where files and servers are. */
export function shownRecord(record: SetRecord): SetRecord {
  const { sources, options, against, stages } = record;
  return {
    ...record,
    sources: sources.map((source) => ({ ...source, title: shownSource(source.title) })),
    options: Object.fromEntries(
      Object.entries(options).map(([name, value]) => [name, shownOption(name, value)]),
    ),
    against: against.map(({ collection, texts }) => ({ collection: shownName(collection), texts })),
    stages: stages.map(({ faults, ...stage }) => ({
      ...stage,
      ...(faults && {
        faults: faults.map((fault) => ({ ...fault, places: fault.places.map(shownSource) })),
      }),
    })),
  };
}

function shownOption(name: string, value: SetRecord['options'][string]): SetRecord['options'][string] {
  if (typeof value === 'string') return name === 'reasoner' ? shownReasoner(value) : shownSource(value);
  return Array.isArray(value) ? value.map(shownSource) : value;
}

/** {@link shownName} of a source, or of a place in one, which may be a bare path. */
export function shownSource(title: string): string {
  return shownName(title.replace(/^(?:[A-Za-z]:)?[/\\](?:.*[/\\])?/su, ''));
}
