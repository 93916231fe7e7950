import { useEffect, useState } from 'preact/hooks';
import type { Analyzer } from '../../../../quern/src/text/analyzer.ts';
import type { HitTerm } from '../../service/answers.ts';

/** A part of a passage; one that has a term of the query says where that comes from. */
export interface PassagePart {
  readonly text: string;
  readonly origin?: HitTerm['origin'];
}

/** The very analyzer of an index, loaded when it is needed; undefined before that, and where there is none of that name here. */
export function useAnalyzer(name: string | undefined): Analyzer | undefined {
  const [loaded, setLoaded] = useState<{ readonly of: string; readonly analyzer: Analyzer }>();
  useEffect(() => {
    let isOver = false;
    if (name !== undefined) {
      import('../../../../quern/src/text/analyzers.ts')
        .then(({ analyzerNamed }) => {
          const analyzer = analyzerNamed(name);
          if (!isOver) setLoaded({ of: name, analyzer });
        })
        // An index elsewhere has an analyzer of its own: then nothing is marked.
        .catch(() => undefined);
    }
    return () => {
      isOver = true;
    };
  }, [name]);
  return loaded?.of === name ? loaded?.analyzer : undefined;
}

/** A passage in parts: its words whose terms matched, and what is between them. */
export function passageParts(
  text: string,
  terms: readonly Pick<HitTerm, 'term' | 'origin'>[],
  analyzer: Analyzer | undefined,
): PassagePart[] {
  if (!analyzer || terms.length === 0) return [{ text }];
  const origins = new Map(terms.map(({ term, origin }) => [term, origin]));
  const parts: PassagePart[] = [];
  let end = 0;
  for (const span of analyzer.spans(text)) {
    const origin = origins.get(span.term);
    if (origin === undefined || span.start < end) continue;
    if (span.start > end) parts.push({ text: text.slice(end, span.start) });
    parts.push({ text: text.slice(span.start, span.end), origin });
    end = span.end;
  }
  if (end < text.length) parts.push({ text: text.slice(end) });
  return parts;
}
