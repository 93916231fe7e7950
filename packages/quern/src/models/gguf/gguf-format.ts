/** What GGUF files are made of (github.com/ggml-org/ggml, docs/gguf.md), for the reader and the writer. */

/** `GGUF`, read as a little-endian number. */
export const ggufMagic = 0x46554747;

/** The version that is written; version 2 is read as well. */
export const ggufVersion = 3;

/** Where the key `general.alignment` says nothing, tensors start at multiples of it. */
export const defaultAlignment = 32;

/** The types of metadata values in the order of their numbers. */
export const valueTypes = [
  'uint8',
  'int8',
  'uint16',
  'int16',
  'uint32',
  'int32',
  'float32',
  'bool',
  'string',
  'array',
  'uint64',
  'int64',
  'float64',
] as const;

export type GgufValueType = (typeof valueTypes)[number];

/** The types of numbers that need at most 53 bits. */
export type GgufNumberType =
  'uint8' | 'int8' | 'uint16' | 'int16' | 'uint32' | 'int32' | 'float32' | 'float64';

/** The bytes of a value, for types that always have as many. */
export const valueBytes: Partial<Record<GgufValueType, number>> = {
  uint8: 1,
  int8: 1,
  uint16: 2,
  int16: 2,
  uint32: 4,
  int32: 4,
  float32: 4,
  bool: 1,
  uint64: 8,
  int64: 8,
  float64: 8,
};

/** A list in the metadata. Lists of lists are not read: no known file has one. */
export type GgufArray =
  | { readonly of: GgufNumberType; readonly items: readonly number[] }
  | { readonly of: 'uint64' | 'int64'; readonly items: readonly bigint[] }
  | { readonly of: 'bool'; readonly items: readonly boolean[] }
  | { readonly of: 'string'; readonly items: readonly string[] };

/** A value in the metadata with its type. */
export type GgufValue =
  | { readonly type: GgufNumberType; readonly value: number }
  | { readonly type: 'uint64' | 'int64'; readonly value: bigint }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'string'; readonly value: string }
  | ({ readonly type: 'array' } & GgufArray);

/** The metadata in the order of the file. */
export type GgufMetadata = ReadonlyMap<string, GgufValue>;

/** How the values of a tensor are stored: how many share a block, and its bytes. */
export interface TensorType {
  readonly id: number;
  readonly blockValues: number;
  readonly blockBytes: number;
}

function tensorType(id: number, blockLength: number, blockBytes: number): TensorType {
  return { id, blockValues: blockLength, blockBytes };
}

/** ggml's tensor types by name, with the numbers that files have. */
export const tensorTypes = {
  F32: tensorType(0, 1, 4),
  F16: tensorType(1, 1, 2),
  Q4_0: tensorType(2, 32, 18),
  Q4_1: tensorType(3, 32, 20),
  Q5_0: tensorType(6, 32, 22),
  Q5_1: tensorType(7, 32, 24),
  Q8_0: tensorType(8, 32, 34),
  Q8_1: tensorType(9, 32, 40),
  Q2_K: tensorType(10, 256, 84),
  Q3_K: tensorType(11, 256, 110),
  Q4_K: tensorType(12, 256, 144),
  Q5_K: tensorType(13, 256, 176),
  Q6_K: tensorType(14, 256, 210),
  Q8_K: tensorType(15, 256, 292),
  IQ2_XXS: tensorType(16, 256, 66),
  IQ2_XS: tensorType(17, 256, 74),
  IQ3_XXS: tensorType(18, 256, 98),
  IQ1_S: tensorType(19, 256, 50),
  IQ4_NL: tensorType(20, 32, 18),
  IQ3_S: tensorType(21, 256, 110),
  IQ2_S: tensorType(22, 256, 82),
  IQ4_XS: tensorType(23, 256, 136),
  I8: tensorType(24, 1, 1),
  I16: tensorType(25, 1, 2),
  I32: tensorType(26, 1, 4),
  I64: tensorType(27, 1, 8),
  F64: tensorType(28, 1, 8),
  IQ1_M: tensorType(29, 256, 56),
  BF16: tensorType(30, 1, 2),
  TQ1_0: tensorType(34, 256, 54),
  TQ2_0: tensorType(35, 256, 66),
  MXFP4: tensorType(39, 32, 17),
  NVFP4: tensorType(40, 64, 36),
  Q1_0: tensorType(41, 128, 18),
} as const satisfies Record<string, TensorType>;

/** The name of a type of tensors, e.g. `Q8_0`. */
export type TensorTypeName = keyof typeof tensorTypes;

/** A tensor of a GGUF file. */
export interface GgufTensor {
  readonly name: string;
  /** The sizes of its dimensions, the one that is contiguous first: a matrix of `[rows, columns]` has `[columns, rows]`. */
  readonly dimensions: readonly number[];
  readonly type: TensorTypeName;
}

/** The bytes of a tensor's data. Its first dimension must be a whole number of blocks. */
export function tensorBytes({ dimensions, type }: Pick<GgufTensor, 'dimensions' | 'type'>): number {
  const { blockValues, blockBytes } = tensorTypes[type];
  return (dimensions.reduce((product, size) => product * size, 1) / blockValues) * blockBytes;
}

/** `offset`, or the next multiple of `alignment`. */
export function aligned(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}
