import type { ServiceMetrics } from '../../metrics.ts';
import type { Readiness } from '../../readiness.ts';
import type { Service } from '../../service/service.ts';
import { configAnswer, statusAnswer } from '../answers.ts';
import { route, type Route } from '../route.ts';
import type { UnderWay } from '../under-way.ts';

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
          description: 'What requests can choose among; nothing of where it lies.',
          schema: configAnswer,
        },
      },
      handle: async () => ({
        indexes: service.indexes.names,
        retrievers: service.retrievers.names,
        reasoners: service.reasoners.names,
        embedders: service.embedders.names,
        rerankers: service.rerankers.names,
        rewards: service.rewards.names,
        limits: service.config.limits,
      }),
    }),
  ];
}
