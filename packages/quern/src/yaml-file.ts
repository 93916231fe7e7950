import { LineCounter, parseDocument, isMap, isNode, isSeq, type Document } from 'yaml';
import { QuernError } from './errors.ts';
import { readSmallText } from './small-text.ts';

/** What a YAML or JSON file holds. */
export interface YamlFile {
  readonly value: unknown;
  /** `file:line` of the key or the item of a list that a path of keys and numbers ends in, or of what is nearest above it. */
  readonly place: (at: readonly PropertyKey[]) => string;
}

/**
 * What a YAML or JSON file of at most 1 MiB holds, which is to be a `kind` (`configuration`). Throws `BAD_INPUT` at `file:line`
 * for what is neither, for a key that is there twice, and for aliases that would make much of little; and what
 * {@link readSmallText} throws.
 */
export async function readYamlFile(path: string, kind: string): Promise<YamlFile> {
  const lines = new LineCounter();
  const document = parsedDocument(await readSmallText(path, kind), path, lines);
  try {
    return {
      value: document.toJS({ maxAliasCount: 100 }) as unknown,
      place: (at) => placeOf(document, at, path, lines),
    };
  } catch (error) {
    throw new QuernError('BAD_INPUT', `cannot be read: ${(error as Error).message}`, { where: path });
  }
}

function parsedDocument(text: string, path: string, lineCounter: LineCounter): Document {
  let document: Document;
  try {
    document = parseDocument(text, { lineCounter, prettyErrors: false, logLevel: 'error' });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new QuernError('BAD_INPUT', 'is nested too deeply', { where: path });
  }
  const [error] = [...document.errors, ...document.warnings];
  if (error) {
    const { line } = lineCounter.linePos(error.pos[0]);
    throw new QuernError('BAD_INPUT', `not valid YAML or JSON (${error.message})`, {
      where: `${path}:${line}`,
    });
  }
  return document;
}

function placeOf(document: Document, at: readonly PropertyKey[], path: string, lines: LineCounter): string {
  let node: unknown = document.contents;
  let offset: number | undefined;
  for (const step of at) {
    if (isSeq(node)) {
      node = node.items[Number(step)];
      if (!isNode(node)) break;
      offset = node.range?.[0];
      continue;
    }
    if (!isMap(node)) break;
    const pair = node.items.find(({ key }) => String(isNode(key) ? key.toJSON() : key) === String(step));
    if (!pair) break;
    if (isNode(pair.key)) offset = pair.key.range?.[0];
    node = pair.value;
  }
  return offset === undefined ? path : `${path}:${lines.linePos(offset).line}`;
}
