import { QuernError } from '../../../errors.ts';
import type { DataFolder } from '../../data/data-folder.ts';
import { qrelsFile, type CorpusFile } from '../../data/data-names.ts';
import type { CorpusInfo, Unreadable } from '../../data/data-lists.ts';
import type { Service } from '../../service/service.ts';
import { route, type Call, type Route } from '../route.ts';
import { uploaded } from '../upload.ts';

const anyType = 'application/octet-stream';
const lineTypes = ['application/x-ndjson', 'application/jsonl', 'application/json-lines', anyType];
const tableTypes = ['text/tab-separated-values', anyType];

const params = { name: 'The name of the corpus: a-z, 0-9, - and _.' };

/** The data folder. Throws `NOT_FOUND` for a service that has none. */
export function dataOf(data: DataFolder | undefined): DataFolder {
  if (data) return data;
  throw new QuernError('NOT_FOUND', 'this service has no data folder', {
    hint: 'It takes uploads and builds indexes when it is started with --data-dir',
  });
}

/** Corpora that are uploaded. */
export function corpusRoutes(service: Service, data: DataFolder | undefined): Route[] {
  const { upload: mostBytes, uploadRate, uploadTime } = service.config.limits;
  const leastRate = { bytesPerSecond: uploadRate, seconds: uploadTime / 1000 };
  const received = async (
    call: Call<unknown>,
    file: () => CorpusFile,
    types: readonly string[],
  ): Promise<unknown> => {
    const { corpora } = dataOf(data);
    const { name = '' } = call.params;
    const { isNew, ...answer } = await uploaded(call, { file, types, mostBytes }, (bytes, known) =>
      corpora.receive(name, known, bytes, { mostBytes, signal: call.signal, leastRate }),
    );
    return call.reply
      .status(isNew ? 201 : 200)
      .send({ name, file: answer.file, bytes: answer.bytes, [countedOf(answer.file)]: answer.records });
  };
  const takesFile = (file: 'corpus.jsonl' | 'queries.jsonl', summary: string, description: string): Route =>
    route({
      method: 'PUT',
      path: `/v1/corpora/:name/${file}`,
      scope: 'write',
      tag: 'Indexes',
      summary,
      description,
      takesStream: true,
      takes: lineTypes,
      params,
      answers: uploadAnswers(file),
      handle: (call) => received(call, () => file, lineTypes),
    });
  return [
    takesFile(
      'corpus.jsonl',
      'Upload the documents of a corpus.',
      'A JSON object a line: `_id` or `id`, `text`, and where there is one `title`. It is checked as it comes, and takes the place of an older file when it is whole. Nothing is unpacked.',
    ),
    takesFile(
      'queries.jsonl',
      'Upload the queries of a corpus.',
      'A JSON object a line: `_id` or `id`, and `text`.',
    ),
    route({
      method: 'PUT',
      path: '/v1/corpora/:name/qrels/:split.tsv',
      scope: 'write',
      tag: 'Indexes',
      summary: 'Upload the judgements of a split.',
      description:
        'A line of each judgement, separated by tabs: query, document, level; a header may come first.',
      takesStream: true,
      takes: tableTypes,
      params: { ...params, split: 'The name of the split, e.g. test.' },
      answers: uploadAnswers('qrels/test.tsv'),
      handle: (call) => received(call, () => qrelsFile(call.params['split'] ?? ''), tableTypes),
    }),
    route({
      method: 'GET',
      path: '/v1/corpora',
      scope: 'read',
      tag: 'Indexes',
      summary: 'The corpora that were uploaded.',
      answers: {
        200: {
          description: 'The corpora by name.',
          example: { corpora: [corpusExample] },
        },
      },
      handle: async () => ({ corpora: (await dataOf(data).corpora.list()).map(shownCorpus) }),
    }),
    route({
      method: 'GET',
      path: '/v1/corpora/:name',
      scope: 'read',
      tag: 'Indexes',
      summary: 'A corpus that was uploaded.',
      params,
      answers: { 200: { description: 'Its files.', example: corpusExample } },
      handle: async ({ params: { name = '' } }) => shownCorpus(await dataOf(data).corpora.get(name)),
    }),
    route({
      method: 'DELETE',
      path: '/v1/corpora/:name',
      scope: 'admin',
      tag: 'Indexes',
      summary: 'Delete a corpus.',
      params,
      answers: {
        204: { description: 'It is gone.' },
        409: { description: 'Files come to it, or an index is built of it.' },
      },
      handle: async ({ params: { name = '' }, reply }) => {
        await dataOf(data).corpora.delete(name);
        return reply.status(204).send();
      },
    }),
  ];
}

const corpusExample = {
  name: 'notes',
  bytes: 482_113,
  documents: 1204,
  files: [{ file: 'corpus.jsonl', bytes: 482_113, documents: 1204, modified: '2026-11-28T07:00:00.000Z' }],
};

function uploadAnswers(file: CorpusFile): Route['answers'] {
  const counted = countedOf(file);
  return {
    200: {
      description: 'It has taken the place of an older one.',
      example: { name: 'notes', file, bytes: 482_113, [counted]: 1204 },
    },
    201: { description: 'It is there.', example: { name: 'notes', file, bytes: 482_113, [counted]: 1204 } },
    400: { description: 'Something in it cannot be read; `where` says the line.' },
    408: { description: 'It came too slowly.' },
    413: { description: 'It is too large.' },
    415: { description: 'It is of another type, or packed.' },
    507: { description: 'There is no space left for it.' },
  };
}

function countedOf(file: CorpusFile): 'documents' | 'queries' | 'judgements' {
  if (file === 'corpus.jsonl') return 'documents';
  return file === 'queries.jsonl' ? 'queries' : 'judgements';
}

function shownCorpus(corpus: CorpusInfo | Unreadable): object {
  if (!('files' in corpus)) return corpus;
  const files = corpus.files.map(({ file, bytes, records, modified }) => ({
    file,
    bytes,
    ...(records !== undefined && { [countedOf(file)]: records }),
    modified,
  }));
  return { ...corpus, files };
}
