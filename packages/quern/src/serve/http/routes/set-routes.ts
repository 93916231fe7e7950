import { splitNames, type SplitName } from '../../../curate/split.ts';
import { QuernError } from '../../../errors.ts';
import { mostCharacters, mostPositives } from '../../sets/question-page.ts';
import { questionsAnswer, setAnswer, setsAnswer } from '../../sets/set-answers.ts';
import type { Sets } from '../../sets/sets.ts';
import { route, type Call, type Route } from '../route.ts';
import { numberOf } from '../query-number.ts';

/** Questions of one answer. */
const mostQuestions = 20;
const usualQuestions = 10;
/** Characters of a domain, or of what is sought. */
const mostSought = 200;

const id = { id: 'The id of a set, as the list has it.' };
const sets = { tag: 'Training', scope: 'read', method: 'GET' } as const;
const noSet = { description: 'There is no such set.' };
const damaged = { description: 'Its files are damaged or too large.' };

/** Curated training sets. */
export function setRoutes(known: Sets): Route[] {
  return [
    route({
      ...sets,
      path: '/v1/sets',
      summary: 'Curated training sets.',
      description:
        'Those in the folders that the configuration declares under `sets`, as they are now. `isCut` says that there may be more than the list has. A set that cannot be read has a `problem`.',
      answers: {
        200: {
          description: 'At most 1,000.',
          schema: setsAnswer,
          example: {
            sets: [
              {
                id: '9f86d081884c7d65',
                name: 'beer',
                questions: 606,
                read: 663,
                positives: 1204,
                splits: { train: 549, validation: 26, test: 31 },
                domains: ['beer'],
                domainCount: 1,
                written: 1_767_225_600_000,
              },
            ],
            isCut: false,
          },
        },
      },
      handle: () => known.list(),
    }),
    route({
      ...sets,
      path: '/v1/sets/:id',
      summary: 'A set: what each stage left, of what sources, with what options.',
      params: id,
      answers: {
        200: { description: 'Its record, and the command.', schema: setAnswer },
        404: noSet,
        503: damaged,
      },
      handle: ({ params }) => known.set(params['id']!),
    }),
    route({
      ...sets,
      path: '/v1/sets/:id/questions',
      summary: 'Questions of a set with their positives.',
      description: `Of each text the first ${mostCharacters} characters, of each question the first ${mostPositives} positives. One answer looks at a bounded part of the split: there may be fewer questions than asked for, or none, and more from \`next\` on.`,
      params: id,
      querystring: {
        split: '`train`, `validation` or `test`; default `train`.',
        domain: 'Of this domain alone.',
        q: 'Those alone whose id, text or positives hold this, in whatever case.',
        from: 'How many rows of the split to leave out first; default 0.',
        limit: `How many; default ${usualQuestions}, most ${mostQuestions}.`,
      },
      answers: {
        200: { description: 'In the order of the file.', schema: questionsAnswer },
        404: { description: 'There is no such set, or it has no such split.' },
        503: damaged,
      },
      handle: ({ params, query, signal }) => {
        const domain = textOf(query, 'domain');
        const q = textOf(query, 'q');
        const asked = {
          split: splitOf(query['split']),
          ...(domain !== undefined && { domain }),
          ...(q !== undefined && { q }),
          from: numberOf(query, 'from', { least: 0, most: 2 ** 31, otherwise: 0 }),
          limit: numberOf(query, 'limit', { least: 1, most: mostQuestions, otherwise: usualQuestions }),
        };
        return known.questions(params['id']!, asked, { signal });
      },
    }),
  ];
}

function splitOf(split: unknown): SplitName {
  const known = split === undefined ? 'train' : splitNames.find((each) => each === split);
  if (known !== undefined) return known;
  throw new QuernError('BAD_INPUT', `must be ${splitNames.join(' or ')}`, { where: 'split' });
}

/** A text that a query gives; of an empty one, none. */
function textOf(query: Call<unknown>['query'], name: string): string | undefined {
  const given = query[name];
  if (given === undefined || given === '') return undefined;
  if (typeof given === 'string' && given.length <= mostSought) return given;
  throw new QuernError('BAD_INPUT', `must be one text of at most ${mostSought} characters`, { where: name });
}
