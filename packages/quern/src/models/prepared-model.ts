import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

export interface PreparedModel {
  readonly path: string;
  readonly hash: string;
  contextTokens(wanted: number, sequences: number): number;
}

export async function preparedModel(name: string, _: { signal?: AbortSignal }): Promise<PreparedModel> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(name), hash);
  return { path: name, hash: hash.digest('hex'), contextTokens: (wanted) => wanted };
}
