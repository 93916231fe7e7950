import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection of its own, whose bytes a test writes and reads. */
export class RawConnection {
  readonly socket: Socket;
  received = '';
  /** Resolves when the server has ended its side, or broken the connection off. */
  readonly ended: Promise<void>;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => (this.received += text));
    socket.on('error', () => undefined);
    this.ended = new Promise((resolve) => {
      socket.on('end', resolve);
      socket.on('close', () => resolve());
    });
  }

  /** Connects, and leaves its own end open when the server ends. */
  static async to(port: number, host = '127.0.0.1'): Promise<RawConnection> {
    const socket = connect({ port, host, allowHalfOpen: true });
    const connection = new RawConnection(socket);
    await once(socket, 'connect');
    return connection;
  }

  write(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** Resolves when what came matches. */
  async until(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.received)) {
      if (this.socket.destroyed) throw new Error(`ended after ${JSON.stringify(this.received)}`);
      await Promise.race([once(this.socket, 'data'), once(this.socket, 'close'), this.ended]);
    }
  }
}

/** What comes of bytes that are sent as they are, up to the end of the connection. */
export async function rawAnswer(port: number, text: string): Promise<string> {
  const connection = await RawConnection.to(port);
  connection.write(text);
  await connection.ended;
  connection.socket.destroy();
  return connection.received;
}

/** A request as text: its first line, its headers and its body, after which the connection ends. */
export function requestText(line: string, headers: Readonly<Record<string, string>> = {}, body = ''): string {
  const all = { host: 'localhost', connection: 'close', ...headers };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n${body}`;
}

/** The status of an answer. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1]);
}
