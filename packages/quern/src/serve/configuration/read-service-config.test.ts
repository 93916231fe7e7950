import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../test/temporary-folder.ts';
import type { QuernError } from '../../errors.ts';
import { environmentNames } from './environment-settings.ts';
import { readServiceConfig, type ServiceConfigSource } from './read-service-config.ts';
import type { ServiceConfig } from './service-config.ts';
import { newToken, tokenHash } from './tokens.ts';

const folder = temporaryFolder();
const file = join(folder, 'quern.yaml');

function read(yaml: string, rest: ServiceConfigSource = {}): Promise<ServiceConfig> {
  writeFileSync(file, yaml);
  return readServiceConfig({ file, env: {}, ...rest });
}

/** What is said of a configuration, `FILE` standing for its path. */
async function said(yaml: string, rest?: ServiceConfigSource): Promise<string> {
  const error = await read(yaml, rest).then(
    () => undefined,
    (each: unknown) => each as QuernError,
  );
  if (error === undefined) return 'nothing';
  return `${error.code} ${error.message}`.replaceAll(file, 'FILE').replaceAll(folder, 'FOLDER');
}

const hash = `sha256:${'0'.repeat(64)}`;

describe('a configuration', () => {
  it('that is empty, or not there, is the defaults', async () => {
    const config = await readServiceConfig({ env: {} });
    expect(await read('')).toEqual(config);
    expect(await read('# nothing\n{}')).toEqual(config);
    expect(config.listen).toEqual({ host: '127.0.0.1', port: 8080, hosts: [], origins: [], proxy: false });
    expect([...config.retrievers.keys(), ...config.reasoners.keys()]).toEqual([
      'bm25',
      'bm25q',
      'none',
      'rm3',
    ]);
    expect(config.tokens).toEqual([]);
  });
  it('has durations and sizes with units, and things by names, of which a text alone is one', async () => {
    const config = await read(`
indexes:
  notes: notes.index
  wide: { index: wide, retriever: both, k1: 1.2 }
retrievers: { both: 'hybrid:bm25q+dense:onnx:./model' }
reasoners:
  qr: { reasoner: 'llama:./qr.gguf', deadline: 2s, concurrency: 2, seed: 7, gate: gate.json }
  two: 'join:file:a.json,3*llama:./qr.gguf,rm3'
rewards: { near: { reward: 'retrieval:rank', index: notes } }
limits: { body: 1MiB, bodyTime: 500ms, searches: { concurrent: 1, waiting: 0, deadline: 100 } }
runs: [runs, /abs]
`);
    expect(config.indexes.get('notes')).toEqual({ index: join(folder, 'notes.index'), retriever: 'bm25' });
    expect(config.indexes.get('wide')).toMatchObject({ retriever: 'both', parameters: { k1: 1.2, b: 0.4 } });
    expect(config.retrievers.get('both')).toBe(`hybrid:bm25q+dense:onnx:${join(folder, 'model')}`);
    expect(config.reasoners.get('qr')).toEqual({
      reasoner: `llama:${join(folder, 'qr.gguf')}`,
      deadline: 2000,
      seed: 7,
      gate: join(folder, 'gate.json'),
      cached: true,
      configuration: { concurrency: 2 },
    });
    expect(config.reasoners.get('two')!.reasoner).toBe(
      `join:file:${join(folder, 'a.json')},3*llama:${join(folder, 'qr.gguf')},rm3`,
    );
    expect(config.limits).toMatchObject({ body: 2 ** 20, bodyTime: 500 });
    expect(config.limits.searches).toEqual({ concurrent: 1, waiting: 0, deadline: 100 });
    expect(config.runs).toEqual([join(folder, 'runs'), '/abs']);
  });
});

describe('a configuration that is wrong is refused with its line and what to do', () => {
  it.each([
    ['- 1', 'BAD_INPUT FILE: the configuration: Invalid input: expected object, received array'],
    ['listen: {port: 1', 'BAD_INPUT FILE:1: not valid YAML or JSON'],
    ['data: a\ndata: b', 'BAD_INPUT FILE:2: not valid YAML or JSON'],
    ['\nlimts: {}', 'BAD_INPUT FILE:2: unknown key limts. Did you mean limits?'],
    ['limits:\n  boddy: 1', 'BAD_INPUT FILE:2: unknown key limits › boddy. Did you mean body?'],
    [
      'limits:\n  searches: {wait: 1}',
      'FILE:2: unknown key limits › searches › wait. There are concurrent, waiting',
    ],
    [
      'indexes:\n  a: {index: x, scoring: b}',
      'FILE:2: unknown key indexes › a › scoring. There are index, retriever,',
    ],
    ['listen: {port: "80"}', 'FILE:1: listen › port: Invalid input: expected number, received string'],
    ['listen: {port: 65536}', 'FILE:1: listen › port: Too big'],
    ['listen:\n  host: ""', 'FILE:2: listen › host: Too small'],
    ['listen: {origins: [a.example]}', 'an origin is such as https://search.example.org'],
    ['listen: {origins: ["https://a.example/x"]}', 'an origin is such as https://search.example.org'],
    [
      'limits: {grace: 5 minutes}',
      'FILE:1: limits › grace: "5 minutes" is not a duration. Give a whole number of',
    ],
    ['limits: {grace: [1]}', 'FILE:1: limits › grace: must be milliseconds, or such as 250ms, 2s or 5m'],
    ['limits: {grace: 0}', 'FILE:1: limits › grace: must be more than 0'],
    ['limits: {grace: -5}', 'FILE:1: limits › grace: "-5" is not a duration'],
    ['limits: {grace: 30d}', 'FILE:1: limits › grace: is more than 2147483647'],
    ['limits: {body: 4 MB}', 'FILE:1: limits › body: "4 MB" is not a size'],
    ['limits: {k: 0}', 'FILE:1: limits › k: Too small'],
    ['limits: {k: 1.5}', 'FILE:1: limits › k: '],
    ['log: {level: loud}', 'FILE:1: log › level: Invalid option: expected one of "fatal"'],
    ['indexes: {"../a": x}', 'FILE:1: indexes › ../a: a name is up to 64 letters'],
    ['indexes: {a: 5}', 'FILE:1: indexes › a: Invalid input: expected object'],
    [
      'indexes: {a: {index: x, retriever: best}}',
      'FILE:1: no retriever best is declared. There are bm25, bm25q',
    ],
    ['indexes: {a: {index: x, b: 2}}', 'FILE:1: indexes › a › b: Too big'],
    ['retrievers: {a: splade}', 'FILE:1: unknown retriever "splade". Retrievers are'],
    ['retrievers: {a: "dense:bert"}', 'FILE:1: unknown embedder "bert". Embedders are'],
    ['reasoners: {a: "lama:x"}', 'FILE:1: unknown reasoner "lama:x". Reasoners are'],
    ['reasoners: {a: "join:rm3,gpt"}', 'FILE:1: unknown reasoner "rm3,gpt"'],
    ['reasoners: {a: "99*rm3"}', 'FILE:1: 99*rm3 from 1 to 64 samples, not 99'],
    ['reasoners: {a: "openai:m@ftp://x"}', 'FILE:1: the name has a base URL that is not HTTP'],
    ['reasoners: {a: {reasoner: none, concurency: 2}}', 'unknown key reasoners › a › concurency'],
    ['reasoners: {a: {reasoner: "llama:x", retries: 2}}', 'unknown key reasoners › a › retries'],
    ['embedders: {a: bert}', 'FILE:1: unknown embedder "bert"'],
    ['rerankers: {a: "rerank:m"}', 'FILE:1: the name has no base URL'],
    ['rerankers: {a: bert}', 'FILE:1: unknown reranker "bert"'],
    ['rewards: {a: {reward: lexical, index: b}}', 'FILE:1: no index b is declared. There are none'],
  ])('%j', async (yaml, words) => {
    const told = await said(yaml);
    expect(told).toContain(words);
    expect(told).toMatch(/^BAD_INPUT FILE(:\d+)?: [^\n]*$/);
  });
});

describe('a secret in a configuration is refused, and not repeated', () => {
  it.each([
    [
      'tokens:\n  - name: a\n    scope: read\n    token: SECRET',
      'FILE:4: tokens › 0 › token: secrets do not stand',
    ],
    [
      'token: SECRET',
      'FILE:1: token: secrets do not stand in the configuration. Under tokens, give its hash',
    ],
    ['listen: {token: SECRET}', 'FILE:1: listen › token: secrets do not stand'],
    ['reasoners: {a: {reasoner: "openai:m@http://x", apiKey: SECRET}}', 'it: keyVariable'],
    ['reasoners: {a: {reasoner: "openai:m@http://x", key: SECRET}}', 'it: keyVariable'],
    ['embedders: {a: {embedder: "openai:m@http://x", api_key: SECRET}}', 'it: keyVariable'],
    ['reasoners: {a: "openai:m@http://user:SECRET@host/v1"}', 'reasoners › a has an address with a user or'],
    ['reasoners: {a: "openai:m@http://a/v1,http://SECRET@host/v1"}', 'reasoners › a has an address with'],
    ['reasoners: {a: "openai:m@http://host/v1?key=SECRET"}', 'has a query or a fragment'],
    ['indexes: {a: "opensearch:i@https://u:SECRET@host"}', 'OPENSEARCH_USERNAME and OPENSEARCH_PASSWORD'],
    ['rewards: {a: "similarity:openai:m@https://u:SECRET@host"}', 'rewards › a has an address'],
    [
      'reasoners: {a: {reasoner: "openai:m@http://x", keyVariable: sk-SECRET}}',
      'the name of an environment variable',
    ],
    ['tokens: [{name: a, scope: read, variable: sk-SECRET}]', 'the name of an environment variable'],
    ['tokens: [{name: a, scope: read, hash: SECRET}]', 'is sha256: and 64 hexadecimal digits'],
  ])('%j', async (yaml, words) => {
    const told = await said(yaml);
    expect(told).toContain(words);
    expect(told).toMatch(/^BAD_INPUT FILE:\d+: /);
    expect(told).not.toContain('SECRET');
  });
  it('but things may be called token or key', async () => {
    const config = await read('indexes: {token: a, key: b}');
    expect([...config.indexes.keys()]).toEqual(['token', 'key']);
  });
});

describe('tokens', () => {
  it('are given by their hash, a file or a variable, and kept as hashes', async () => {
    const [inFile, inVariable, ofAll] = [newToken(), newToken(), newToken()];
    writeFileSync(join(folder, 'token'), `${inFile}\n`);
    const yaml = `
tokens:
  - { name: a, scope: read, hash: '${hash}' }
  - { name: b, scope: write, file: token }
  - { name: c, scope: read, variable: C_TOKEN }
`;
    const config = await read(yaml, { env: { C_TOKEN: inVariable, QUERN_TOKEN: ofAll } });
    expect(config.tokens).toEqual([
      { name: 'a', scope: 'read', hash: '0'.repeat(64) },
      { name: 'b', scope: 'write', hash: tokenHash(inFile) },
      { name: 'c', scope: 'read', hash: tokenHash(inVariable) },
      { name: 'QUERN_TOKEN', scope: 'admin', hash: tokenHash(ofAll) },
    ]);
    for (const secret of [inFile, inVariable, ofAll]) expect(JSON.stringify([config])).not.toContain(secret);
  });
  const one = (rest: string): string =>
    `tokens:\n  - name: first\n    scope: read\n    hash: '${hash}'\n  - ${rest}`;
  it.each([
    [one('{name: a, scope: read}'), {}, 'FILE:5: the token a needs one of hash, file and variable'],
    [one('{name: a, scope: read, file: x, variable: Y}'), {}, 'FILE:5: the token a needs one of'],
    [
      one('{name: a, scope: all, file: x}'),
      {},
      'FILE:5: tokens › 1 › scope: Invalid option: expected one of "read"',
    ],
    [one('{name: first, scope: read, variable: C}'), {}, 'FILE:5: first is the name of two tokens'],
    [one('{name: a, scope: read, variable: C}'), {}, 'FILE:5: the variable C of the token a is not set'],
    [
      one('{name: a, scope: read, variable: C}'),
      { C: '' },
      'FILE:5: the variable C of the token a is not set',
    ],
    [one('{name: a, scope: read, variable: C}'), { C: 'short' }, 'C: a token has 16 characters or more'],
    [one('{name: a, scope: read, variable: C}'), { C: 'two words of many' }, 'C: a token has 16 characters'],
    [one('{name: a, scope: read, file: nowhere}'), {}, 'FOLDER/nowhere: no such file or folder'],
    [one(`{name: a, scope: read, hash: '${hash}'}`), {}, 'FILE:5: the token a is the same as another'],
    [
      '',
      { QUERN_TOKEN: '' },
      'QUERN_TOKEN: a token has 16 characters or more, and no white space. quern serve token',
    ],
    ['', { QUERN_TOKEN: 'short' }, 'QUERN_TOKEN: a token has 16 characters or more'],
  ])('that are wrong are refused: %j %j', async (yaml, env, words) => {
    const told = await said(yaml, { env });
    expect(told).toContain(words);
    expect(told).not.toContain('two words');
  });
});

describe('variables', () => {
  it('count more than the file, and options more than they', async () => {
    const yaml = 'listen: {port: 1, host: localhost}\nlimits: {k: 5}';
    const env = {
      QUERN_SERVE_PORT: '2',
      QUERN_SERVE_LIMITS_K: '7',
      QUERN_SERVE_ORIGINS: 'https://a.example, https://b.example',
      QUERN_SERVE_PROXY: 'true',
      QUERN_SERVE_LIMITS_BODY: '1MiB',
      QUERN_SERVE_LIMITS_GENERATIONS_WAITING: '0',
      QUERN_SERVE_DATA: 'data',
      QUERN_SERVE_RUNS: 'runs,/more',
      QUERN_SERVE_CONFIG: 'is read by the command',
      OTHER: 'x',
    };
    const settings = [{ path: ['listen', 'port'], value: 3, where: '--port' }];
    const config = await read(yaml, { env, settings });
    expect(config.listen).toMatchObject({ port: 3, host: 'localhost', proxy: true });
    expect(config.listen.origins).toEqual(['https://a.example', 'https://b.example']);
    expect([config.limits.k, config.limits.body, config.limits.generations.waiting]).toEqual([7, 2 ** 20, 0]);
    expect([config.data, config.runs]).toEqual([
      join(process.cwd(), 'data'),
      [join(process.cwd(), 'runs'), '/more'],
    ]);
  });
  it('there is one for whatever is one value', () => {
    expect(environmentNames).toContain('QUERN_SERVE_LIMITS_PER_MINUTE');
    expect(environmentNames).toContain('QUERN_SERVE_LIMITS_SEARCHES_DEADLINE');
    expect(new Set(environmentNames).size).toBe(environmentNames.length);
  });
  it.each([
    [{ QUERN_SERVE_PORT: 'http' }, 'BAD_INPUT QUERN_SERVE_PORT: listen › port: Invalid input'],
    [{ QUERN_SERVE_PORT: '' }, 'BAD_INPUT QUERN_SERVE_PORT: listen › port'],
    [{ QUERN_SERVE_HOST: '' }, 'BAD_INPUT QUERN_SERVE_HOST: listen › host'],
    [{ QUERN_SERVE_PROXY: 'yes' }, 'BAD_INPUT QUERN_SERVE_PROXY: listen › proxy'],
    [
      { QUERN_SERVE_LIMITS_GRACE: 'soon' },
      'BAD_INPUT QUERN_SERVE_LIMITS_GRACE: limits › grace: "soon" is not',
    ],
    [
      { QUERN_SERVE_TOKEN: 'x' },
      'BAD_INPUT QUERN_SERVE_TOKEN: is no variable of quern serve. A token is QUERN_TOKEN',
    ],
    [{ QUERN_SERVE_DATA: '' }, 'BAD_INPUT QUERN_SERVE_DATA: data'],
  ])('that are wrong are told: %j', async (env, words) => {
    expect(await said('', { env })).toContain(words);
  });
});
