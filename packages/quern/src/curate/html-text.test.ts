import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cleanText, htmlText } from './html-text.ts';

const textOf = (html: string): string => htmlText(html).text;

describe('the text of a post', () => {
  it.each([
    ['paragraphs have a blank line between them', '<p>a</p>\n\n<p>b\nc</p>', 'a\n\nb c'],
    ['a link is its text', '<p>see <a href="http://x.y">this  page</a>.</p>', 'see this page.'],
    ['white space counts as one space', 'a\n  <b>b</b>\t<i> c</i>d', 'a b cd'],
    ['items of a list are lines', '<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n<p>c</p>', '- a\n- b\n\nc'],
    ['numbered items keep their numbers', '<ol start="3"><li>a</li><li>b</li></ol>', '3. a\n4. b'],
    ['lists in lists are indented', '<ul><li>a<ol><li>b</li></ol></li><li>c</li></ul>', '- a\n  1. b\n- c'],
    ['a paragraph in an item stays at its mark', '<ul><li><p>a</p>\n<p>b</p></li></ul>', '- a\n\nb'],
    [
      'code keeps its lines, blank ones too',
      '<pre><code>if x:\n    y\n\n\n  z\n</code></pre>\n<p>a</p>',
      'if x:\n    y\n\n\n  z\n\na',
    ],
    ['inline code is text', '<p>call <code>a&lt;b&gt;()</code></p>', 'call a<b>()'],
    [
      'formulas stay',
      '<p>$a_{1} &lt; b^2$ and <span class="math">\\(x\\)</span></p>',
      '$a_{1} < b^2$ and \\(x\\)',
    ],
    ['exponents are told from digits', '<p>10<sup>-3</sup> H<sub>2</sub>O</p>', '10^-3 H2O'],
    [
      'cells of a table are told apart',
      '<table><tr><th>a</th><td>b</td></tr><tr><td>c</td></tr></table>',
      'a | b\nc',
    ],
    ['a line break is one', 'a<br>b<br/>c', 'a\nb\nc'],
    ['a quotation is a paragraph', '<p>a</p><blockquote><p>b</p></blockquote><p>c</p>', 'a\n\nb\n\nc'],
    [
      'scripts and styles are no text',
      '<p>a</p><script>alert(1)</script><style>p{}</style><p>b</p>',
      'a\n\nb',
    ],
    ['comments and attributes are no text', '<!-- x --><p title="y" onclick="z()">a</p>', 'a'],
    ['spaces that do not break are spaces', '<p>a&nbsp;b 10&#8201;kg&nbsp;<b>c</b></p>', 'a b 10 kg c'],
    ['an item without text has no mark', '<ul><li></li></ul><p>a</p>', 'a'],
    ['nothing is decoded twice', '<p>&amp;lt;script&amp;gt;</p>', '&lt;script&gt;'],
    ['control characters are dropped', '<p>a&#7;b\u0000c</p>', 'abc'],
    ['an unclosed element closes nothing', '<p>a <b>b<p>c', 'a b\n\nc'],
    ['nothing is empty', '', ''],
  ])('%s', (_, html, text) => {
    expect(textOf(html)).toBe(text);
  });

  it('tells whether an image is shown', () => {
    expect(htmlText('<p>a <img src="x.png"></p>').hasImage).toBe(true);
    expect(htmlText('<p>&lt;img src="x.png"&gt;</p>').hasImage).toBe(false);
    expect(htmlText('<script><img src="x"></script>').hasImage).toBe(false);
  });

  it('takes time in proportion to its length, whatever that consists of', () => {
    const long = 300_000;
    expect(textOf(`<pre>${' '.repeat(long)}a</pre>`)).toHaveLength(long + 1);
    expect(textOf(`<pre>${'\n'.repeat(long)}a</pre>`)).toBe('a');
    expect(textOf(`<p>${'a </p><p>'.repeat(long / 10)}</p>`)).toMatch(/^a\n\na/);
  });

  it('ends where elements are nested as in no post', () => {
    const nested = '<div>'.repeat(1_000_000);
    expect(textOf(`<p>begin</p>${nested}deep`)).toBe('begin');
    expect(textOf(`${'<b>'.repeat(500)}not so deep`)).toBe('not so deep');
  });

  it('has no elements, whatever the HTML', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('<', '>', 'script', 'p', '/', '"', '=', ' ', 'a', '!--') }),
        (html) => {
          const { text } = htmlText(html);
          expect(text).toBe(cleanText(text));
          expect(text).not.toMatch(/^\n|[ \t]\n|\s$/);
        },
      ),
    );
  });
});
