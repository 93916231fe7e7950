import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { MetricsFile } from './metrics-file.ts';
import type { MetricsAnswer } from './wire.ts';

const root = realpathSync(temporaryFolder());
let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'run-'));
  path = join(folder, 'metrics.jsonl');
});

function line(step: number, reward = step / 10): string {
  const time = new Date(1_700_000_000_000 + step * 1000).toISOString();
  return `${JSON.stringify({ kind: 'train', step, reward, time })}\n`;
}

function lines(from: number, to: number, reward?: number): string {
  return Array.from({ length: to - from + 1 }, (_, i) => line(from + i, reward)).join('');
}

const steps = (answer: MetricsAnswer): number[] => answer.lines.map(({ step }) => step);

describe('the metrics of a run', () => {
  it('have no lines while there is no file, and then those that are written', async () => {
    const metrics = new MetricsFile(folder);
    const none = await metrics.after();
    expect(none).toMatchObject({ lines: [], more: false, unreadable: 0 });
    writeFileSync(path, lines(1, 3));
    const first = await metrics.after(none.after);
    expect(steps(first)).toEqual([1, 2, 3]);
    expect(first.lines[0]).toEqual({
      kind: 'train',
      step: 1,
      time: 1_700_000_001_000,
      values: { reward: 0.1 },
    });
    expect(await metrics.after(first.after)).toMatchObject({ lines: [], isStart: false });
    appendFileSync(path, lines(4, 5));
    expect(steps(await metrics.after(first.after))).toEqual([4, 5]);
  });

  it('come with a line when it is whole, and not before', async () => {
    const metrics = new MetricsFile(folder);
    const next = line(2);
    writeFileSync(path, lines(1, 1) + next.slice(0, 20));
    const first = await metrics.after();
    expect(steps(first)).toEqual([1]);
    appendFileSync(path, next.slice(20, -1));
    expect(await metrics.after(first.after)).toMatchObject({ lines: [], unreadable: 0 });
    appendFileSync(path, '\n');
    expect(steps(await metrics.after(first.after))).toEqual([2]);
  });

  it.each([
    ['shorter', 12],
    ['longer than it was, with other lines', 40],
  ])('start again when the file was replaced by one that is %s', async (_, last) => {
    const metrics = new MetricsFile(folder);
    writeFileSync(path, lines(1, 20));
    const before = await metrics.after();
    writeFileSync(`${path}.tmp`, lines(1, last, 7));
    renameSync(`${path}.tmp`, path);
    const after = await metrics.after(before.after);
    expect(after.isStart).toBe(true);
    expect(steps(after)).toEqual(Array.from({ length: last }, (__, i) => i + 1));
    expect(after.lines.at(-1)!.values).toEqual({ reward: 7 });
  });

  it('start again when the file itself was cut and written on, or went', async () => {
    const metrics = new MetricsFile(folder);
    writeFileSync(path, lines(1, 5));
    const before = await metrics.after();
    writeFileSync(path, lines(1, 5, 7));
    const cut = await metrics.after(before.after);
    expect(cut).toMatchObject({ isStart: true, lines: { length: 5 } });
    rmSync(path);
    expect(await metrics.after(cut.after)).toMatchObject({ isStart: true, lines: [] });
  });

  it('start again for who asks with the place of another server, or with none that is one', async () => {
    writeFileSync(path, lines(1, 5));
    const { after } = await new MetricsFile(folder).after();
    const metrics = new MetricsFile(folder);
    for (const place of [after, '', '../../etc', '1-2', '-1--1--1']) {
      expect(await metrics.after(place)).toMatchObject({ isStart: true, lines: { length: 5 } });
    }
  });

  it('leave out and count lines that are none, and values that are no numbers', async () => {
    const odd = ['{"kind":"train","step":', 'null', '[]', '{"kind":"other","step":1}', '{"kind":"train"}'];
    const last = '{"kind":"eval","step":3,"eval/reward":1,"a":null,"b":"x","__proto__":2,"c":[1]}';
    writeFileSync(path, `${line(1)}${odd.join('\n')}\n\n${last}\n`);
    const { lines: read, unreadable } = await new MetricsFile(folder).after();
    expect(unreadable).toBe(odd.length);
    expect(Object.entries(read[1]!.values)).toEqual([
      ['eval/reward', 1],
      ['__proto__', 2],
    ]);
  });

  it('go on after a line that is longer than any can be', async () => {
    const long = 'x'.repeat(2_500_000);
    writeFileSync(path, `${line(1)}${long}`);
    const metrics = new MetricsFile(folder);
    const first = await metrics.after();
    expect(first).toMatchObject({ unreadable: 1, lines: { length: 1 } });
    appendFileSync(path, `${long}\n${line(2)}`);
    expect(await metrics.after(first.after)).toMatchObject({ unreadable: 1, lines: [{ step: 2 }] });
  });

  it('come in answers of a bounded length', async () => {
    writeFileSync(path, `${lines(1, 25)}{"kind":"eval","step":20,"eval/reward":1}\n`);
    const metrics = new MetricsFile(folder, { answered: 10 });
    const answers: MetricsAnswer[] = [];
    do answers.push(await metrics.after(answers.at(-1)?.after));
    while (answers.at(-1)!.more);
    expect(answers.map(({ lines: { length } }) => length)).toEqual([10, 10, 6]);
    expect(answers.map(({ isStart }) => isStart)).toEqual([true, false, false]);
  });

  it('of a long run are thinned evenly, and all of what was validated is kept', async () => {
    const metrics = new MetricsFile(folder, { lines: 100 });
    writeFileSync(path, lines(1, 100));
    const before = await metrics.after();
    expect(before).toMatchObject({ stride: 1, lines: { length: 100 } });
    appendFileSync(path, `${lines(101, 250)}{"kind":"eval","step":249,"eval/reward":1}\n`);
    const after = await metrics.after(before.after);
    expect(after).toMatchObject({ isStart: true, stride: 4 });
    expect(steps(after)).toEqual([...Array.from({ length: 63 }, (_, i) => 1 + 4 * i), 249]);
  });

  it('name what is no finite number, as JSON has it and as Python does', async () => {
    const written = [
      '{"kind":"train","step":1,"loss":null,"reward":0.5,"note":"NaN"}',
      '{"kind": "train", "step": 2, "loss": NaN, "reward": -Infinity, "kl": 1}',
      '{"kind":"eval","step":2,"eval/loss":"Infinity","eval/reward":1,"text":"of NaN, and more"}',
      '{"kind":"train","step":3,"loss":nan}',
    ];
    writeFileSync(path, `${written.join('\n')}\n`);
    expect(await new MetricsFile(folder).after()).toMatchObject({
      unreadable: 1,
      lines: [
        { step: 1, values: { reward: 0.5 }, notFinite: ['loss', 'note'] },
        { step: 2, values: { kl: 1 }, notFinite: ['loss', 'reward'] },
        { kind: 'eval', values: { 'eval/reward': 1 }, notFinite: ['eval/loss'] },
      ],
    });
  });

  it('are not read through a link, nor from what is no file', async () => {
    const elsewhere = join(root, 'secret.jsonl');
    writeFileSync(elsewhere, lines(1, 2));
    symlinkSync(elsewhere, path);
    expect((await new MetricsFile(folder).after()).lines).toEqual([]);
    rmSync(path);
    mkdirSync(path);
    expect((await new MetricsFile(folder).after()).lines).toEqual([]);
  });
});
