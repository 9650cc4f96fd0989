// Holds one server for as long as the process that started this one lives. That process keeps the other end of
// our standard input, so its end - clean, crash, Ctrl-C or SIGKILL - closes the pipe, and the server is stopped.
//
//   holding --stdin closed--> stopping --server gone--> [remove the directory] --> exit
//      \------server gone by itself--------------------------------------------> exit (nothing is removed:
//                                                         the starter still wants to read the log)
//
// Exit code: the server's own; 128 + the number of the signal when a signal ended it.
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { constants } from 'node:os';

const { command, args, user, stopSignal, patienceMs, removeOnStop } = JSON.parse(process.argv[2]);

// Only the pipe counts: a signal to the whole terminal must not stop us before the server.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});

const server = spawn(command, args, {
  ...user,
  cwd: '/',
  stdio: ['ignore', 'inherit', 'inherit'],
  windowsHide: true,
});
let stopping = false;

server.on('error', (error) => {
  process.stderr.write(`${error.message}\n`);
  end(127);
});
server.on('exit', (code, signal) => end(code ?? 128 + constants.signals[signal]));

process.stdin
  .resume()
  .on('error', () => {})
  .on('close', () => {
    stopping = true;
    server.kill(stopSignal);
    setTimeout(() => server.kill('SIGQUIT'), patienceMs);
    setTimeout(() => server.kill('SIGKILL'), 2 * patienceMs);
  });

function end(code) {
  if (stopping && removeOnStop) rmSync(removeOnStop, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code);
}
