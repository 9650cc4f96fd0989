import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { startPostgres } from '../src/index.ts';
import { findFreePort } from '../src/server/free-port.ts';

jest.mock('../src/server/free-port.ts', () => ({ findFreePort: jest.fn() }));

it('a port that is taken after it was found free is given up for another', async () => {
  const faster = createServer().listen(0, '127.0.0.1');
  await once(faster, 'listening');
  const { port } = faster.address() as AddressInfo;
  const real = jest.requireActual<{ findFreePort: typeof findFreePort }>('../src/server/free-port.ts');
  jest
    .mocked(findFreePort)
    .mockImplementation(real.findFreePort)
    .mockResolvedValueOnce(port)
    .mockResolvedValueOnce(port);
  const server = await startPostgres();

  expect(findFreePort).toHaveBeenCalledTimes(3);
  expect(server.port).not.toBe(port);
  await server.stop();
  faster.close();
});
