import { CopyButton } from '../../parts/copy-button.tsx';
import { addressOf } from '../../service/client.ts';
import { token } from '../../service/token.ts';
import { searchBody, type Choices, type Served } from './choices.ts';
import { commandLine, curlCall, fetchCall } from './commands.ts';

/** How what is on screen is had by other ways. */
export function Elsewhere({ choices, served }: { readonly choices: Choices; readonly served: Served }) {
  const body = searchBody(choices);
  const url = addressOf('v1/search');
  const hasToken = token() !== undefined;
  const { text, isNamed } = commandLine(choices, served);
  const ways = [
    {
      key: 'command',
      title: 'Command line',
      code: text,
      note: isNamed
        ? 'With the names of this service: put the paths that they stand for, which the service keeps to itself, in their place.'
        : 'Deadlines, gates, prices and seeds that the service declares are not in it.',
    },
    { key: 'curl', title: 'curl', code: curlCall(url, body, hasToken) },
    { key: 'fetch', title: 'JavaScript', code: fetchCall(url, body, hasToken) },
  ];
  return (
    <details class="ways card">
      <summary>
        <h2>The same from elsewhere</h2>
        <span class="note">command line, curl, JavaScript</span>
      </summary>
      {ways.map(({ key, title, code, note }) => (
        <section key={key} class="way">
          <div class="way-head">
            <h3>{title}</h3>
            <CopyButton
              text={() => code}
              label={`Copy ${title === 'Command line' ? 'the command' : title}`}
            />
          </div>
          <pre data-way={key} tabIndex={0}>
            <code>{code}</code>
          </pre>
          {note !== undefined && <p class="note">{note}</p>}
        </section>
      ))}
    </details>
  );
}
