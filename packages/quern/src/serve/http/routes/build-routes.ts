import type { Build } from '../../data/builds.ts';
import type { DataFolder } from '../../data/data-folder.ts';
import { embedderName } from '../../service/described-indexes.ts';
import type { Service } from '../../service/service.ts';
import { errorAnswer } from '../answer-error.ts';
import { answerEvents } from '../event-stream.ts';
import { route, type Call, type Route } from '../route.ts';
import { dataOf } from './corpus-routes.ts';

export const buildExample = {
  id: '1b4e28ba-2fa1-4d3b-a3f5-ef19b5a7633b',
  index: 'notes',
  corpus: 'notes',
  state: 'running',
  progress: { stage: 'indexing', documents: 300, bytes: 120_422, totalBytes: 482_113 },
  requested: '2026-11-28T07:00:00.000Z',
  started: '2026-11-28T07:00:00.001Z',
};

const params = { id: 'The id of the build.' };

/** Builds of indexes. */
export function buildRoutes(service: Service, data: DataFolder | undefined): Route[] {
  return [
    route({
      method: 'GET',
      path: '/v1/builds',
      scope: 'read',
      tag: 'Indexes',
      summary: 'The builds of indexes, the latest first.',
      description: 'The last hundred are remembered, until the service ends.',
      answers: { 200: { description: 'The builds.', example: { builds: [buildExample] } } },
      handle: async () => ({
        builds: dataOf(data)
          .builds.list()
          .map((each) => shownBuild(service, each)),
      }),
    }),
    route({
      method: 'GET',
      path: '/v1/builds/:id',
      scope: 'read',
      tag: 'Indexes',
      summary: 'A build.',
      params,
      answers: { 200: { description: 'The build as it is now.', example: buildExample } },
      handle: async ({ params: { id = '' } }) => shownBuild(service, dataOf(data).builds.get(id)),
    }),
    route({
      method: 'GET',
      path: '/v1/builds/:id/events',
      scope: 'read',
      tag: 'Indexes',
      summary: 'A build as it goes on.',
      description:
        'Server-sent events, each with the build as JSON: `progress`, a few a second at most, and at the end `done`, `failed` or `cancelled`.',
      params,
      answers: { 200: { description: 'Events.', type: 'text/event-stream' } },
      handle: (call) => {
        const { builds } = dataOf(data);
        return buildEvents(service, builds, call, async () => builds.get(call.params['id'] ?? ''));
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/builds/:id',
      scope: 'write',
      tag: 'Indexes',
      summary: 'Cancel a build.',
      description: 'Nothing of it is left, and an older index stands. One that has ended stays as it is.',
      params,
      answers: {
        200: { description: 'The build, which has ended.', example: { ...buildExample, state: 'cancelled' } },
      },
      handle: async ({ params: { id = '' } }) => shownBuild(service, await dataOf(data).builds.cancel(id)),
    }),
  ];
}

/** Answers with a build as it goes on; that ends with the build, and the build does not end with it. */
export function buildEvents(
  service: Service,
  builds: DataFolder['builds'],
  { reply, signal }: Pick<Call<unknown>, 'reply' | 'signal'>,
  begun: () => Promise<Build>,
): Promise<unknown> {
  return answerEvents(reply, signal, begun, async ({ send }, { id }) => {
    for await (const build of builds.watch(id, signal)) {
      const isUnderWay = build.state === 'waiting' || build.state === 'running';
      send(isUnderWay ? 'progress' : build.state, shownBuild(service, build));
    }
  });
}

/** A build as clients are told of it: of what is the service's own fault, nothing but that it is. */
export function shownBuild(service: Service, { summary, error, ...build }: Build): object {
  const vectors = summary?.vectors;
  return {
    ...build,
    ...(summary && {
      summary: {
        ...summary,
        ...(vectors && { vectors: { ...vectors, embedder: embedderName(service, vectors.embedder) } }),
      },
    }),
    ...(build.state === 'failed' && { error: errorAnswer(error).body.error }),
  };
}
