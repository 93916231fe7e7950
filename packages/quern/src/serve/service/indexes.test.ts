import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { indexOf } from '../../../test/small-index.ts';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import { Warnings } from '../../warnings.ts';
import { Indexes } from './indexes.ts';

const folder = temporaryFolder();

it('hands out no index that was let go, whenever that is', async () => {
  const built = await indexOf(folder, { a: 'oak', b: 'ash' });
  await built.close();
  const index = join(folder, 'index-0');
  const indexes = new Indexes(
    new Map(),
    {
      names: ['trees'],
      named: () => ({ index, retriever: 'bm25' }),
      open: (_, opened) => opened(),
    },
    new Warnings(),
  );
  onTestFinished(() => indexes.close());
  for (const isOpen of [false, true]) {
    for (let turns = 0; turns < 12; turns++) {
      if (isOpen) await indexes.use('trees', 'index', async () => undefined);
      const hits = indexes.use('trees', 'index', async (open) => {
        await Promise.resolve();
        return 'search' in open.index && open.index.search(new Map([['oak', 1]]), { k: 5 });
      });
      for (let i = 0; i < turns; i++) await Promise.resolve();
      await indexes.forget('trees');
      expect(await hits).toMatchObject([{ id: 'a' }]);
    }
  }
});
