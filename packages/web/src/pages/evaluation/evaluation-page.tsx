import { Once } from '../../parts/states.tsx';
import { useAnswer } from '../../service/use-answer.ts';

/** The page `Evaluation`. */
export default function EvaluationPage() {
  const loaded = useAnswer<unknown>('v1/runs?kind=evaluation');
  return (
    <>
      <h1>Evaluation</h1>
      <Once loaded={loaded} what="evaluations">
        {() => <p />}
      </Once>
    </>
  );
}
