import { resolve } from 'node:path';
import { openCollection, type Collection } from '../src/collections/collection.ts';
import { sharedData } from './shared-data.ts';

/** The folder of our own sample collection, in the BEIR layout. */
export const sampleFolder = resolve(import.meta.dirname, '../../../examples/collection');

/** A collection in the BEIR layout by the name that golden files use: `collection` is our sample, others are shared data. */
export function beirCollection(name: string, split?: string): Promise<Collection> {
  if (name === 'collection') return openCollection(`beir:${sampleFolder}`, { split });
  return openCollection(`beir:${name}`, { data: sharedData, split });
}

/** Whether {@link beirCollection} can be had here. */
export function isCollectionHere(name: string): boolean {
  return name === 'collection' || sharedData !== undefined;
}
