import type { FastifyInstance, FastifyReply } from 'fastify';
import { QuernError } from '../../errors.ts';
import { optionalPackage } from '../../optional-package.ts';
import type { Reward, RewardItem, RewardResult } from '../reward.ts';
import { checkAccess, checkReach, isAllowed } from './access.ts';
import { listenAt, type Listening } from './listening.ts';
import { openRlhfAnswer, openRlhfItems, openRlhfJson } from './openrlhf-protocol.ts';
import { rewardMetrics } from './reward-metrics.ts';
import { RewardQueue, type RewardQueueOptions } from './reward-queue.ts';
import { requestedItems } from './rewards-protocol.ts';

/** How a reward is served. */
export interface RewardServerOptions extends Pick<RewardQueueOptions, 'batch' | 'linger'> {
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** Default 0: one that is free. */
  readonly port?: number;
  /** What requests must show; needed where the host is not this machine alone. */
  readonly token?: string;
  /** The most items that wait before `/v1/rewards` refuses more. Default 4,096. */
  readonly queue?: number;
  /** The most bytes of a request. Default 64 MiB. */
  readonly bodyLimit?: number;
  /** How long `close` waits for what is under way before it breaks that off, in milliseconds. Default 25,000. */
  readonly grace?: number;
}

/** A reward that is being served; the reward stays the caller's to close. */
export type RewardServer = Listening;

const healthRoute = '/healthz';
const defaultQueue = 4096;
const defaultBodyLimit = 64 << 20;
/** Less than the 30 s that Kubernetes gives a container to end. */
const defaultGrace = 25_000;
/** A request must have come within this time, in milliseconds. */
const requestTimeout = 60_000;
/** When to try again, in seconds, where the queue is full. */
const retryAfter = 1;

/**
 * Serves a reward: `POST /get_reward` in OpenRLHF's protocol, `POST /v1/rewards`, `GET /healthz` and `GET /metrics`. Requests to
 * `/get_reward` are held until they are scored, as their client does not wait to try again; `/v1/rewards` answers 429 with
 * Retry-After while too many items wait. Throws `USAGE` for a host that others reach without a token or that this machine does
 * not have, a port that is taken and a body limit below 1; `MISSING_PACKAGE`, and what else listening throws.
 */
export async function serveReward(reward: Reward, options: RewardServerOptions = {}): Promise<RewardServer> {
  return listenAt(await rewardApplication(reward, options), options);
}

/** The application that {@link serveReward} listens with. */
export async function rewardApplication(
  reward: Reward,
  options: RewardServerOptions = {},
): Promise<FastifyInstance> {
  const { host = '127.0.0.1', token, queue: most = defaultQueue, bodyLimit = defaultBodyLimit } = options;
  const { grace = defaultGrace } = options;
  checkReach(host, token);
  if (!Number.isSafeInteger(bodyLimit) || bodyLimit < 1) {
    throw new QuernError('USAGE', `it is a whole number of bytes from 1 up, not ${bodyLimit}`, {
      where: '--body-limit',
    });
  }
  const { fastify } = await optionalPackage(
    () => import('fastify'),
    'fastify, which serves rewards',
    'npm install fastify prom-client',
  );
  const metrics = await rewardMetrics(() => queue.waiting);
  const { batch, linger } = options;
  const queue = new RewardQueue(reward, { batch, linger, onBatch: (items) => metrics.batch(items) });
  const server = fastify({ bodyLimit, requestTimeout, forceCloseConnections: 'idle' });

  server.addHook('onRequest', async ({ headers, routeOptions }) => {
    // Probes of an orchestrator show no token; what they are told is no secret.
    if (token !== undefined && routeOptions.url === healthRoute) return;
    checkAccess(headers, token);
  });
  server.addHook('onResponse', async ({ routeOptions }, { statusCode, elapsedTime }) => {
    metrics.answered(routeOptions.url ?? 'none', statusCode, elapsedTime / 1000);
  });
  let isClosing = false;
  let patience: NodeJS.Timeout | undefined;
  server.addHook('preClose', async () => {
    isClosing = true;
    patience = setTimeout(() => {
      queue.stop();
      server.server.closeAllConnections();
    }, grace);
  });
  // Else who was answered would hold the connection, and the server would wait for that.
  server.addHook('onSend', async (_, reply) => {
    if (isClosing) void reply.header('connection', 'close');
  });
  server.addHook('onClose', () => queue.drained().finally(() => clearTimeout(patience)));
  server.setErrorHandler((error, _, reply) => answerError(error, reply));
  server.setNotFoundHandler((_, reply) =>
    answerError(new QuernError('NOT_FOUND', 'no such route, or not with this method'), reply),
  );

  const scored = async (items: readonly RewardItem[], reply: FastifyReply): Promise<RewardResult[]> => {
    const results = await queue.score(items, goneSignal(reply));
    metrics.scored(results);
    return results;
  };
  server.post('/get_reward', async (request, reply) => {
    const results = await scored(openRlhfItems(request.body), reply);
    void reply.type('application/json; charset=utf-8');
    return openRlhfJson(openRlhfAnswer(results, reward.partNames));
  });
  server.post('/v1/rewards', (request, reply) => {
    const items = requestedItems(request.body);
    // One that asks for more than all that may wait is let in alone.
    if (queue.waiting > 0 && queue.waiting + items.length > most) {
      void reply.header('retry-after', String(retryAfter));
      throw new QuernError('OVERLOADED', `${queue.waiting} items wait, and ${most} may`);
    }
    return scored(items, reply).then((rewards) => ({ rewards }));
  });
  server.get(healthRoute, async ({ headers }) => {
    const status = { status: 'ok' };
    return isAllowed(headers, token) ? { ...status, reward: reward.id, waiting: queue.waiting } : status;
  });
  server.get('/metrics', async (_, reply) => {
    void reply.type(metrics.contentType);
    return metrics.text();
  });
  return server;
}

/** Aborted when the client of a request goes away before it is answered. */
function goneSignal({ raw }: FastifyReply): AbortSignal {
  const controller = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) controller.abort();
  });
  return controller.signal;
}

const statuses: Readonly<Record<string, number>> = {
  BAD_INPUT: 400,
  USAGE: 400,
  DENIED: 401,
  NOT_FOUND: 404,
  OVERLOADED: 429,
  ABORTED: 499,
};

/** What to do about what fastify refuses, by the status. */
const hints: Readonly<Record<number, string>> = {
  413: 'Send fewer items a request, or start the server with a larger --body-limit',
  415: 'Send JSON, with the header Content-Type: application/json',
};

/** Answers with what went wrong; of what is nobody's but ours, without its message. */
function answerError(error: unknown, reply: FastifyReply): FastifyReply {
  if (error instanceof QuernError) {
    const { code, what, where, hint } = error;
    const details = {
      code,
      message: what,
      ...(where !== undefined && { where }),
      ...(hint !== undefined && { hint }),
    };
    return reply.status(statuses[code] ?? 500).send({ error: details });
  }
  // What fastify finds wrong: a body that is too large, not JSON, or of another type.
  const { statusCode = 500, message } = error as { statusCode?: number; message: string };
  const hint = hints[statusCode];
  if (hint !== undefined)
    return reply.status(statusCode).send({ error: { code: 'BAD_INPUT', message, hint } });
  const isClients = statusCode >= 400 && statusCode < 500;
  const details = isClients
    ? { code: 'BAD_INPUT', message }
    : { code: 'INTERNAL', message: 'the reward could not be computed' };
  return reply.status(isClients ? statusCode : 500).send({ error: details });
}
