import { expect, it } from 'vitest';
import { QuernError } from './errors.ts';
import { Once } from './once.ts';

/** Work that fails with each of these errors in turn, and then succeeds. */
function failing(...errors: readonly Error[]): {
  readonly work: () => Promise<string>;
  readonly begun: () => number;
} {
  let begun = 0;
  const work = async (): Promise<string> => {
    const error = errors[begun++];
    if (error) throw error;
    return 'done';
  };
  return { work, begun: () => begun };
}

it('is done once, when it is asked for', async () => {
  const { work, begun } = failing();
  const once = new Once(work);
  expect(begun()).toBe(0);
  expect(await Promise.all([once.get(), once.get()])).toEqual(['done', 'done']);
  expect(await once.get()).toBe('done');
  expect(begun()).toBe(1);
});

it('tells a failure again without trying, and tries again later', async () => {
  const { work, begun } = failing(new QuernError('NETWORK', 'gone'));
  const patient = new Once(work, 60_000);
  await expect(patient.get()).rejects.toThrow('gone');
  await expect(patient.get()).rejects.toThrow('gone');
  expect(begun()).toBe(1);
  patient.reset();
  expect(await patient.get()).toBe('done');
  const hasty = new Once(failing(new QuernError('NETWORK', 'gone')).work, 0);
  await expect(hasty.get()).rejects.toThrow('gone');
  expect(await hasty.get()).toBe('done');
});

it('tries again at once what was only stopped', async () => {
  const once = new Once(failing(new QuernError('ABORTED', 'stopped')).work, 60_000);
  await expect(once.get()).rejects.toThrow('stopped');
  expect(await once.get()).toBe('done');
});
