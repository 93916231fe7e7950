/** A thread that ends its process as soon as the process that started it is gone, which is when its end of stdin closes. */
import { Socket } from 'node:net';

new Socket({ fd: 0 }).on('close', () => process.kill(process.pid, 'SIGKILL')).resume();
