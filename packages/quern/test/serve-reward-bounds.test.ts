/** How many completions and positives `POST /v1/rewards` takes, and which names. */
import { expect, it } from 'vitest';
import { startService } from './running-service.ts';
import { temporaryFolder } from './temporary-folder.ts';

const folder = temporaryFolder();
const rewards = { overlap: 'lexical', found: 'retrieval:mrr' };

const items = [
  { query: 'why is bread flat', completion: 'yeast that is dead', positives: ['Dead yeast makes no gas.'] },
  { query: 'why is tea bitter', completion: 'leaves in hot water', positives: ['Hot water draws tannin.'] },
];

function positives(count: number): string[] {
  return Array.from({ length: count }, (_, i) => `gas ${i}`);
}

async function served<T>(
  configuration: Readonly<Record<string, unknown>>,
  work: (service: Awaited<ReturnType<typeof startService>>) => Promise<T>,
): Promise<T> {
  const service = await startService(folder, configuration);
  try {
    return await work(service);
  } finally {
    await service.close();
  }
}

it('needs no name where one alone is declared, and names those that are where none fits', async () => {
  await served({ rewards: { overlap: 'lexical' } }, async ({ ask }) => {
    expect(await ask('/v1/rewards', { items })).toMatchObject({ status: 200 });
  });
  await served({ rewards }, async ({ ask }) => {
    expect(await ask('/v1/rewards', { items })).toMatchObject({
      status: 400,
      body: { error: { where: 'reward', hint: 'There are overlap, found' } },
    });
    expect(await ask('/v1/rewards', { reward: 'lexical', items })).toMatchObject({ status: 404 });
    expect(await ask('/v1/rewards', { reward: 'similarity:onnx:a/b', items })).toMatchObject({ status: 400 });
  });
});

it('takes so many completions, and sixteen times as many positives', async () => {
  await served({ rewards, limits: { items: 2 } }, async ({ ask }) => {
    const [item] = items as [(typeof items)[number]];
    expect(await ask('/v1/rewards', { reward: 'found', items: [item, item, item] })).toMatchObject({
      status: 400,
      body: { error: { message: 'there are more than 2' } },
    });
    const most = [{ ...item, positives: positives(31) }, item];
    expect(await ask('/v1/rewards', { reward: 'found', items: most })).toMatchObject({ status: 200 });
    const more = [{ ...item, positives: positives(32) }, item];
    expect(await ask('/v1/rewards', { reward: 'found', items: more })).toMatchObject({
      status: 400,
      body: { error: { where: 'items', message: 'they have more than 32 positives together' } },
    });
  });
});
