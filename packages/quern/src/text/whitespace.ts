import type { Analyzer, TermSpan } from './analyzer.ts';
import { TermCache } from './term-cache.ts';

/**
 * Splits on Unicode's White_Space and changes nothing else.
 */
export function whitespaceAnalyzer(): Analyzer {
  const cache = new TermCache((_, length) => length);
  const spans = (text: string): TermSpan[] => {
    const found: TermSpan[] = [];
    for (let end = 0; end < text.length; end++) {
      const start = end;
      while (end < text.length && !isWhiteSpace(text.charCodeAt(end))) end++;
      const term = end > start ? cache.termOf(text, start, end) : undefined;
      if (term !== undefined) found.push({ term, start, end });
    }
    return found;
  };
  return { name: 'whitespace', spans, terms: (text) => spans(text).map(({ term }) => term) };
}

/** White_Space of Unicode 17.0; all of it is in the Basic Multilingual Plane. */
function isWhiteSpace(unit: number): boolean {
  if (unit < 0x80) return unit === 0x20 || (unit >= 0x09 && unit <= 0x0d);
  if (unit < 0x1680) return unit === 0x85 || unit === 0xa0;
  return (
    unit === 0x1680 ||
    (unit >= 0x2000 && unit <= 0x200a) ||
    unit === 0x2028 ||
    unit === 0x2029 ||
    unit === 0x202f ||
    unit === 0x205f ||
    unit === 0x3000
  );
}
