import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { dataPath, sharedData } from '../../test/shared-data.ts';
import { textsInLanguages, type TextInLanguage } from '../../test/texts-in-languages.ts';
import { differentLanguages } from './language.ts';

const english = textIn('English');

function textIn(language: string): TextInLanguage {
  return textsInLanguages.find((text) => text.language === language)!;
}

describe('a text in another language than its query', () => {
  const foreign = textsInLanguages.filter(({ language }) => language !== 'English');

  it.each(foreign)('is told from an English query: $language', async ({ language, answer }) => {
    const different = await differentLanguages(english.question, answer);
    expect(['English', 'Latin script']).toContain(different?.query);
    const script = { Russian: 'Cyrillic', Arabic: 'Arabic', Hindi: 'Devanagari' }[language];
    expect(different?.text).toBe(script === undefined ? language : `${script} script`);
  });

  it.each(foreign)('is told where it is English: $language', async ({ question }) => {
    expect(await differentLanguages(question, english.answer)).toBeDefined();
  });

  it('is told among any two of them but the closest', async () => {
    const missed: string[] = [];
    for (const { language, question } of textsInLanguages) {
      for (const { language: other, answer } of textsInLanguages) {
        const different = await differentLanguages(question, answer);
        if ((different !== undefined) !== (language !== other)) missed.push(`${language}, ${other}`);
      }
    }
    expect(missed).toEqual(['Spanish, Portuguese']);
  });

  it.each(['Chinese', 'Russian', 'German', 'Japanese'])(
    'is told where it goes over to %s, by what most of its letters are',
    async (language) => {
      const { answer } = textIn(language);
      const [first] = english.answer.split('. ');
      expect(await differentLanguages(english.question, `${first}. ${answer}`)).toBeDefined();
      const half = answer.slice(0, answer.length / 2);
      expect(await differentLanguages(english.question, `${english.answer} ${half}`)).toBeUndefined();
    },
  );

  it('is told by its prose where both have the same code', async () => {
    const code = '```python\nfor leaf in tree.leaves:\n    print(leaf.colour, leaf.sugar, leaf.light)\n```\n';
    const query = `${english.question}\n${code}`;
    expect(await differentLanguages(query, code.repeat(3) + textIn('Chinese').answer)).toBeDefined();
    expect(await differentLanguages(query, code.repeat(3) + english.answer)).toBeUndefined();
  });
});

describe('a text of marks and nothing else', () => {
  it.each(['!', '.', '*', ')'])('is looked at in time that grows with its length: %s', async (mark) => {
    // Tried from each of its marks, it would take minutes.
    expect(await differentLanguages(english.question, `a${mark.repeat(500_000)}a`)).toBeUndefined();
  });
});

describe('where nothing is certain, no language differs', () => {
  const german = textIn('German').answer;
  const chinese = textIn('Chinese').answer;

  it.each([
    ['an empty query', '', german],
    ['a short query', 'leaf colour', german],
    ['a short query for a text in another script', 'leaf colour', chinese],
    ['a query of names', 'Fourier transform pandas dataframe merge', german],
    ['a query of code', 'const x = await fetch(url).then((r) => r.json()); map.get(key)?.value', german],
    ['a query of numbers', '3.1415926535 2.7182818284 1.4142135623 1.7320508075 42', german],
    ['a query of a formula', '$\\int_0^\\infty e^{-x^2} dx = \\frac{\\sqrt{\\pi}}{2}$', german],
    ['a query in two languages', `${english.question} ${textIn('French').question}`, german],
    ['a query in two scripts', `${english.question} ${textIn('Chinese').question}`, german],
    ['an empty text', english.question, ''],
    ['a short text', english.question, 'Wegen des Zuckers.'],
    ['a text of code', english.question, '```\n' + german + '\n```'],
    ['a text of code that goes on', english.question, '```\n' + german],
    ['a text of formulas', english.question, '\\[ \\alpha\\beta\\gamma\\delta \\] '.repeat(40)],
    ['a text of Greek letters', english.question, `${english.answer} αβγδεζηθικλμνξοπρστυφχψω `.repeat(2)],
    [
      'a text of addresses',
      english.question,
      'https://beispiel.example/warum/werden/die/blaetter/rot '.repeat(5),
    ],
    ['a text with foreign words', english.question, `${english.answer} In German: „${german.slice(0, 90)}“`],
    ['half a character', english.question, `${english.answer}\uD800`],
  ])('%s', async (_, query, text) => {
    expect(await differentLanguages(query, text)).toBeUndefined();
  });
});

describe.skipIf(sharedData === undefined)('in the published reasoned queries', () => {
  it.each([
    ['bright/reasoned/TongSearch-QR-1.5B.json.gz', 1308],
    ['bright/reasoned/TongSearch-QR-7B.json.gz', 1308],
    ['textbooks/reasoned.json', 1240],
  ])('of %s, none is refused, and most would be in German', async (name, count) => {
    const bytes = readFileSync(dataPath(name));
    const json = (name.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString();
    const pairs = Object.entries(JSON.parse(json) as Record<string, string>);
    expect(pairs).toHaveLength(count);
    const refused: string[] = [];
    let found = 0;
    for (const [query, text] of pairs) {
      if (await differentLanguages(query, text)) refused.push(query);
      if (await differentLanguages(query, textIn('German').answer)) found++;
    }
    expect(refused).toEqual([]);
    expect(found / count).toBeGreaterThan(0.98);
  });
});
