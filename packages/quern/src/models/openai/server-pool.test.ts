import { setTimeout as pause } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { QuernError } from '../../errors.ts';
import { ServerPool } from './server-pool.ts';

it('takes no servers for down that send others away while they work', async () => {
  const servers = ['a', 'b'].map((name) => ({ name, server: name, places: 8, probe: async () => {} }));
  const pool = new ServerPool(servers, { outage: 50, random: () => 0 });
  const working = new Set<string>();
  const ask = async (): Promise<string> => {
    for (;;) {
      const place = await pool.take(new AbortController().signal);
      if (working.has(place.server)) {
        await place.failed({ kind: 'busy', error: new QuernError('NETWORK', 'busy'), retryAfter: 20 });
        continue;
      }
      working.add(place.server);
      await pause(300);
      working.delete(place.server);
      place.answered();
      return 'answered';
    }
  };
  expect(await Promise.all([ask(), ask(), ask(), ask()])).toEqual(Array(4).fill('answered'));
  pool.close();
});
