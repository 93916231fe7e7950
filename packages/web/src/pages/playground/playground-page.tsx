import { Once } from '../../parts/states.tsx';
import { useAnswer } from '../../service/use-answer.ts';

/** The page `Playground`. */
export default function PlaygroundPage() {
  const loaded = useAnswer<unknown>('v1/config');
  return (
    <>
      <h1>Playground</h1>
      <Once loaded={loaded} what="the service">
        {() => <p />}
      </Once>
    </>
  );
}
