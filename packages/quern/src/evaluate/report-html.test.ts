import { describe, expect, it } from 'vitest';
import type { Run, Topic } from '../collections/records.ts';
import type { TermRetriever } from '../search/retriever.ts';
import { analyzerNamed } from '../text/analyzers.ts';
import { parseMeasures } from './measures.ts';
import { buildReport, type Report, type ReportedRun } from './report.ts';
import { reportHtml } from './report-html.ts';

const hostile = [
  '</style><script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</title></svg><iframe srcdoc="x">',
  '&lt;b&gt; &amp; \uD800 \u0000',
  '\u202Eevil\u2069 ]]> <!-- `${x}`',
  '__proto__',
];
const measures = parseMeasures(['ndcg@10', 'map']);
const english = analyzerNamed('english');

/** Every word of a query brings the same to every document. */
const retriever: TermRetriever = {
  id: 'even',
  search: () => Promise.resolve([]),
  documentFrequency: () => 1,
  spans: (text) => english.spans(text),
  weights: (text) => new Map(english.terms(text).map((term) => [term, 1])),
  shares: (weights) =>
    Array.from(weights, ([term]) => ({ term, queryWeight: 1, documentWeight: 1, share: 1 })),
};

/** A run that puts the relevant document of the i-th topic at `rank(i)`, of topics with these ids and texts. */
function reported(name: string, topics: readonly Topic[], rank: (i: number) => number): ReportedRun {
  const rankings: Run['rankings'] = new Map(
    topics.map(({ id }, i) => [
      id,
      Array.from({ length: 5 }, (_, at) => ({
        id: at + 1 === rank(i) ? `${id} good` : `${id} bad ${at}`,
        score: 5 - at,
        rank: at + 1,
      })),
    ]),
  );
  return {
    run: { name, rankings },
    answers: topics.map((topic) => ({
      topic,
      query: topic.text,
      reasoned: {
        query: topic.text,
        text: `${topic.text} reasoned ${topic.text}`,
        reasoner: name,
        finish: 'stop',
        promptTokens: 0,
        completionTokens: 0,
        milliseconds: 0,
        cached: false,
      },
      combine: 'replace',
      retriever: retriever.id,
      searches: [{ from: 'reasoned', weights: retriever.weights(topic.text) }],
      depth: 1000,
      milliseconds: { reason: 0, search: 0 },
    })),
  };
}

function reportOf(
  topics: readonly Topic[],
  names: readonly string[],
  others = names.length - 1,
): Promise<Report> {
  const runs = names.map((name, run) => reported(name, topics, (i) => 1 + ((i * (run + 2) + run) % 6)));
  return buildReport({
    title: names[0],
    collection: names[0],
    qrels: new Map(topics.map(({ id }) => [id, new Map([[`${id} good`, 1]])])),
    measures,
    baseline: runs[0],
    others: runs.slice(1, 1 + others),
    retriever,
    scoring: names[0],
    samples: 1000,
    document: (id) => Promise.resolve({ title: '', text: id }),
  });
}

const hostileTopics = hostile.map((text) => ({ id: text, text, excluded: [] }));
const plainTopics = Array.from({ length: 40 }, (_, i) => ({
  id: `t${i}`,
  text: `why does thing ${i} happen?`,
  excluded: [],
}));

/** The page without its style sheet, which is ours. */
function bodyOf(html: string): string {
  return html.replace(/<style>[\s\S]*?<\/style>/, '');
}

describe('a page of hostile texts', () => {
  it('has no element or attribute but those of the report', async () => {
    for (const others of [0, 2]) {
      const html = reportHtml(await reportOf(hostileTopics, hostile.slice(0, 3), others));
      const tags = new Set(Array.from(bodyOf(html).matchAll(/<\/?([a-zA-Z!][\w-]*)/g), ([, tag]) => tag));
      for (const tag of ['script', 'img', 'iframe', 'style', '!--', 'link', 'base', 'form', 'object']) {
        expect(tags).not.toContain(tag);
      }
      const attributes = new Set(
        Array.from(bodyOf(html).matchAll(/<[^>]*>/g), ([tag]) => tag).flatMap((tag) =>
          Array.from(tag.replaceAll(/"[^"]*"/g, '""').matchAll(/\s([\w-]+)(?:=|[\s>])/g), ([, name]) => name),
        ),
      );
      expect([...attributes].filter((name) => /^on|^src|^href|^srcdoc/.test(name))).toEqual([]);
      expect(html.match(/<style>/g)).toHaveLength(1);
      expect(html.match(/<\/style>/g)).toHaveLength(1);
    }
  });

  it('shows them as they are, where a text can hold them', async () => {
    const html = reportHtml(await reportOf(hostileTopics, ['a', 'b']));
    expect(html).toContain('<bdi class="id">&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;</bdi>');
    expect(html).not.toMatch(/\p{Surrogate}/u);
    expect(html).not.toContain('\u0000');
  });

  it('keeps their direction to themselves', async () => {
    const html = bodyOf(reportHtml(await reportOf(hostileTopics, ['a', 'b'])));
    // Each stands in an isolating element, in a title between isolates, or in a paragraph of its own direction.
    for (const { index } of html.matchAll(/\u202E/g)) {
      const before = html.slice(0, index);
      const open = before.slice(before.lastIndexOf('<', before.length - 1));
      expect(open.startsWith('<bdi') || /dir="auto"|<mark|<\/mark/.test(open)).toBe(true);
    }
  });
});

describe('a page', () => {
  it('loads nothing and runs nothing', async () => {
    for (const names of [['one'], ['one', 'two'], ['one', 'two', 'three']]) {
      const html = reportHtml(await reportOf(plainTopics, names));
      expect(html).toContain(
        `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">`,
      );
      expect(html).not.toMatch(/<script|javascript:|https?:|\/\/|@import|url\(|\bsrc=|\bhref=/);
    }
  });

  it('is the same, byte for byte, for the same input', async () => {
    const pages = [];
    for (let i = 0; i < 2; i++) pages.push(reportHtml(await reportOf(plainTopics, ['one', 'two'])));
    expect(pages[0]).toBe(pages[1]);
    const report = await reportOf(plainTopics, ['one', 'two']);
    expect(reportHtml(JSON.parse(JSON.stringify(report)) as Report)).toBe(reportHtml(report));
  });

  it('is well-formed: every element that is opened is closed, in order', async () => {
    for (const names of [['one'], ['one', 'two', 'three']]) {
      const html = bodyOf(reportHtml(await reportOf(plainTopics, names)));
      const open: string[] = [];
      for (const [, slash, tag, rest] of html.matchAll(/<(\/?)([a-z][a-z0-9]*)([^>]*)>/gi)) {
        if (['meta', 'br'].includes(tag) || rest.endsWith('/')) continue;
        if (slash === '') open.push(tag);
        else if (open.at(-1) === tag) open.pop();
        else throw new Error(`</${tag}> where ${open.at(-1)} is open`);
      }
      expect(open).toEqual([]);
    }
  });

  it('has a heading order, captions, scopes, and ids that are there once', async () => {
    const html = bodyOf(reportHtml(await reportOf(plainTopics, ['one', 'two', 'three'])));
    expect(html.match(/<h1/g)).toHaveLength(1);
    const levels = Array.from(html.matchAll(/<h(\d)/g), ([, level]) => Number(level));
    for (const [i, level] of levels.entries()) expect(level - (levels[i - 1] ?? 0)).toBeLessThanOrEqual(1);
    for (const [heading] of html.matchAll(/<th(?=[\s>])[^>]*>/g)) expect(heading).toContain('scope=');
    const ids = Array.from(html.matchAll(/ id="([^"]+)"/g), ([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, named] of html.matchAll(/aria-labelledby="([^"]+)"/g)) {
      for (const id of named.split(' ')) expect(ids).toContain(id);
    }
  });

  it('says in words what the numbers mean', async () => {
    const html = reportHtml(await reportOf(plainTopics, ['one', 'two']));
    expect(html).toMatch(/<p class="lede"><bdi>two<\/bdi> (?:raises|lowers|leaves) nDCG@10/);
    expect(html).toContain('adjusted by Holm’s method');
    expect(html).toContain('higher levels counting for more');
    expect(reportHtml(await reportOf(plainTopics, ['one']))).toContain('reaches nDCG@10');
  });

  it('of 3,000 topics and three runs stays below 200 kB, and its data too', async () => {
    const many = Array.from({ length: 3000 }, (_, i) => ({
      id: `question-${i}`,
      text: `why does thing ${i} happen?`,
      excluded: [],
    }));
    const report = await reportOf(many, ['one', 'two', 'three']);
    expect(report.topics).toHaveLength(3000);
    expect(JSON.stringify(report).length).toBeLessThan(400_000);
    expect(Buffer.byteLength(reportHtml(report))).toBeLessThan(200_000);
  });
});
