/** What stands in for what the documents name and a test cannot have: models, servers of others, and time. */
import type { FakeReply } from '../fake-openai-server.ts';
import { json } from '../fake-openai-server.ts';
import { writeTinyBert } from '../tiny-bert.ts';
import { writeTinyCheckpoint } from '../tiny-checkpoint.ts';
import { sentenceTransformersFiles, writeTinyOnnx } from '../tiny-onnx-model.ts';
import { writePreferences } from './data-files.ts';
import type { RepositoryWriter } from './hub.ts';

/** Repositories of the hub that the documents name, and what this hub has in their place. */
export const repositories: Readonly<Record<string, RepositoryWriter>> = {
  'TongSearch/TongSearch-QR-1.5B': (folder) => writeTinyCheckpoint(folder, { seed: 2 }),
  'Qwen/Qwen2.5-1.5B-Instruct': (folder) => writeTinyCheckpoint(folder, { seed: 3 }),
  'Qwen/Qwen2.5-7B-Instruct': (folder) => writeTinyCheckpoint(folder, { seed: 4 }),
  'TongSearch/TongSearch-QR-7B': (folder) => writeTinyCheckpoint(folder, { seed: 5 }),
  'Xenova/ms-marco-MiniLM-L-6-v2': (folder) => writeTinyOnnx(folder, { dimensions: 1, classifies: true }),
  'Xenova/all-MiniLM-L6-v2': writeEmbedder,
  'Xenova/bge-base-en-v1.5': writeEmbedder,
  'BAAI/bge-base-en-v1.5': (folder) => writeTinyBert(folder),
  'HuggingFaceH4/stack-exchange-preferences': writePreferences,
};

/** The folder of an embedder in ONNX with what sentence-transformers says of it. */
export function writeEmbedder(folder: string): void {
  writeTinyOnnx(folder, {
    dimensions: 16,
    files: sentenceTransformersFiles('mean_tokens', { maxTokens: 64 }),
  });
}

/** Addresses of model servers, each of which gets a server of its own that speaks OpenAI's API. */
export const modelServers =
  /\bhttps:\/\/api\.openai\.com\/v1\b|\bhttp:\/\/(?:gpu\d+|localhost|127\.0\.0\.1):(?:8000|8001|8002|11434)\/v1\b/g;

/** What a model server answers beside chat completions. */
export const modelRoutes: Readonly<Record<string, FakeReply>> = {
  'POST /v1/embeddings': (response, request) => {
    const texts = [request.body?.['input'] ?? []].flat();
    const data = texts.map((text, index) => ({
      object: 'embedding',
      index,
      embedding: [String(text).length, 1],
    }));
    return json(200, { object: 'list', data, model: request.body?.['model'] })(response, request);
  },
};

/** The address of the cluster that documents speak of. */
export const clusterAddress = 'http://localhost:9200';

/**
 * Reasoners that run here, by the names that the documents give them: a model of random weights does not end by itself, and the
 * 500 tokens that are its due would take most of the time of these tests.
 */
export const shortReasoners = [
  'llama:model.gguf',
  'llama:TongSearch/TongSearch-QR-1.5B',
  'torch:my-checkpoint',
  'torch:runs/first/checkpoint-150',
  'llama:TongSearch/TongSearch-QR-7B',
];

/** The configuration of reasoners, as `QUERN_CONFIG` names it. */
export const shortAnswers = JSON.stringify({
  reasoners: Object.fromEntries(
    shortReasoners.map((name) => [
      name,
      { sampling: { maxTokens: 8 }, ...(name.startsWith('llama:') && { threads: 1 }) },
    ]),
  ),
});

/** What is run in place of a part of a command. */
export interface Rewriting {
  readonly matches: RegExp;
  readonly becomes: string;
  readonly reason: string;
}

/** Settings that let a training of a published size end in seconds, with the tiny models of {@link repositories}. */
const aSingleStep = [
  'max_steps=1',
  'generation_batch_size=2',
  'num_generations=2',
  'max_completion_length=8',
  'device=cpu',
].map((each) => ` --set ${each}`);

export const rewritings: readonly Rewriting[] = [
  {
    matches: /(?<=train --preset tongsearch-\S+ (?!.*(?:--dry-run|--engine|method=sft)).*$)$/s,
    becomes: aSingleStep.join(''),
    reason: '150 steps of a model of billions of parameters take hours on a GPU',
  },
  {
    matches: /(?<=train --preset tongsearch-\S+ (?!.*--dry-run).*method=sft.*$)$/s,
    becomes: aSingleStep
      .filter((each) => !each.includes('num_generations') && !each.includes('length'))
      .join(''),
    reason: 'as above, where nothing is generated',
  },
  {
    matches: /(?<=train (?!.*--dry-run).*--engine \w+.*$)$/s,
    becomes: ' --dry-run',
    reason: 'the engines need GPUs; the job is written and not started',
  },
  {
    matches: / --max-tokens 64\b/,
    becomes: ' --max-tokens 8',
    reason: 'models of random weights write up to the limit, for each question',
  },
  {
    matches: / --python trl\/bin\/python\b/,
    becomes: '',
    reason: 'the environment of Python is not made here',
  },
  {
    matches: /(?<=train collect \S+) --follow\b/,
    becomes: '',
    reason: 'nothing trains that could be followed to its end',
  },
];

/** What is served on a port where a document asks it without having started anything, by the names that documents use. */
export const standingServers: Readonly<Record<number, string>> = {
  8080: 'quern serve --config service.yaml --index notes=notes.index',
  8700: 'quern reward serve --reward similarity:onnx:Xenova/bge-base-en-v1.5',
};
