import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { compiler, programs, writeFiles } from '../../test/fake-machine.ts';
import { temporaryFolder } from '../../test/temporary-folder.ts';
import { findCompiler } from './compiler.ts';
import { findNodeHeaders } from './node-headers.ts';

const root = temporaryFolder();

describe('the compiler', () => {
  const PATH = programs(root, {
    'g++': compiler(),
    'clang++': compiler(),
    broken: 'exit 3',
    ccache: 'echo c',
  });

  it('is what CXX names, with arguments', async () => {
    const CXX = 'ccache g++ -m64';
    const found = { program: join(PATH, 'ccache'), args: ['g++', '-m64'], version: 'c' };
    expect(await findCompiler({ PATH, CXX })).toEqual(found);
  });

  it('is what CXX names, also where its path has a blank', async () => {
    const CXX = join(writeFiles(join(root, 'a b'), { 'bin/cxx': `#!/bin/sh\n${compiler()}` }), 'bin/cxx');
    expect(await findCompiler({ PATH: '', CXX })).toEqual({
      program: CXX,
      args: [],
      version: 'fake c++ 1.0',
    });
  });

  it('is the first of c++, g++ and clang++ that works', async () => {
    expect(await findCompiler({ PATH })).toMatchObject({ program: join(PATH, 'g++') });
  });

  it.each([
    ['there is none', { PATH: '' }, 'a C++ compiler is needed, and there is none'],
    ['CXX names none', { PATH, CXX: 'nothing' }, 'CXX is nothing, and there is no such program'],
    ['CXX does not work', { PATH, CXX: 'broken' }, `${join(PATH, 'broken')} does not work: it exited with 3`],
  ])('is missed where %s', async (_, env, message) => {
    const wanted = { code: 'SETUP', message: expect.stringContaining(message) as string };
    await expect(findCompiler(env)).rejects.toMatchObject(wanted);
  });

  it('is missed where it does not say in time what it is', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const CXX = join(programs(root, { slow: 'exec /bin/sleep 600' }), 'slow');
      const finding = findCompiler({ PATH, CXX }).catch((error: unknown) => error);
      vi.advanceTimersByTime(30_000);
      const message = expect.stringContaining(`${CXX} does not work: it did not end in time`) as string;
      expect(await finding).toMatchObject({ code: 'SETUP', message });
    } finally {
      vi.useRealTimers();
    }
  });

  it('is not looked for on Windows', async () => {
    const wanted = { code: 'SETUP', hint: expect.stringContaining('WSL') as string };
    await expect(findCompiler({ PATH }, undefined, 'win32')).rejects.toMatchObject(wanted);
  });
});

describe("Node's headers", () => {
  it('are those in NODE_HEADERS, which is an error where there are none', () => {
    const folder = writeFiles(join(root, 'headers'), { 'node_api.h': '' });
    expect(findNodeHeaders({ NODE_HEADERS: folder })).toBe(folder);
    const wrong = { NODE_HEADERS: root };
    expect(() => findNodeHeaders(wrong)).toThrow(`NODE_HEADERS is ${root}, and there is no node_api.h in it`);
  });
});
