import type { IncomingHttpHeaders } from 'node:http';
import { isLoopback } from '../../../reward/server/access.ts';
import { quernVersion } from '../../../version.ts';
import type { ServiceMetrics } from '../../metrics.ts';
import type { Readiness } from '../../readiness.ts';
import type { Service } from '../../service/service.ts';
import { configAnswer, statusAnswer } from '../answers.ts';
import { route, type Route } from '../route.ts';
import type { UnderWay } from '../under-way.ts';

/** What a proxy adds to requests of others. */
const forwarded = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'via'];

/** Whether who asks may know where things lie: who sits at this machine, as the configuration has declared nobody else. */
function tellsDeclarations({ config: { listen, tokens } }: Service, headers: IncomingHttpHeaders): boolean {
  const isOpen = listen.proxy || listen.hosts.length > 0 || forwarded.some((name) => name in headers);
  return isLoopback(listen.host) && !isOpen && tokens.length === 0;
}

/** What names stand for, as the command line takes it. */
function declarations({ indexes, config }: Service): Record<string, Record<string, string>> {
  const { retrievers, reasoners, rerankers } = config;
  return {
    indexes: Object.fromEntries(indexes.names.map((name) => [name, indexes.named(name, 'index').index])),
    retrievers: Object.fromEntries(retrievers),
    reasoners: Object.fromEntries(Array.from(reasoners, ([name, { reasoner }]) => [name, reasoner])),
    rerankers: Object.fromEntries(Array.from(rerankers, ([name, { model }]) => [name, model])),
  };
}

/** How the service fares. */
export function operationRoutes(
  service: Service,
  {
    metrics,
    readiness,
    underWay,
  }: {
    readonly metrics: ServiceMetrics;
    readonly readiness: Readiness;
    readonly underWay: UnderWay;
  },
): Route[] {
  return [
    route({
      method: 'GET',
      path: '/healthz',
      scope: 'open',
      tag: 'Operation',
      summary: 'Whether the service runs.',
      always: true,
      answers: { 200: { description: 'It does.', schema: statusAnswer, example: { status: 'ok' } } },
      handle: async () => ({ status: 'ok' }),
    }),
    route({
      method: 'GET',
      path: '/readyz',
      scope: 'open',
      tag: 'Operation',
      summary: 'Whether requests shall be sent to it.',
      always: true,
      answers: {
        200: { description: 'They shall.', schema: statusAnswer, example: { status: 'ready' } },
        503: {
          description: 'It loads its models, cannot load them, or is shutting down.',
          schema: statusAnswer,
          example: { status: 'loading' },
        },
      },
      handle: async ({ reply }) => {
        const status = underWay.isDraining ? 'draining' : readiness.status;
        return reply.status(status === 'ready' ? 200 : 503).send({ status });
      },
    }),
    route({
      method: 'GET',
      path: '/metrics',
      scope: 'read',
      tag: 'Operation',
      summary: 'What Prometheus reads.',
      always: true,
      answers: { 200: { description: 'Metrics.', type: 'text/plain' } },
      handle: async ({ reply }) =>
        reply.type(metrics.contentType).send(await metrics.text(service, underWay.count)),
    }),
    route({
      method: 'GET',
      path: '/v1/config',
      scope: 'read',
      tag: 'Operation',
      summary: 'The names and the limits of the service.',
      answers: {
        200: {
          description: 'What requests can choose among, and what they must keep to.',
          schema: configAnswer,
        },
      },
      handle: async ({ request }) => ({
        version: quernVersion(),
        indexes: service.indexes.names,
        retrievers: service.retrievers.names,
        reasoners: service.reasoners.names,
        embedders: service.embedders.names,
        rerankers: service.rerankers.names,
        rewards: service.rewards.names,
        ...(tellsDeclarations(service, request.headers) && { declared: declarations(service) }),
        limits: service.config.limits,
      }),
    }),
  ];
}
