import { Once } from '../../parts/states.tsx';
import { useAnswer } from '../../service/use-answer.ts';

/** The page `Training`. */
export default function TrainingPage() {
  const loaded = useAnswer<unknown>('v1/runs?kind=training');
  return (
    <>
      <h1>Training</h1>
      <Once loaded={loaded} what="runs">
        {() => <p />}
      </Once>
    </>
  );
}
