/**
 * Texts of our own for the comparison with Lucene. Run by itself it prints one JSON string a line:
 *
 *     node made-up-texts.mjs            the made-up texts and 1,500 random ones
 *     node made-up-texts.mjs SEED COUNT random ones alone
 */
import { pathToFileURL } from 'node:url';

/** Tokens about the limit of 255 units, ending in what the limit may cut apart. */
function longTokens() {
  const texts = [];
  for (const length of [253, 254, 255, 256, 257, 300, 509, 510, 511, 600]) {
    const word = 'abcdefghij'.repeat(60).slice(0, length);
    texts.push(word, `see ${word}.`, `${word}'s`, `${word}ing ${word.toUpperCase()}`, '7'.repeat(length));
  }
  for (const length of [251, 252, 253, 254, 255, 256]) {
    const head = 'x'.repeat(length);
    for (const tail of [
      "'s",
      "'t go",
      '.com',
      ':y',
      '_z',
      '\u{10400}\u{10401}',
      '\u0301\u0301',
      '\u{1F600}',
      'é\u200Dz',
    ]) {
      texts.push(head + tail, `. ${head}${tail} end`);
    }
    for (const tail of [',000', '.5', '.x', "'1", '\uFE0F\u20E3']) texts.push('1'.repeat(length) + tail);
    texts.push(
      '_'.repeat(length) + 'word',
      '\u0E01'.repeat(length) + '\u0E31\u0E01',
      'カ'.repeat(length) + 'タカ',
    );
    texts.push('\u{10400}'.repeat(length >> 1) + (length % 2 === 1 ? 'a' : '') + '\u{10401}b');
    texts.push(
      '👩' + '\u200D👩'.repeat(length >> 1),
      'א'.repeat(length) + '"א',
      '中' + '\u0300'.repeat(length),
    );
  }
  return texts;
}

export const madeUpTexts = [
  '',
  ' ',
  'The quick brown foxes were jumping over the laziest of the dogs, and it is not the first time.',
  "O'Reilly's dogs' bones aren't John's; rock 'n' roll's the '90s' thing, y'all'd've said: 'tis.",
  'It’s the students’ idea, Q’s, X＇s, Y＇S, JAMES’S, s, ’s, ’S and ‘s.',
  'Costs rose 1,000.5 times, to 3.14e-5 or 6.022E23; 1,2,3 and 1.2.3; .5 5. 1.000,00 1;2 1:2 a1.5b 1.a a.1 1,a a,1.',
  'Write to jane.doe@example.org or see https://www.example.org/a_b/c.html?x=1&y=2#frag, file:///tmp/x.tar.gz.',
  'snake_case __init__ _ __ _a a_ a__b 1_000 _1_ a_1_b ‿tied‿ up⁀now foo_.bar foo._bar',
  'std::vector<int> a:b a::b x:1 1:x C:\\dir key:value 12:30pm e.g. i.e. U.S.A. Ph.D. a.b.c.',
  'C++, C#, .NET, F#; node.js’s AT&T R&D #1 *2 ##3 50% $4.00 £5 “quoted” (parenthesised) [x] {y}',
  'Let $f\\colon \\mathbb{R}^n \\to \\mathbb{R}$ be $C^{\\infty}$; then $\\int_0^1 f(x)\\,dx = \\sum_{i=1}^{n} a_i x_i$.',
  '\\begin{align*} \\frac{\\partial^2 u}{\\partial x^2} &= \\lambda_1 e^{-\\alpha t} \\end{align*}',
  'naïve café coöperate Straße ﬁnd ŒUVRE İstanbul ISTANBUL ΟΔΥΣΣΕΥΣ ΣΑΣ ǅ ǄAB Ⱥ Ɐ K Å ẞ Ꭰ ꭰ 𐐀𐐁 𞤀 Ⓐ Ⅷ',
  'e\u0301le\u0300ve a\u0308\u0301 n\u0303 \u0301alone x\u00ADy so\u00ADft zero\u200Bwidth non\u200Cjoin joi\u200Dner \uFEFFbom wo\u2060rd',
  'smile 😀 😀😀 ❤ ❤️ ☺︎ © ® ™ ‼ 〰 〽 ℹ Ⓜ ㊗ 🅰 🈁 a😀b 1😀2 😀️😀',
  '👨‍👩‍👧‍👦 👩🏽‍💻 👍🏿 👍🏻👍🏼 🏽 a🏽 🏳️‍🌈 🏴‍☠️ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🧑‍🤝‍🧑 \u200D👩 👩\u200D a\u200D👩 👩\u200D\u200D👩',
  '🇩🇪 🇩🇪🇫🇷 🇩 🇩🇪🇫 a🇩🇪b 🇩\u200D🇪 🇩\u0301🇪',
  '1️⃣ 2⃣ #️⃣ *️⃣ #⃣ *⃣ # * 1️ a1⃣ 12️⃣ 1️⃣2️⃣ ١⃣ 1\u0301️⃣ 1️\u0301⃣',
  'צה"ל ארה"ב ג\'ירף ג\' תנ״ך צ׳ א"" א"1 א"a a"א ב\'\'ב א\'ב\' מ"מ"מ',
  '中文 漢字カタカナひらがな 日本語のテキスト 東京タワー々〆〇 ｶﾀｶﾅ ゛゜ー ーか 한국어 텍스트 한글abc ㄅㄆ 中a文1 カ_ナ カ1 aカ',
  'ภาษาไทย ไทย123 กขabc ภาษา_ไทย ພາສາລາວ ភាសាខ្មែរ မြန်မာ ก\u0301ก ๑๒๓ ທ1 ᨠ ꩠ 𑜀',
  '１２３ ａｂｃ １．５ １，０００ ａ＿ｂ ｘ：ｙ ｄｏｇ＇ｓ DOG＇S Ａ',
  'عربي ٣٫٥ ١٬٠٠٠ हिन्दी क्षेत्र தமிழ் বাংলা ქართული Հայերեն ՙ՚ tiếng Việt ʻokina ʼa a·b l·l',
  'run running runs ran runner; generalizations oscillators hopping falling controlling sky skies dying is as the',
  'possibly abli conformabli radically vietnamization analogousli decisiveness apology apologies geology logi',
  'line one\nline two\r\nthree\u0085four\u2028five\u2029six\ttabbed\u00A0nbsp\u3000ideographic\u0000nul',
  '\uD800 \uDC00 a\uD800b a\uDC00b \uDC00\uD800 a\uD83D \uD83D\uD83D\uDE00 x',
  "' '' 's 'S s' a' a's's a''s a's' it's's ’s’s _'s 1's 1'S é's É'S",
  ...longTokens(),
];

const ALPHABET = [
  ...'aAbBcdeEgiIlnoOsStTyYz 0123456789_.,:;\'"-#*@/\n ',
  ...'’＇·‿\u202F٫٬،։״׳',
  ...'éÉßİıΣſK𐐀𐐨ӀἈ',
  ...'אבש',
  ...'ァカー゛ｶぁが中々〇\u{20000}한가각ㄱ',
  ...'กา\u0E31ລກ\u1780\u19DA',
  ...'١३１Ⅷ²',
  ...'\u0301\u0308\u00AD\u200B\u200C\u200D\u200D\u200E\uFEFF\uFE0E\uFE0F\uFE0F\u20E3\u20E3',
  ...'😀❤☝👩👍🏻🏿🏴©ℹ〰🅰🈁\u{1F9B0}\u{1FAE0}',
  ...'🇩🇪🇫',
  '\u{E0067}',
  '\u{E0062}',
  '\u{E007F}',
  '\uD83D',
  '\uDE00',
  '\uD800',
  ..."'s ’S ing ation ies sses the not bli logi eed y ff".split(' '),
];

/** Numbers below 2^32 that follow from `seed`: Mulberry32. */
function randomNumbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}

export function nastyTexts(seed, count) {
  const random = randomNumbers(seed);
  return Array.from({ length: count }, () => {
    // A window of the alphabet makes runs of related characters likely.
    const first = random() % ALPHABET.length;
    const width = random() % 3 === 0 ? ALPHABET.length : 4 + (random() % 24);
    const letter = () => ALPHABET[(first + (random() % width)) % ALPHABET.length];
    let text = random() % 50 === 0 ? letter().repeat(100 + (random() % 160)) : '';
    for (let i = 1 + (random() % 16); i > 0; i--) text += letter();
    // Lucene loses the end of a text whose last unit is half a pair.
    return /[\uD800-\uDBFF]$/.test(text) ? `${text} ` : text;
  });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [seed, count] = process.argv.slice(2).map(Number);
  const texts = seed === undefined ? [...madeUpTexts, ...nastyTexts(1, 1500)] : nastyTexts(seed, count);
  for (const text of texts) console.log(JSON.stringify(text));
}
