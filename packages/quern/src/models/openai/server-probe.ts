import { QuernError } from '../../errors.ts';
import type { Server } from './openai-exchange.ts';
import { connectionFailure } from './openai-failure.ts';

/** How long a server may take to say that it is well, in milliseconds. */
const PATIENCE = 5000;

/**
 * Asks a server whether it is well: `/health`, which vLLM, SGLang and llama-server have beside `/v1` and answer by 503 while
 * they load a model or when its engine is gone; then `/v1/models`, which every server has. That one of the two is unknown to
 * it, or not for us, says nothing; which models it lists is not looked at, as servers answer to other names than those.
 *
 * Throws `NETWORK`, `TIMEOUT` or `BAD_REPLY` where it is not, and the signal's reason.
 */
export async function probe(server: Server, signal: AbortSignal): Promise<void> {
  const root = server.baseUrl.replace(/\/v\d+$/, '');
  for (const url of [`${root}/health`, `${server.baseUrl}/models`]) {
    const status = await statusOf(url, server, signal);
    if (status < 500 || status === 501) continue;
    throw new QuernError('BAD_REPLY', `the server answers ${status} when asked whether it is well`, {
      where: server.where,
    });
  }
}

async function statusOf(url: string, { where, secret, idle }: Server, outer: AbortSignal): Promise<number> {
  const patience = Math.min(PATIENCE, idle);
  const late = AbortSignal.timeout(patience);
  const headers = new Headers({ accept: 'application/json', 'user-agent': 'quern' });
  if (secret !== undefined) headers.set('authorization', `Bearer ${secret}`);
  try {
    const response = await fetch(url, {
      headers,
      redirect: 'manual',
      signal: AbortSignal.any([outer, late]),
    });
    // Nothing of it is read: what it says may have no end.
    response.body?.cancel().catch(() => undefined);
    return response.status;
  } catch (error) {
    outer.throwIfAborted();
    if (!late.aborted) throw connectionFailure(error, where, 'cannot reach the server');
    throw new QuernError('TIMEOUT', `the server did not say within ${patience / 1000} s whether it is well`, {
      where,
    });
  }
}
