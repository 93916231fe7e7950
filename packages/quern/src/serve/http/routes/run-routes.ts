import * as z from 'zod';
import { QuernError } from '../../../errors.ts';
import { folderName } from '../../../evaluate/evaluation-folder.ts';
import type { ReasonedRecord } from '../../../reason/reasoned-record.ts';
import { sampleKinds, type SampleKind } from '../../../train/watch/samples.ts';
import { runKinds, type RunKind } from '../../runs/found-runs.ts';
import type { Runs } from '../../runs/runs.ts';
import { shownReasoner } from '../../runs/shown-name.ts';
import { publicRecord } from '../../service/public-reasoning.ts';
import { numberOf } from '../query-number.ts';
import { route, type Call, type Route } from '../route.ts';

/** Topics of one answer. */
const mostTopics = 2000;
/** Hits of one answer. */
const mostHits = 1000;

const id = { id: 'The id of a run, as the list has it.' };
const training = { tag: 'Training', scope: 'read', method: 'GET' } as const;
const noRun = { description: 'There is no such run, or it is of another kind.' };
const damaged = { description: 'Its files are damaged or too large.' };

/** Runs of training and saved evaluations. */
export function runRoutes(runs: Runs): Route[] {
  return [
    route({
      ...training,
      path: '/v1/runs',
      summary: 'Runs of training and saved evaluations.',
      description:
        'Those in the folders that the configuration declares under `runs`, as they are now. `isCut` says that there may be more than the list has. A run that cannot be read has a `problem`.',
      querystring: { kind: '`training` or `evaluation`; without it, both.' },
      answers: {
        200: {
          description: 'At most 1,000.',
          schema: z.object({ runs: z.array(z.looseObject({ id: z.string() })), isCut: z.boolean() }),
          example: {
            runs: [
              {
                id: '9f86d081884c7d65',
                kind: 'evaluation',
                name: 'rm3',
                run: 'bm25q+rm3',
                collection: 'bright:biology',
                measures: { 'ndcg@10': 0.2 },
              },
            ],
            isCut: false,
          },
        },
      },
      handle: ({ query }) => runs.list(kindOf(query['kind'])),
    }),
    route({
      ...training,
      path: '/v1/runs/:id',
      summary: 'A run, as it is listed.',
      params: id,
      answers: { 200: { description: 'The run.' }, 404: noRun },
      handle: ({ params }) => runs.entry(params['id']!),
    }),
    route({
      ...training,
      path: '/v1/runs/:id/metrics',
      summary: 'The metrics of a training.',
      description:
        'Whole lines, at most 2,000 in an answer; `more` says that there are more already. Where `isStart`, what was read before is to be forgotten.',
      params: id,
      querystring: { after: '`after` of the answer before: what came since.' },
      answers: {
        200: {
          description: 'Lines of `metrics.jsonl`.',
          example: {
            after: '81-1-0',
            isStart: true,
            more: false,
            stride: 1,
            unreadable: 0,
            lines: [{ kind: 'train', step: 1, values: { reward: 0.5 } }],
          },
        },
        404: noRun,
      },
      handle: ({ params, query: { after } }) =>
        runs.metrics(params['id']!, typeof after === 'string' ? after : undefined),
    }),
    route({
      ...training,
      path: '/v1/runs/:id/samples',
      summary: 'The steps of which a training has kept samples.',
      params: id,
      answers: {
        200: {
          description: 'Ascending: `steps` of rollouts, `validated` of validations.',
          example: { steps: [10, 20], validated: [0, 20] },
        },
        404: noRun,
      },
      handle: ({ params }) => runs.sampleSteps(params['id']!),
    }),
    route({
      ...training,
      path: '/v1/runs/:id/samples/:step',
      summary: 'Questions of a step, and what was made of them.',
      params: { ...id, step: 'One of the steps.' },
      querystring: {
        of: '`validation`: of the validation after the step, which has the same questions each time; default `step`.',
      },
      answers: { 200: { description: 'Of the first 8 MiB of the file.' }, 404: noRun },
      handle: ({ params, query }) => {
        if (!/^\d{1,9}$/.test(params['step']!)) throw new QuernError('NOT_FOUND', 'the run has no such step');
        return runs.samples(params['id']!, Number(params['step']), sampleKindOf(query['of']));
      },
    }),
    route({
      ...training,
      path: '/v1/runs/:id/topics',
      summary: 'The measures of each topic of an evaluation.',
      params: id,
      querystring: {
        from: 'How many to leave out first; default 0.',
        limit: `How many; default and most ${mostTopics}.`,
      },
      answers: {
        200: {
          description:
            'In the byte order of their ids; `total` is how many there are, `created` when the evaluation was saved.',
          example: {
            created: '2026-11-01T09:30:00.000Z',
            total: 1,
            topics: [{ id: 'q1', measures: { 'ndcg@10': 0.5 } }],
          },
        },
        404: noRun,
        503: damaged,
      },
      handle: async ({ params, query }) => {
        const from = numberOf(query, 'from', { least: 0, most: 2 ** 31, otherwise: 0 });
        const limit = numberOf(query, 'limit', { least: 1, most: mostTopics, otherwise: mostTopics });
        return runs.topics(params['id']!, from, limit);
      },
    }),
    route({
      ...training,
      path: '/v1/runs/:id/topics/:topic',
      summary: 'A topic of an evaluation: its text, what was reasoned, its ranking.',
      params: { ...id, topic: "The topic's id." },
      querystring: { k: `Hits of the ranking; default 100, most ${mostHits}.` },
      answers: {
        200: {
          description: 'With the relevant documents, and the ranks of those that were found.',
          example: {
            id: 'q1',
            text: 'why does bread go stale',
            measures: { 'ndcg@10': 0.5 },
            ranking: [{ id: 'd1', score: 7.5, rank: 1, level: 1 }],
            retrieved: 100,
            relevant: [{ id: 'd1', level: 1, rank: 1 }],
            unreadable: 0,
          },
        },
        404: { description: 'There is no such run, or it has no such topic.' },
        503: damaged,
      },
      handle: async ({ params, query }) => {
        const k = numberOf(query, 'k', { least: 1, most: mostHits, otherwise: 100 });
        const { reasoned, ...topic } = await runs.topic(params['id']!, params['topic']!, k);
        if (reasoned === undefined) return topic;
        const { query: _, ...shown } = publicRecord(
          { ...reasoned, query: '' } as ReasonedRecord,
          shownReasoner,
        );
        return { ...topic, reasoned: shown };
      },
    }),
    route({
      ...training,
      path: '/v1/runs/:id/run.trec',
      summary: 'The rankings of an evaluation as a TREC run.',
      params: id,
      answers: {
        200: { description: 'The file, as it was saved.', type: 'text/plain' },
        404: noRun,
        503: damaged,
      },
      handle: sentRun(runs),
    }),
  ];
}

function sentRun(runs: Runs): (call: Call<unknown>) => Promise<unknown> {
  return async ({ params, reply, signal }) => {
    const { file, name } = await runs.openRun(params['id']!);
    const stream = file.createReadStream({ signal });
    return reply
      .type('text/plain; charset=utf-8')
      .header('content-disposition', `attachment; filename="${folderName([name])}.trec"`)
      .send(stream);
  };
}

function kindOf(kind: unknown): RunKind | undefined {
  if (kind === undefined) return undefined;
  const known = runKinds.find((each) => each === kind);
  if (known !== undefined) return known;
  throw new QuernError('BAD_INPUT', `must be ${runKinds.join(' or ')}`, { where: 'kind' });
}

function sampleKindOf(of: unknown = 'step'): SampleKind {
  const known = sampleKinds.find((each) => each === of);
  if (known !== undefined) return known;
  throw new QuernError('BAD_INPUT', `must be ${sampleKinds.join(' or ')}`, { where: 'of' });
}
