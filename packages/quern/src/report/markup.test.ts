import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { escapeText, isolated, isolatedPlain, Markup, markup } from './markup.ts';

describe('a template', () => {
  it('escapes texts, keeps markup, and takes lists and nothing', () => {
    const list = ['<i>', markup`<b>${'&'}</b>`, 3];
    expect(markup`<p title="${'"\''}">${list}${null}</p>`.source).toBe(
      '<p title="&quot;&#39;">&lt;i&gt;<b>&amp;</b>3</p>',
    );
  });

  it('does not take an object for markup that only looks like it', () => {
    const forged = JSON.parse('{"source":"<script>"}') as string;
    expect(() => markup`${forged}`.source).toThrow(TypeError);
    expect(markup`${new Markup('<br>')}`.source).toBe('<br>');
  });
});

describe('escaped text', () => {
  it('holds nothing that could be markup, and survives UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (a, b) => {
        const escaped = escapeText(a + b);
        expect(escaped).not.toMatch(/[<>"']|&(?!(?:amp|lt|gt|quot|#39);)/);
        expect(Buffer.from(escaped, 'utf8').toString('utf8')).toBe(escaped);
      }),
    );
  });

  it('puts U+FFFD in place of lone surrogates and control characters, not of line breaks and tabs', () => {
    expect(escapeText('a\uD800b\u0000c\u001B[31m\t\n😀')).toBe('a\uFFFDb\uFFFDc\uFFFD[31m\t\n😀');
  });
});

it('a text of another direction is isolated, in elements and in attributes', () => {
  expect(isolated('\u202Egnp.exe').source).toBe('<bdi>\u202Egnp.exe</bdi>');
  expect(isolatedPlain('\u202Egnp\u2069.exe')).toBe('\u2068gnp.exe\u2069');
});
