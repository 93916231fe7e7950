import type { Choices, Served } from './choices.ts';

/** A text as one word of a POSIX shell: within single quotes nothing means anything but the quote itself. */
export function shellWord(text: string): string {
  if (/^[A-Za-z0-9_./:@%+=,-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** The command line of a search, and whether its names are those of the service instead of what they stand for. */
export interface CommandLine {
  readonly text: string;
  readonly isNamed: boolean;
}

/** `npx quern search …` for what is asked with reasoning. */
export function commandLine(choices: Choices, { config, indexes }: Served): CommandLine {
  const { question, index, reasoner, combine, k, reranker, keyTerms, rounds, earlyStop } = choices;
  const { declared } = config;
  const retriever =
    choices.retriever === ''
      ? (indexes.find(({ name }) => name === index)?.retriever ?? 'bm25')
      : choices.retriever;
  const stands = (kind: keyof NonNullable<typeof declared>, name: string): string => {
    const names = declared?.[kind];
    return names !== undefined && Object.hasOwn(names, name) ? names[name]! : name;
  };
  const options = [
    '-k',
    String(k),
    '--retriever',
    stands('retrievers', retriever),
    '--reasoner',
    stands('reasoners', reasoner),
    ...(combine === 'replace' ? [] : ['--combine', combine]),
    ...(reranker === '' ? [] : ['--rerank', stands('rerankers', reranker)]),
    ...(keyTerms > 0 ? ['--key-terms', String(keyTerms)] : []),
    ...(rounds > 1 ? ['--rounds', String(rounds)] : []),
    // Another option after it keeps it from taking a word for its settings.
    ...(earlyStop ? ['--early-stop'] : []),
    '--explain',
  ].map(shellWord);
  const about = [stands('indexes', index), question];
  // What begins with a dash would be an option.
  const isDashed = about.some((word) => word.startsWith('-'));
  const words = about.map(shellWord);
  const all = isDashed ? [...options, '--', ...words] : [...words, ...options];
  return { text: `npx quern search ${all.join(' ')}`, isNamed: declared === undefined };
}

/** The call by `curl` of a route that takes a body. The token, where one is needed, is in a variable. */
export function curlCall(url: string, body: unknown, hasToken: boolean): string {
  const lines = [
    `curl ${shellWord(url)}`,
    `-H 'content-type: application/json'`,
    ...(hasToken ? [`-H "authorization: Bearer $QUERN_TOKEN"`] : []),
    `-d ${shellWord(JSON.stringify(body))}`,
  ];
  return lines.join(' \\\n  ');
}

/** The call by `fetch` of a route that takes a body, as a module of JavaScript. */
export function fetchCall(url: string, body: unknown, hasToken: boolean): string {
  const token = hasToken ? ', authorization: `Bearer ${process.env.QUERN_TOKEN}`' : '';
  const json = JSON.stringify(body, undefined, 2).replaceAll('\n', '\n  ');
  return [
    `const response = await fetch(${JSON.stringify(url)}, {`,
    `  method: 'POST',`,
    `  headers: { 'content-type': 'application/json'${token} },`,
    `  body: JSON.stringify(${json}),`,
    `});`,
    `const { hits } = await response.json();`,
  ].join('\n');
}
