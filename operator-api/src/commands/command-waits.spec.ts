import { CommandsView } from '@fieldgate/commit-log';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { register } from 'prom-client';
import { ApiUnderTest } from '../testing/api-under-test.js';
import { CommandWaits } from './command-waits.js';

const SEND = 'POST /v1/devices/pump-7/commands';
let api: ApiUnderTest;

beforeEach(async () => {
  api = await (await new ApiUnderTest().start()).ready();
  await api.call('POST /v1/devices', { id: 'pump-7' });
  await api.device('pump-7').connect();
});

afterEach(() => api.stop());

async function waits(): Promise<number | undefined> {
  const metric = await register.getSingleMetric('fieldgate_http_command_waits')?.get();
  return metric?.values[0]?.value;
}

/** A command of which nobody waits. */
async function openCommand(): Promise<NonNullable<ReturnType<CommandsView['get']>>> {
  const { body } = await api.call(SEND, { name: 'reboot' });
  const command = api.get(CommandsView).get((body as { id: string }).id); // every command has one
  if (!command) throw new Error('the command is not there');
  return command;
}

it('forgets a caller who has gone', async () => {
  const command = await openCommand();
  const gone = new AbortController();
  const waiting = api.get(CommandWaits).untilFinal(command, 60_000, gone.signal);
  expect(await waits()).toBe(1);
  gone.abort();
  await waiting;
  expect(await waits()).toBe(0);
});

it('is freed when the connection closes', async () => {
  const aborted = new AbortController();
  const requested = api.requested();
  const waiting = api.call(SEND, { name: 'reboot' }, { prefer: 'wait=60' }, aborted.signal);
  await requested;
  aborted.abort();
  await expect(waiting).rejects.toThrow('abort');
  await api.stop(); // waits for every request in hand
  expect(await waits()).toBe(0);
});

it('lets go of everybody when the process stops', async () => {
  const requested = api.requested();
  const waiting = api.call(SEND, { name: 'reboot' }, { prefer: 'wait=60' });
  await requested;
  await api.stop();
  expect(await waiting).toMatchObject({ status: 202 });
});

it('refuses to wait for more than it has room for, before anything is sent', async () => {
  const command = await openCommand();
  const gone = new AbortController();
  const crowd = Array.from({ length: 2_000 }, () =>
    api.get(CommandWaits).untilFinal(command, 60_000, gone.signal),
  );
  const answer = await api.call(SEND, { name: 'reboot' }, { prefer: 'wait=10' });
  expect(answer).toMatchObject({ status: 503, body: { code: 'too-many-requests' } });
  expect((await api.call('GET /v1/commands?state=requested')).body).toMatchObject({
    commands: [{ id: command.id }],
  });
  gone.abort();
  await Promise.all(crowd);
});
