/** How the numbers of vectors are kept: as 32-bit or 16-bit floating point, or as 8-bit integers with a scale a vector. */
export const vectorPrecisions = ['f32', 'f16', 'i8'] as const;
export type VectorPrecision = (typeof vectorPrecisions)[number];

/**
 * How vectors are searched: all of them, or by a graph (HNSW, Malkov and Yashunin 2018) that leads to most of the nearest;
 * `auto`: all of them up to 200,000.
 */
export const searchMethods = ['auto', 'exact', 'hnsw'] as const;
export type SearchMethod = (typeof searchMethods)[number];
