/** What an index in the data folder was built from, kept in its folder. */
import { open } from 'node:fs/promises';
import * as z from 'zod';
import { fileError } from '../../errors.ts';
import type { PlainTree } from './plain-tree.ts';

const recordName = 'built.json';
const mostBytes = 1 << 16;

const recordSchema = z.object({
  corpus: z.string(),
  /** What told the content of the corpus's file from others. */
  content: z.string(),
  /** When it was built: ISO 8601. */
  built: z.string(),
});

export type BuiltRecord = z.infer<typeof recordSchema>;

/** Notes what the index in a folder that is under a passing name was built from. */
export async function writeBuiltRecord(tree: PlainTree, folder: string, record: BuiltRecord): Promise<void> {
  try {
    const file = await open(tree.path('indexes', folder, recordName), 'wx', 0o600);
    try {
      await file.writeFile(JSON.stringify(record));
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    throw fileError(error, `indexes/${recordName}`);
  }
}

/** What an index was built from; undefined where that is not noted. */
export async function readBuiltRecord(tree: PlainTree, index: string): Promise<BuiltRecord | undefined> {
  const file = await tree.openFile('indexes', index, recordName);
  if (file === undefined) return undefined;
  try {
    if ((await file.stat()).size > mostBytes) return undefined;
    return recordSchema.safeParse(JSON.parse(await file.readFile('utf8'))).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw fileError(error, `indexes/${index}/${recordName}`);
  } finally {
    await file.close();
  }
}
