import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { preparedReasoner, reasonerNamed } from './reasoners.ts';
import { namedMembers } from './several-names.ts';
import { SeveralReasoner } from './several.ts';

const folder = temporaryFolder();

function names(name: string): string[] {
  return namedMembers(name).map(({ name: each, samples }) => `${samples}×${each}`);
}

function usage(): Error {
  return expect.objectContaining({ code: 'USAGE' }) as Error;
}

describe('a name of reasoners', () => {
  it.each([
    ['rm3', ['1×rm3']],
    ['3*rm3', ['3×rm3']],
    ['join:rm3', ['1×rm3']],
    ['join:none,rm3', ['1×none', '1×rm3']],
    ['join:2*llama:a/b,openai:m@http://h/v1', ['2×llama:a/b', '1×openai:m@http://h/v1']],
    ['join:openai:m@http://h/v1,http://g/v1,torch:a', ['1×openai:m@http://h/v1,http://g/v1', '1×torch:a']],
    ['join:file:a.json,64*file:b.json,none', ['1×file:a.json', '64×file:b.json', '1×none']],
  ])('%s stands for %j', (name, members) => {
    expect(names(name)).toEqual(members);
  });

  it.each([
    ['file:/a,b/c.json', ['1×file:/a,b/c.json']],
    ['join:file:/a,b/c,d.json,rm3', ['1×file:/a,b/c,d.json', '1×rm3']],
    ['join:file:a,none.json,none', ['1×file:a,none.json', '1×none']],
    ['join:file:rm3,rm35,2*rm3', ['1×file:rm3,rm35', '2×rm3']],
    ['3*file:2*x.json', ['3×file:2*x.json']],
    ['join:file:3*x,y.json,llama:m,1.gguf', ['1×file:3*x,y.json', '1×llama:m,1.gguf']],
    ['file:a\nb,rm3', ['1×file:a\nb,rm3']],
  ])('%j keeps the commas and stars of paths: %j', (name, members) => {
    expect(names(name)).toEqual(members);
  });

  it.each(['0*rm3', '65*rm3', '99999999999999999999*rm3', 'join:rm3,0*rm3'])('%s is none', (name) => {
    expect(() => namedMembers(name)).toThrow(usage());
  });

  it.each(['join:', 'join:rm3,unknown', 'join:join:none,none', '2*join:none,none', '2*3*none', '*none'])(
    '%s opens nothing, with a clear error',
    async (name) => {
      await expect(preparedReasoner(name)).rejects.toMatchObject({
        code: 'USAGE',
        message: expect.stringContaining('unknown reasoner'),
      });
    },
  );

  it('says what stands after a comma where nothing of that does', async () => {
    await expect(preparedReasoner('join:rm3,unknown')).rejects.toMatchObject({
      hint: expect.stringContaining('After a comma'),
    });
  });

  it('opens its members, each sample by its number', async () => {
    const path = join(folder, 'a, b.json');
    writeFileSync(path, '{"why": "because"}');
    const name = `join:file:${path},2*llama:not-loaded.gguf,none`;
    const reasoner = await reasonerNamed(name, { cached: false });
    expect(reasoner.id).toBe(name);
    expect(reasoner).toBeInstanceOf(SeveralReasoner);
    expect(reasoner.members?.map(({ reasoner: { id }, sample }) => [id, sample])).toEqual([
      [`file:${path}`, 0],
      ['llama:not-loaded.gguf', 0],
      ['llama:not-loaded.gguf', 1],
      ['none', 0],
    ]);
    const { text, parts } = await reasoner.reason('why');
    expect(text).toBe('because');
    expect(parts?.map(({ finish }) => finish)).toEqual(['stop', 'failed', 'failed', 'skipped']);
    await reasoner.close();
  });

  it.each(['2*none', 'join:none,3*rm3', '3*file:absent.json'])('%s has no samples to open', async (name) => {
    await expect(preparedReasoner(name)).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('says the same each time'),
    });
  });

  it('of one is that one, not several', async () => {
    expect(await reasonerNamed('none')).not.toBeInstanceOf(SeveralReasoner);
  });

  it('tells what is wrong with a member before anything is asked', async () => {
    await expect(preparedReasoner(`join:none,file:${join(folder, 'no.json')}`)).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const prepare = await preparedReasoner('join:none,rm3');
    expect(() => prepare()).toThrow(usage());
  });
});
