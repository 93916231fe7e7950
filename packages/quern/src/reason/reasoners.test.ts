import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indexOf, someTexts } from '../../test/small-index.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import type { LexicalIndex } from '../lexical/lexical-index.ts';
import { reasonerNamed } from './reasoners.ts';

const folder = temporaryFolder();
const recorded = join(folder, 'a file:with colons.json');
let index: LexicalIndex;

beforeAll(async () => {
  writeFileSync(recorded, '{"q": "r"}');
  index = await indexOf(folder, someTexts);
});
afterAll(() => index?.close());

describe('a reasoner', () => {
  it.each(['none', 'rm3', `file:${recorded}`])('has the name it is asked for by: %s', async (name) => {
    const reasoner = await reasonerNamed(name, { feedback: { index, scoring: 'bm25' } });
    expect(reasoner.id).toBe(name);
    await reasoner.close();
  });

  it.each(['', 'None', 'rm3:10', 'file', 'file:', 'llm', 'none '])('is not named by %j', async (name) => {
    await expect(reasonerNamed(name, { feedback: { index, scoring: 'bm25' } })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining(JSON.stringify(name)),
    });
  });

  it('learns from an index where it is rm3, and is refused without one', async () => {
    await expect(reasonerNamed('rm3')).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('--index'),
    });
  });
});
