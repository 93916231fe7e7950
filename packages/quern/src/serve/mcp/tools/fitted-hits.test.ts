import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fittedHits } from './fitted-hits.ts';

const found = (count: number, text: string) =>
  Array.from({ length: count }, (_, i) => ({ rank: i + 1, id: `notes/${i}`, title: `Note ${i}`, text }));

describe('hits for an agent', () => {
  it('are told whole where there is room', () => {
    expect(fittedHits(found(2, 'Yeast  needs\nwarmth.'), 8000)).toEqual({
      hits: [
        { rank: 1, id: 'notes/0', title: 'Note 0', passage: 'Yeast needs warmth.' },
        { rank: 2, id: 'notes/1', title: 'Note 1', passage: 'Yeast needs warmth.' },
      ],
      leftOut: 0,
    });
  });
  it('have passages that are shortened to one length where there is less', () => {
    const { hits, leftOut } = fittedHits(found(50, 'word '.repeat(60)), 8000);
    expect(leftOut).toBe(0);
    expect(new Set(hits.map(({ passage }) => passage?.length)).size).toBe(1);
    expect(hits[49]).toMatchObject({
      rank: 50,
      id: 'notes/49',
      passage: expect.stringMatching(/^word .*…$/),
    });
  });
  it('are bounded also for texts without spaces', () => {
    expect(fittedHits(found(1, '食'.repeat(5000)), 8000).hits[0]?.passage).toHaveLength(480);
  });
  it('are left out from the last on where not even ids and titles fit', () => {
    const { hits, leftOut } = fittedHits(found(50, 'words'), 400);
    expect(hits.map(({ rank }) => rank)).toEqual(hits.map((_, i) => i + 1));
    expect(hits.length + leftOut).toBe(50);
    expect(leftOut).toBeGreaterThan(30);
    expect(hits.every((hit) => !('passage' in hit))).toBe(true);
  });
  it('never take more than their room, whatever the documents hold', () => {
    const text = fc.string({ unit: 'binary', maxLength: 700 });
    const hit = fc.record({ rank: fc.nat(50), id: text, title: text, text });
    fc.assert(
      fc.property(fc.array(hit, { maxLength: 30 }), fc.integer({ min: 2, max: 8000 }), (hits, room) => {
        const fitted = fittedHits(hits, room);
        const json = JSON.stringify(fitted.hits);
        expect(json.length).toBeLessThanOrEqual(room);
        expect(json).not.toMatch(/\\ud[89a-f]/);
        expect(fitted.hits.length + fitted.leftOut).toBe(hits.length);
      }),
    );
  });
});
