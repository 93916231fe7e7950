import { expect, it } from 'vitest';
import { safeAddress } from './source-link.tsx';

it.each([
  ['https://beer.stackexchange.com/questions/1', 'https://beer.stackexchange.com/questions/1'],
  ['https://münchen.example/ä', 'https://xn--mnchen-3ya.example/%C3%A4'],
  ['http://example.org/', undefined],
  ['javascript:alert(1)', undefined],
  ['JaVaScRiPt:alert(1)//https://example.org', undefined],
  [' https://example.org/', undefined],
  ['//example.org/', undefined],
  ['https://beer.stackexchange.com@evil.example/', undefined],
  ['https://', undefined],
  ['data:text/html,x', undefined],
])('%j leads to %j', (url, to) => expect(safeAddress(url)).toBe(to));
