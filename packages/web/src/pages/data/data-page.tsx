import { Once } from '../../parts/states.tsx';
import { useAnswer } from '../../service/use-answer.ts';

/** The page `Data`. */
export default function DataPage() {
  const loaded = useAnswer<unknown>('v1/config');
  return (
    <>
      <h1>Data</h1>
      <Once loaded={loaded} what="the service">
        {() => <p />}
      </Once>
    </>
  );
}
