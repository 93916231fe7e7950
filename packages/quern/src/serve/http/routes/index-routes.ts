import * as z from 'zod';
import type { Embedder } from '../../../dense/embedder.ts';
import { QuernError } from '../../../errors.ts';
import type { DataFolder } from '../../data/data-folder.ts';
import { describedIndex, describedIndexes } from '../../service/described-indexes.ts';
import { publicError } from '../../service/public-error.ts';
import type { Service } from '../../service/service.ts';
import { numberOf } from '../query-number.ts';
import { route, type Route } from '../route.ts';
import { buildEvents, buildExample, shownBuild } from './build-routes.ts';
import { dataOf } from './corpus-routes.ts';
import { accepts } from './search-routes.ts';

const indexExample = {
  name: 'notes',
  source: 'built',
  retriever: 'bm25',
  hasQuestions: false,
  documents: 1204,
  analyzer: 'english',
  stored: true,
  bytes: 612_440,
  generation: 1,
  vectors: [{ embedder: 'mini', vectors: 1391, dimensions: 384 }],
  builtFrom: { corpus: 'notes', built: '2026-11-28T07:00:02.000Z', isCurrent: true },
};

/** Questions of one answer. */
const fewQuestions = 100;
const mostQuestions = 1000;

const params = { name: 'The name of the index.' };

const buildSchema = z.strictObject({
  name: z.string().max(200).describe('What the index is called: a-z, 0-9, - and _.'),
  corpus: z.string().max(200).describe('The name of a corpus that was uploaded.'),
  analyzer: z
    .string()
    .max(200)
    .optional()
    .describe('english (the default), whitespace, none, or several joined by +.'),
  store: z.boolean().optional().describe('Whether titles and texts are kept, to be shown with hits.'),
  embedder: z
    .string()
    .max(200)
    .optional()
    .describe('The name of an embedder, which makes vectors of the documents, too.'),
});

/** Indexes that are declared, and those that are built. */
export function indexRoutes(service: Service, data: DataFolder | undefined): Route[] {
  /** Throws `ALREADY_EXISTS` for the name of an index that the configuration declares. */
  const checkNotDeclared = (name: string): void => {
    if (!service.indexes.isDeclared(name)) return;
    throw new QuernError('ALREADY_EXISTS', `the configuration declares the index ${name}`, {
      where: 'name',
      hint: 'It can be replaced and deleted there alone',
    });
  };
  return [
    route({
      method: 'GET',
      path: '/v1/indexes',
      scope: 'read',
      tag: 'Indexes',
      summary: 'The indexes that can be searched.',
      answers: {
        200: {
          description: 'Those that are declared, then those that were built.',
          example: { indexes: [indexExample] },
        },
      },
      handle: async () => ({ indexes: await describedIndexes(service, data) }),
    }),
    route({
      method: 'GET',
      path: '/v1/indexes/:name',
      scope: 'read',
      tag: 'Indexes',
      summary: 'An index.',
      params,
      answers: { 200: { description: 'What it is and holds.', example: indexExample } },
      handle: ({ params: { name = '' } }) => describedIndex(service, data, name),
    }),
    route({
      method: 'GET',
      path: '/v1/indexes/:name/questions',
      scope: 'read',
      tag: 'Indexes',
      summary: 'Questions that an index can be asked.',
      description:
        'Those of the file that the configuration declares with it, the first 10,000; those that are longer than a question may be are left out. Of an index without such a file there are none.',
      params,
      querystring: {
        from: 'How many to leave out first; default 0.',
        limit: `How many; default ${fewQuestions}, most ${mostQuestions}.`,
      },
      answers: {
        200: {
          description: 'In the order of the file; `total` is how many there are.',
          example: { total: 1, questions: [{ id: 'q1', text: 'why does my bread not rise' }] },
        },
      },
      handle: async ({ params: { name = '' }, query }) => {
        const { questions } = service.indexes.named(name, 'name');
        const from = numberOf(query, 'from', { least: 0, most: 2 ** 31, otherwise: 0 });
        const limit = numberOf(query, 'limit', { least: 1, most: mostQuestions, otherwise: fewQuestions });
        if (questions === undefined) return { total: 0, questions: [] };
        return service.questions.page(questions, from, limit);
      },
    }),
    route({
      method: 'POST',
      path: '/v1/indexes',
      scope: 'write',
      tag: 'Indexes',
      summary: 'Build an index of a corpus.',
      description:
        'It can be searched by its name once it is built. One of that name is searched until then, and replaced. With the header `Accept: text/event-stream` the answer is the events of the build, which goes on where the client does not.',
      body: buildSchema,
      examples: { plain: { name: 'recipes', corpus: 'recipes', store: true } },
      answers: {
        202: { description: 'The build, whose address is in `Location`.', example: buildExample },
        404: { description: 'There is no such corpus, or no such embedder.' },
        409: { description: 'The configuration declares an index of this name.' },
        429: { description: 'Too many builds wait.' },
      },
      handle: async (call) => {
        const { name, embedder, ...request } = call.body;
        const { indexes, builds } = dataOf(data);
        checkNotDeclared(name);
        const dense = embedder === undefined ? undefined : await namedEmbedder(service, embedder);
        const build = await indexes.build({ ...request, index: name, ...(dense && { dense }) });
        void call.reply.header('location', `/v1/builds/${build.id}`);
        if (accepts(call)) return buildEvents(service, builds, call, async () => build);
        return call.reply.status(202).send(shownBuild(service, build));
      },
    }),
    route({
      method: 'DELETE',
      path: '/v1/indexes/:name',
      scope: 'admin',
      tag: 'Indexes',
      summary: 'Delete an index that was built.',
      description: 'Searches that are under way end on it.',
      params,
      answers: {
        204: { description: 'It is gone.' },
        409: { description: 'It is being built, or the configuration declares it.' },
      },
      handle: async ({ params: { name = '' }, reply }) => {
        checkNotDeclared(name);
        await dataOf(data).indexes.delete(name);
        return reply.status(204).send();
      },
    }),
  ];
}

/** An embedder whose errors tell of it by its name alone. */
async function namedEmbedder(service: Service, name: string): Promise<Embedder> {
  const embedder = await service.embedders.named(name, 'embedder');
  const { id, dimensions, contentHash, maxTokens, isNormalized } = embedder;
  return {
    id,
    dimensions,
    contentHash,
    isNormalized,
    ...(maxTokens !== undefined && { maxTokens }),
    async embed(...given) {
      try {
        return await embedder.embed(...given);
      } catch (error) {
        throw publicError(error, { what: `the embedder ${name}`, names: [[id, name]], field: 'embedder' });
      }
    },
    close: () => embedder.close(),
  };
}
