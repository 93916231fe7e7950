import { expect, it } from 'vitest';
import { shownSource } from './shown-record.ts';

it.each([
  ['beer.2017/Posts.xml', 'beer.2017/Posts.xml'],
  ['/home/me/dumps/beer.7z', 'beer.7z'],
  ['C:\\dumps\\beer.7z', 'beer.7z'],
  ['/home/me/own.jsonl line 12', 'own.jsonl line 12'],
  ['owner/name@0123456789ab/data/train.parquet', 'owner/name@0123456789ab/data/train.parquet'],
  ['beir:/home/me/benchmark', 'beir:benchmark'],
])('a source such as %j is shown as %j', (title, shown) => expect(shownSource(title)).toBe(shown));
