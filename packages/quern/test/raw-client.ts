import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A connection on which what is no proper request can be sent, too. */
export interface RawClient {
  readonly socket: Socket;
  /** What has come so far. */
  readonly received: () => string;
  /** Resolves to all that came once the connection is over. */
  readonly ended: Promise<string>;
}

/** Connects to a port of this machine, and sends something. */
export function rawClient(port: number, sent: string): RawClient {
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  let text = '';
  socket.setEncoding('latin1');
  socket.on('data', (piece: string) => (text += piece));
  socket.on('error', () => undefined);
  const ended = new Promise<string>((resolve) => socket.on('close', () => resolve(text)));
  socket.write(sent);
  return { socket, received: () => text, ended };
}

/** The head of a request as it is written, nothing of its path changed. */
export function requestHead(
  method: string,
  path: string,
  headers: Readonly<Record<string, string | number>>,
): string {
  const lines = Object.entries({ host: 'localhost', ...headers }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`;
}
