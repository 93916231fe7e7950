import { connect, type Socket } from 'node:net';

/** Clients that mean no good, and what became of them. */
export interface HostileClients {
  /** How many connections the service has ended, and the statuses that it sent before, by kind. */
  outcomes(): ReadonlyMap<
    string,
    { readonly opened: number; readonly ended: number; readonly statuses: ReadonlyMap<string, number> }
  >;
  stop(): void;
}

const json = 'Content-Type: application/json\r\n';

/** What each kind sends at once, and after that a byte each second. */
const kinds: Readonly<
  Record<string, { readonly count: number; readonly first: string; readonly rest: string }>
> = {
  'a byte a second, of the head': { count: 50, first: 'POST /v1/search HT', rest: 'TP/1.1 and more of it' },
  'a byte a second, of the body': {
    count: 50,
    first: `POST /v1/search HTTP/1.1\r\nHost: localhost\r\n${json}Content-Length: 1000\r\n\r\n{"query"`,
    rest: ': "why does it take so long',
  },
  'idle connections': { count: 1000, first: '', rest: '' },
  'a head of 64 KiB': {
    count: 20,
    first: `GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(65_536)}\r\n\r\n`,
    rest: '',
  },
  'JSON of 50,000 levels': { count: 20, first: posted('['.repeat(50_000) + ']'.repeat(50_000)), rest: '' },
  'a body that is too large': {
    count: 20,
    first: `POST /v1/search HTTP/1.1\r\nHost: localhost\r\n${json}Content-Length: 999999999\r\n\r\n`,
    rest: '',
  },
  'another content type': {
    count: 20,
    first:
      'POST /v1/search HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: 4\r\n\r\n<a/>',
    rest: '',
  },
  'no HTTP': { count: 20, first: '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\r\n\r\n', rest: '' },
};

function posted(body: string): string {
  return `POST /v1/search HTTP/1.1\r\nHost: localhost\r\n${json}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** Opens all of them. */
export function hostileClients(port: number): HostileClients {
  const sockets: Socket[] = [];
  const found = new Map<string, { opened: number; ended: number; statuses: Map<string, number> }>();
  const timers: NodeJS.Timeout[] = [];
  for (const [kind, { count, first, rest }] of Object.entries(kinds)) {
    const outcome = { opened: 0, ended: 0, statuses: new Map<string, number>() };
    found.set(kind, outcome);
    for (let i = 0; i < count; i++) {
      const socket = connect(port, '127.0.0.1', () => {
        outcome.opened++;
        if (first !== '') socket.write(first);
      });
      let at = 0;
      const timer = setInterval(() => {
        if (at < rest.length && socket.writable) socket.write(rest[at++]);
      }, 1000);
      timers.push(timer);
      socket.on('data', (data) => {
        const status = /^HTTP\/1\.1 (\d+)/.exec(data.toString('latin1'))?.[1];
        if (status !== undefined) outcome.statuses.set(status, (outcome.statuses.get(status) ?? 0) + 1);
      });
      socket.on('error', () => undefined);
      socket.once('close', () => {
        outcome.ended++;
        clearInterval(timer);
      });
      sockets.push(socket);
    }
  }
  return {
    outcomes: () => found,
    stop() {
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets) socket.destroy();
    },
  };
}
