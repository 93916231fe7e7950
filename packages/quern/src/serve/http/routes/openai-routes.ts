import type * as z from 'zod';
import { QuernError } from '../../../errors.ts';
import { checkIsName } from '../../configuration/names.ts';
import type { Service } from '../../service/service.ts';
import { errorAnswerSchema } from '../answers.ts';
import {
  chunkAnswer,
  completionAnswer,
  embeddingsAnswer,
  modelAnswer,
  modelsAnswer,
} from '../openai-answers.ts';
import { route, type Route } from '../route.ts';
import { chat, chatSchema } from './chat-completions.ts';
import { embeddings, embeddingSchema } from './embeddings.ts';
import { questionBody } from './search-routes.ts';

const listedExample = { id: 'qr', object: 'model', created: 0, owned_by: 'quern', kind: 'reasoner' };

/** What clients of OpenAI's API ask for. */
export function openAiRoutes(service: Service): Route[] {
  const { limits } = service.config;
  return [
    route({
      method: 'POST',
      path: '/v1/chat/completions',
      scope: 'read',
      tag: 'OpenAI',
      summary: 'A reasoned query, as a chat completion.',
      description:
        "The last message of the user is the question, and the answer the reasoned query. The prompt and the sampling are those that the reasoner is declared with: other messages and fields of sampling do not count, and a question that comes in Quern's own prompt is taken out of it. Pieces that are streamed can run past the place at which the whole text would be cut. Where the reasoner fails, so does the request.",
      body: chatSchema,
      bodyLimit: questionBody(service.config.limits),
      examples: {
        question: { model: 'qr', messages: [{ role: 'user', content: 'why does my bread not rise' }] },
      },
      answers: {
        200: {
          description: 'The completion, or with `stream` its pieces as events.',
          schema: completionAnswer,
          events: { description: 'Each event is a chunk; the last is `[DONE]`.', schema: chunkAnswer },
          example: {
            id: 'chatcmpl-3f0c',
            object: 'chat.completion',
            created: 1_764_000_000,
            model: 'qr',
            choices: [
              {
                index: 0,
                message: { role: 'assistant', content: 'Yeast needs …', refusal: null },
                logprobs: null,
                finish_reason: 'stop',
              },
            ],
            usage: { prompt_tokens: 68, completion_tokens: 212, total_tokens: 280 },
          },
        },
        502: { description: 'The reasoner failed; `code` says how.', schema: errorAnswerSchema },
      },
      handle: (call) => chat(service, call),
    }),
    route({
      method: 'POST',
      path: '/v1/embeddings',
      scope: 'read',
      tag: 'OpenAI',
      summary: 'Vectors of texts.',
      description: '`usage` is an estimate: embedders do not tell how many tokens they read.',
      body: embeddingSchema(limits),
      examples: { texts: { model: 'mini', input: ['why does my bread not rise'], input_type: 'query' } },
      answers: {
        200: {
          description: 'A vector of each text, in their order.',
          schema: embeddingsAnswer,
          example: {
            object: 'list',
            data: [{ object: 'embedding', index: 0, embedding: [0.01, -0.02] }],
            model: 'mini',
            usage: { prompt_tokens: 8, total_tokens: 8 },
          },
        },
      },
      handle: ({ body, signal }) => embeddings(service, body, signal),
    }),
    route({
      method: 'GET',
      path: '/v1/models',
      scope: 'read',
      tag: 'OpenAI',
      summary: 'The names of reasoners and embedders that these routes can ask.',
      answers: {
        200: {
          description: 'The names; `kind` says which is which.',
          schema: modelsAnswer,
          example: { object: 'list', data: [listedExample] },
        },
      },
      handle: async () => ({ object: 'list', data: listedModels(service) }),
    }),
    route({
      method: 'GET',
      path: '/v1/models/:model',
      scope: 'read',
      tag: 'OpenAI',
      summary: 'One of the models by its name.',
      params: { model: 'The name of a reasoner or of an embedder.' },
      answers: { 200: { description: 'It is there.', schema: modelAnswer, example: listedExample } },
      handle: async ({ params }) => {
        const { model = '' } = params;
        checkIsName(model, 'model');
        const found = listedModels(service).find(({ id }) => id === model);
        if (found) return found;
        throw new QuernError('NOT_FOUND', `there is no model ${model}`, {
          where: 'model',
          hint: 'GET /v1/models lists them',
        });
      },
    }),
  ];
}

/** What can be asked by these routes: reasoners that learn from an index are asked by searches, and `none` says nothing. */
function listedModels({ reasoners, embedders }: Service): ListedModel[] {
  const asked = reasoners.all.filter(({ learns, declared }) => !learns && declared.reasoner !== 'none');
  return [
    ...asked.map(({ name }) => listedModel(name, 'reasoner')),
    ...embedders.names.map((name) => listedModel(name, 'embedder')),
  ];
}

type ListedModel = z.infer<typeof modelAnswer>;

function listedModel(id: string, kind: ListedModel['kind']): ListedModel {
  return { id, object: 'model', created: 0, owned_by: 'quern', kind };
}
