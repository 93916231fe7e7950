import { QuernError } from '../errors.ts';

/** A part that a reward's name names, and its weight in the sum. */
export interface NamedPart {
  readonly name: string;
  readonly weight: number;
}

/** What the names of parts begin with. */
export const partKinds = [
  'similarity',
  'retrieval',
  'lexical',
  'length',
  'truncation',
  'copying',
  'repetition',
  'language',
  'format',
] as const;

const number = String.raw`[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?`;
const nextPart = new RegExp(String.raw`,(?=${number}\*(?:${partKinds.join('|')})(?:[:,]|$))`, 'i');
/** What looks like a part, and has no part's name: it would be taken for the end of the one before it. */
const strangePart = new RegExp(String.raw`,(${number}\*[a-z]+(?:[:,].*)?)$`, 'is');
const weighted = new RegExp(String.raw`^(${number})\*(.+)$`, 'is');

/**
 * The parts that a reward's name stands for: `mix:1*similarity:E,0.5*lexical,-0.1*length:400` for several, each with its weight;
 * one that is no mix stands for itself. A comma is between two parts only where a weight, `*` and a part's name come after it, so
 * that paths and URLs may have commas; only one that holds `,1*lexical` or the like cannot be named. Throws `USAGE`.
 */
export function namedParts(name: string): NamedPart[] {
  const mixed = /^mix:(.+)$/s.exec(name)?.[1];
  if (mixed === undefined) return [{ name, weight: 1 }];
  return mixed.split(nextPart).map((text) => {
    const [, weight, part] = weighted.exec(text) ?? [];
    if (weight === undefined) {
      throw new QuernError('USAGE', `${JSON.stringify(text)} is no part of a mix`, {
        where: name,
        hint: 'Parts are WEIGHT*REWARD, as in mix:1*similarity:onnx:MODEL,0.5*lexical,-0.1*length:400',
      });
    }
    const [, unknown] = strangePart.exec(part) ?? [];
    if (unknown !== undefined && !part.includes('://')) {
      throw new QuernError('USAGE', `${JSON.stringify(unknown)} is no part of a mix`, {
        where: name,
        hint: `Parts are ${partKinds.join(', ')}`,
      });
    }
    return { name: part, weight: Number(weight) };
  });
}
