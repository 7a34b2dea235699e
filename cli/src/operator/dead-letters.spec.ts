import { expect, it, jest } from '@jest/globals';
import { Command } from 'commander';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { addDeadLettersCommands } from './dead-letters.js';

/** What `dead-letters redrive 0-1` prints when the API answers this. */
async function printed(answer: object): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo; // it listens on TCP
  const write = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    const program = new Command();
    addDeadLettersCommands(program);
    const where = ['--http', `http://127.0.0.1:${port}`, '--admin-key', 'key'];
    await program.parseAsync(['dead-letters', 'redrive', '0-1'].concat(where), { from: 'user' });
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
    server.close();
  }
}

it('says how many records a letter of several elements has become', async () => {
  const redriven = { id: '0-1', outcome: 'redriven', topic: 'fieldgate.telemetry.v1' };
  expect(await printed({ ...redriven, records: 12 })).toMatch(/\n0-1 +redriven +12 records\n$/);
  expect(await printed(redriven)).toMatch(/\n0-1 +redriven +-\n$/);
});
