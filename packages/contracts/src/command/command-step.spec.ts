import { describe, expect, it } from '@jest/globals';
import {
  answerStep,
  decodeCommandStep,
  encodeCommandStep,
  type CommandBody,
  type CommandStep,
} from './command-step.js';

const common = { commandId: 'cmd-1', deviceId: 'pump-7', at: 1_795_210_200_123 };
const attempt = { gateway: 'gw-1', connection: 'c1', attempt: 1 };
const BODIES: CommandBody[] = [
  { encoding: 'none' },
  { encoding: 'json', json: null },
  { encoding: 'json', json: { nested: [1, 'ü'] } },
  { encoding: 'text', text: 'naïve\n' },
  { encoding: 'base64', base64: '/wA=' },
];
const STEPS: CommandStep[] = [
  {
    step: 'requested',
    ...common,
    name: 'reboot',
    params: { deep: { er: [true, null] } },
    mode: 'interactive',
    ttlMs: 1,
    timeoutMs: 2,
    requestedBy: 'admin',
    bodyHash: 'abc',
  },
  { step: 'sent', ...common, ...attempt, qos: 1 },
  { step: 'delivered', ...common, ...attempt },
  ...BODIES.map(succeededWith),
  { step: 'in-progress', ...common, status: 102, body: { encoding: 'none' } },
  { step: 'failed', ...common, status: 503, body: { encoding: 'none' } },
  { step: 'rejected', ...common, status: 404, body: { encoding: 'none' } },
  { step: 'timed-out', ...common, detail: 'no answer in 2 ms' },
  { step: 'expired', ...common, detail: 'd' },
  { step: 'undeliverable', ...common, detail: 'd' },
  { step: 'cancelled', ...common, detail: 'd' },
];

function succeededWith(body: CommandBody): CommandStep {
  return { step: 'succeeded', ...common, status: 200, body };
}

describe('records of command steps', () => {
  it.each(STEPS.map((step) => [step.step, step] as const))('bring back "%s" as it was', (_, step) => {
    expect(decodeCommandStep(encodeCommandStep(step, 'e1'))).toEqual(step);
  });

  it('take a request without parameters', () => {
    const request = STEPS[0];
    const back = decodeCommandStep(encodeCommandStep({ ...request, params: undefined } as CommandStep, 'e1')); // the first is the request
    expect(back).toMatchObject({ step: 'requested', commandId: 'cmd-1' });
  });

  it('are CloudEvents about the device, from the command', () => {
    const event: unknown = JSON.parse(
      Buffer.from(encodeCommandStep(STEPS[1] as CommandStep, 'e1')).toString(),
    ); // there are more than two
    expect(event).toEqual({
      specversion: '1.0',
      type: 'fieldgate.commands.v1',
      source: '/commands/cmd-1',
      subject: 'pump-7',
      id: 'e1',
      time: '2026-11-20T21:30:00.123Z',
      receivedtime: '2026-11-20T21:30:00.123Z',
      datacontenttype: 'application/json',
      data: STEPS[1],
    });
  });

  it.each(['', 'no json', '{}', '[]', 'null', '{"specversion":"1.0","type":"fieldgate.commands.v1"}'])(
    'are refused when they are not ours: %j',
    (text) => {
      expect(decodeCommandStep(Buffer.from(text))).toMatchObject({
        kind: 'rejection',
        code: 'record-unreadable',
      });
    },
  );

  it('are refused with a step that does not exist', () => {
    const text = Buffer.from(encodeCommandStep(STEPS[1] as CommandStep, 'e1')).toString(); // there are more than two
    const wrong = Buffer.from(text.replace('"step":"sent"', '"step":"teleported"'));
    expect(decodeCommandStep(wrong)).toMatchObject({ kind: 'rejection', code: 'record-unreadable' });
  });
});

describe('answerStep', () => {
  it.each([
    [102, 'in-progress'],
    [200, 'succeeded'],
    [299, 'succeeded'],
    [400, 'rejected'],
    [499, 'rejected'],
    [500, 'failed'],
    [599, 'failed'],
  ])('takes %i for %s', (status, step) => {
    expect(answerStep(status)).toBe(step);
  });

  it.each([0, 99, 100, 101, 103, 199, 300, 399, 600, -200, Number.NaN])('has no step for %i', (status) => {
    expect(answerStep(status)).toBeUndefined();
  });
});
