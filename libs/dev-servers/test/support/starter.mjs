// Starts a server in a process of its own and obeys a test: `node starter.mjs <sources> <options as JSON>`. Prints one
// line of JSON when the server runs or could not be started, and one when it has ended. Closing standard input
// ends this process without a word to the server; the line `stop` stops the server first.
import { createInterface } from 'node:readline';

const [, , sources, options] = process.argv;
const { startPostgres } = await import(`${sources}/src/index.js`);
const report = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

try {
  const server = await startPostgres(JSON.parse(options));
  report(server);
  void server.exited.then((exit) => report({ exit }));
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === 'stop') await server.stop();
  }
} catch (error) {
  report({
    error: { name: error.name, code: error.code, message: error.message, pid: error.pid, path: error.path },
  });
}
