/** ONNX files, as far as tiny models need them: graphs of nodes with constant tensors, written as protocol buffers. */

type Field = readonly [number: number, value: number | string | Uint8Array];

/** A node: `[operator, inputs, outputs, integer attributes]`. */
export type OnnxNode = readonly [
  string,
  readonly string[],
  readonly string[],
  Readonly<Record<string, number>>?,
];

/** A constant, of 32-bit floats or of 64-bit integers. */
export interface OnnxConstant {
  readonly name: string;
  readonly dims: readonly number[];
  readonly values: Float32Array | BigInt64Array;
}

/** What goes into a graph or comes out of it; a dimension that is a text is free. */
export interface OnnxValue {
  readonly name: string;
  readonly type: 'float' | 'int64';
  readonly dims: readonly (number | string)[];
}

export interface OnnxGraph {
  readonly nodes: readonly OnnxNode[];
  readonly constants: readonly OnnxConstant[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
}

const types = { float: 1, int64: 7 };

/** The bytes of an ONNX file of operator set 13. Field numbers are those of onnx.proto. */
export function onnxFile({ nodes, constants, inputs, outputs }: OnnxGraph): Uint8Array {
  const graph = message([
    ...nodes.map((node): Field => [1, nodeMessage(node)]),
    [2, 'tiny'],
    ...constants.map((constant): Field => [5, tensorMessage(constant)]),
    ...inputs.map((value): Field => [11, valueMessage(value)]),
    ...outputs.map((value): Field => [12, valueMessage(value)]),
  ]);
  return message([
    [1, 8],
    [7, graph],
    [
      8,
      message([
        [1, ''],
        [2, 13],
      ]),
    ],
  ]);
}

function nodeMessage([operator, inputs, outputs, attributes = {}]: OnnxNode): Uint8Array {
  return message([
    ...inputs.map((name): Field => [1, name]),
    ...outputs.map((name): Field => [2, name]),
    [4, operator],
    ...Object.entries(attributes).map(([name, value]): Field => [
      5,
      message([
        [1, name],
        [3, value],
        [20, 2],
      ]),
    ]),
  ]);
}

function tensorMessage({ name, dims, values }: OnnxConstant): Uint8Array {
  const { buffer, byteOffset, byteLength } = values;
  return message([
    ...dims.map((dim): Field => [1, dim]),
    [2, values instanceof Float32Array ? types.float : types.int64],
    [8, name],
    [9, new Uint8Array(buffer, byteOffset, byteLength)],
  ]);
}

function valueMessage({ name, type, dims }: OnnxValue): Uint8Array {
  const shape = message(
    dims.map((dim): Field => [1, message([typeof dim === 'number' ? [1, dim] : [2, dim]])]),
  );
  const tensor = message([
    [1, types[type]],
    [2, shape],
  ]);
  return message([
    [1, name],
    [2, message([[1, tensor]])],
  ]);
}

function message(fields: readonly Field[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap(([number, value]) => {
      if (typeof value === 'number') return [varint(number << 3), varint(value)];
      const bytes = typeof value === 'string' ? Buffer.from(value) : value;
      return [varint((number << 3) | 2), varint(bytes.length), bytes];
    }),
  );
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ;) {
    if (rest < 128) return Uint8Array.from([...bytes, rest]);
    bytes.push((rest % 128) + 128);
    rest = Math.floor(rest / 128);
  }
}
