import type { SchemaElement } from 'hyparquet';
import { ByteWriter, parquetWriteRows } from 'hyparquet-writer';
import { writeNewFile, type NewFile } from '../../models/new-file.ts';
import type { TrainingRecord } from './training-record.ts';

/** Rows in a group: readers take a group at a time, and so does the writing. */
const groupRows = 1000;

const text = (name: string): SchemaElement => ({
  name,
  type: 'BYTE_ARRAY',
  converted_type: 'UTF8',
  logical_type: { type: 'STRING' },
  repetition_type: 'OPTIONAL',
});
const group = (name: string, children: number): SchemaElement => ({
  name,
  num_children: children,
  repetition_type: 'OPTIONAL',
});
/** A list's own two levels; its element follows. */
const list = (name: string): SchemaElement[] => [
  {
    name,
    num_children: 1,
    converted_type: 'LIST',
    logical_type: { type: 'LIST' },
    repetition_type: 'OPTIONAL',
  },
  { name: 'list', num_children: 1, repetition_type: 'REPEATED' },
];

/** The columns of a training set. */
const schema: SchemaElement[] = [
  { name: 'schema', num_children: 9 },
  text('id'),
  text('domain'),
  ...list('prompt'),
  group('element', 2),
  text('role'),
  text('content'),
  text('question'),
  ...list('positives'),
  text('element'),
  text('answer'),
  text('data_source'),
  group('reward_model', 2),
  text('style'),
  text('ground_truth'),
  group('extra_info', 5),
  text('split'),
  { name: 'index', type: 'INT64', repetition_type: 'OPTIONAL' },
  text('id'),
  text('domain'),
  text('url'),
];

const columns = [
  'id',
  'domain',
  'prompt',
  'question',
  'positives',
  'answer',
  'data_source',
  'reward_model',
  'extra_info',
].map((name) => ({ name }));

/** Writes a Parquet file of the records, in memory bounded by a group of them. */
export async function writeTrainingFile(path: string, records: AsyncIterable<TrainingRecord>): Promise<void> {
  await writeNewFile(path, async (file) => {
    await parquetWriteRows({
      writer: new FileWriter(file),
      rows: rowsOf(records),
      columns,
      schema,
      rowGroupSize: groupRows,
      createdBy: 'quern',
      // Of texts that are long and all different, the least and the greatest help no reader.
      statistics: false,
    });
  });
}

async function* rowsOf(records: AsyncIterable<TrainingRecord>): AsyncGenerator<Record<string, unknown>> {
  for await (const record of records) {
    const { extra_info: extra } = record;
    yield { ...record, extra_info: { ...extra, index: BigInt(extra.index) } };
  }
}

/** Hands on to a file what was written, whenever the Parquet writer lets go of it. */
class FileWriter extends ByteWriter {
  readonly #file: NewFile;

  constructor(file: NewFile) {
    super();
    this.#file = file;
  }

  async flush(): Promise<void> {
    const bytes = new Uint8Array(this.buffer, 0, this.index);
    await this.#file.write(bytes);
    this.index = 0;
  }

  override finish(): Promise<void> {
    return this.flush();
  }
}
