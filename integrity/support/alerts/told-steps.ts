import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import type { Deployment } from '../deployment.js';
import { ADMIN_KEY } from '../fieldgate-process.js';

/** A step as it stands in the log, each as often as it stands there. */
export interface ToldStep {
  readonly id: string;
  readonly step: string;
  readonly deviceId: string;
  readonly rule: string;
}

interface AlertEvent {
  readonly id: string;
  readonly data: {
    readonly step: string;
    readonly alert: { readonly deviceId: string; readonly rule: string };
  };
}

/** All partitions from their first record on. */
const FROM_THE_START = 'a:0.0.0.0.0.0.0.0';
const GIVE_UP_MS = 30_000;

/** The steps of all alerts of these devices, up to and with the one that `isLast` says is the last of its device. */
export async function toldSteps(
  deployment: Deployment,
  devices: readonly string[],
  isLast: (step: ToldStep) => boolean,
): Promise<ToldStep[]> {
  const ofDevices = devices.map((id) => `device=${id}`).join('&');
  const path = `/v1/stream?topics=alerts&${ofDevices}&lastEventId=${FROM_THE_START}`;
  const response = await answerOf(deployment.httpOf('operator-api') + path);
  const open = new Set(devices);
  const steps: ToldStep[] = [];
  let rest = '';
  for await (const text of response.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      if (!line.startsWith('data: {"specversion"')) continue;
      const { id, data } = JSON.parse(line.slice('data: '.length)) as AlertEvent; // docs/http-api.md
      const step = { id, step: data.step, deviceId: data.alert.deviceId, rule: data.alert.rule };
      steps.push(step);
      if (isLast(step)) open.delete(step.deviceId);
    }
    if (open.size === 0) return steps; // leaving the loop closes the connection
  }
  throw new Error(`the stream ended; not seen to the end: ${[...open].join(', ')}`);
}

async function answerOf(url: string): Promise<IncomingMessage> {
  const request = get(url, {
    agent: false,
    headers: { authorization: `Bearer ${ADMIN_KEY}` },
    signal: AbortSignal.timeout(GIVE_UP_MS),
  });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode}`);
  return response;
}
