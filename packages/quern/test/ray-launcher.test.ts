/** engines/quern_ray.py with a trainer that tells what it was given, and waits. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from './temporary-folder.ts';
import { hasTestPython, testPythonProgram } from './test-python.ts';

const folder = temporaryFolder();
const program = resolve(import.meta.dirname, '../../../engines/quern_ray.py');

const trainer = `
import json, os, sys, time
print(json.dumps({"argv": sys.argv[1:], "main": __name__}), flush=True)
if sys.argv[1] == "fail":
    raise ValueError("no GPU")
if sys.argv[1] == "wait":
    for _ in range(600):
        time.sleep(0.1)
`;

interface Launched {
  readonly child: ChildProcess;
  readonly ended: Promise<{ readonly code: number | null; readonly lines: readonly string[] }>;
  /** Resolves when it has printed such a text. */
  said(text: string): Promise<void>;
}

function aMoment(): Promise<boolean> {
  return new Promise((wake) => setTimeout(() => wake(false), 20));
}

function launched(
  name: string,
  args: readonly string[],
  { keep = 2, env = {}, submitted = false }: { keep?: number; env?: object; submitted?: boolean } = {},
): Launched {
  const job = join(folder, name);
  mkdirSync(job, { recursive: true });
  writeFileSync(join(job, 'a_trainer.py'), trainer);
  writeFileSync(join(job, 'ray.json'), JSON.stringify({ module: 'a_trainer', arguments: args, keep }));
  const child = spawn(testPythonProgram, [program, ...(submitted ? [] : ['ray.json'])], {
    cwd: submitted ? folder : job,
    env: { ...process.env, PYTHONPATH: job, ...(submitted && { QUERN_JOB: job }), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  const heard = (part: Buffer): void => {
    text += part.toString();
  };
  child.stdout.on('data', heard);
  child.stderr.on('data', heard);
  const ended = once(child, 'close').then(([code]) => ({
    code: code as number | null,
    lines: text.split('\n'),
  }));
  return {
    child,
    ended,
    said: async (wanted) => {
      const over = ended.then(() => true);
      while (!text.includes(wanted)) {
        if (await Promise.race([over, aMoment()])) throw new Error(`it ended: ${text}`);
      }
    },
  };
}

describe.skipIf(!hasTestPython)('quern_ray.py', () => {
  it('runs the trainer as python3 -m does, after it has told where it begins', async () => {
    const { code, lines } = await launched('first', ['a b', '$(x)', '-1']).ended;
    expect(code).toBe(0);
    expect(lines.filter((line) => line !== '')).toEqual([
      '{"begun": 0}',
      JSON.stringify({ argv: ['a b', '$(x)', '-1'], main: '__main__' }).replaceAll(/([:,])(?=["[])/g, '$1 '),
    ]);
  });

  it('finds its job where ray job submit started it, and the checkpoints of both trainers', async () => {
    mkdirSync(join(folder, 'submitted/checkpoints'), { recursive: true });
    writeFileSync(join(folder, 'submitted/checkpoints/latest_checkpointed_iteration.txt'), '12');
    const verl = await launched('submitted', ['x'], { submitted: true }).ended;
    expect([verl.code, verl.lines[1]]).toEqual([0, '{"begun": 12}']);
    mkdirSync(join(folder, 'openrlhf/checkpoints/_actor/global_step3'), { recursive: true });
    writeFileSync(join(folder, 'openrlhf/checkpoints/_actor/latest'), 'global_step3');
    const openrlhf = await launched('openrlhf', ['x']).ended;
    expect([openrlhf.code, openrlhf.lines[1]]).toEqual([0, '{"begun": 3}']);
  });

  it('takes away a first checkpoint that was cut off, and models beyond those that are kept', async () => {
    const at = join(folder, 'cut/checkpoints');
    for (const name of ['_actor/global_step1', ...[1, 2, 10].map((step) => `global_step${step}_hf`)])
      mkdirSync(join(at, name), { recursive: true });
    const { said, child, ended } = launched('cut', ['wait']);
    await said('{"begun": 0}');
    await expect.poll(() => readdirSync(at).sort()).toEqual(['global_step10_hf', 'global_step2_hf']);
    child.kill('SIGKILL');
    await ended;
  });

  it('ends well when it is told to, or nobody follows it any more', async () => {
    const told = launched('told', ['wait']);
    const alone = launched('alone', ['wait'], { env: { QUERN_OWNER: '99999999' } });
    await told.said('__main__');
    writeFileSync(join(folder, 'told/stop'), '');
    const ends = await Promise.all([told.ended, alone.ended]);
    expect(ends.map(({ code }) => code)).toEqual([0, 0]);
    expect(ends[0].lines).toContain('quern: stopped');
    expect(existsSync(join(folder, 'told/checkpoints'))).toBe(false);
  });

  it('fails as the trainer does', async () => {
    const { code, lines } = await launched('failing', ['fail']).ended;
    expect(code).toBe(1);
    expect(lines).toContain('ValueError: no GPU');
  });
});
