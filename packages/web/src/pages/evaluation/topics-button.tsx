import { useState } from 'preact/hooks';
import { saveFile } from '../../parts/save-file.ts';
import { sentence } from '../../parts/states.tsx';
import { fileName } from './names.tsx';
import type { Column, System } from './systems.ts';
import { topicsCsv, type MeasuredColumn } from './table-csv.ts';
import { topicValues } from './topic-values.ts';

/** Reads the values of all topics of a table, and hands them over as CSV. */
export function TopicsButton({
  systems,
  columns,
  measure,
}: {
  readonly systems: readonly System[];
  readonly columns: readonly Column[];
  readonly measure: string;
}) {
  const [said, setSaid] = useState('');
  const [isReading, setReading] = useState(false);
  const save = async (): Promise<void> => {
    setSaid('Reading topics …');
    setReading(true);
    try {
      const measured: MeasuredColumn[] = [];
      for (const { key } of columns) {
        const values = [];
        for (const { runs } of systems) {
          const run = runs.get(key);
          values.push(run && (await topicValues(run)));
        }
        measured.push({ collection: key, values });
      }
      saveFile(
        fileName('csv', 'evaluation', measure, 'topics'),
        topicsCsv(systems, measured, measure),
        'text/csv',
      );
      setSaid('');
    } catch (error) {
      setSaid(sentence((error as Error).message));
    } finally {
      setReading(false);
    }
  };
  return (
    <>
      <button type="button" disabled={isReading} onClick={() => void save()}>
        Topics as CSV
      </button>
      <span class="note" role="status">
        {said}
      </span>
    </>
  );
}
