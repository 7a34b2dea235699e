import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AttackedLabBroker } from './support/conformance/attacked-lab-broker.js';
import {
  AttackedGateway,
  HEAP_OF_THE_ATTACKED,
  type AttackedServer,
} from './support/conformance/attacked-server.js';
import { CONNECTIONS_OF_THE_ATTACKED } from './support/conformance/attacks-over-websocket.js';
import { HOSTILE_CLIENTS } from './support/conformance/hostile-clients.js';
import { HostileTarget } from './support/conformance/hostile-target.js';
import { Witness } from './support/conformance/witness.js';
import { Deployment } from './support/deployment.js';

const WITNESS = 'uninvolved';
/** More connections than any attack but one needs. */
const SETTINGS = {
  ...HEAP_OF_THE_ATTACKED,
  FIELDGATE_MQTT_WS_PORT: '0',
  FIELDGATE_MQTT_MAX_CONNECTIONS: String(CONNECTIONS_OF_THE_ATTACKED),
};
/** Of the uninvolved client's messages: what a busy machine takes, and no attack. */
const ACKNOWLEDGED_WITHIN_MS = 3_000;
/** Of the server, on any machine, while one of those waits. */
const WORK_MS = 1_000;

describe.each<[string, 'log-in' | 'open', () => Promise<AttackedServer>]>([
  ['the gateway', 'log-in', async () => new AttackedGateway(await Deployment.embedded(SETTINGS))],
  ['the lab broker', 'open', () => AttackedLabBroker.started()],
])('%s survives, and others notice nothing of, a client that', (_name, kind, start) => {
  let server: AttackedServer;
  let target: HostileTarget;
  let witness: Witness;

  beforeAll(async () => {
    server = await start();
    witness = await Witness.connected(server, WITNESS);
  }, 60_000);
  /** Each case is judged by itself: one that ends the server must not fail the next. */
  beforeEach(async () => {
    if (!(await witness.isServed())) {
      await server.restart();
      witness = await Witness.connected(server, WITNESS);
    }
    target = new HostileTarget(server, WITNESS);
  }, 60_000);
  afterEach(() => target.close());
  afterAll(async () => {
    witness?.close();
    await server?.stop();
  }, 60_000);

  const cases = HOSTILE_CLIENTS.filter(({ only = kind }) => only === kind);
  it.each(cases.map((hostile) => [hostile.id, hostile.title, hostile] as const))(
    '(%s) %s',
    async (_id, _title, hostile) => {
      const attacked = hostile.attack(target);
      const [outcome, watched] = await Promise.allSettled([attacked, witness.whileItLasts(attacked)]);
      expect(
        [outcome, watched].flatMap((each) => (each.status === 'rejected' ? [String(each.reason)] : [])),
      ).toEqual([]);
      expect(witness.longestWaitMs).toBeLessThan(ACKNOWLEDGED_WITHIN_MS);
      expect(witness.mostWorkMs).toBeLessThan(WORK_MS);
    },
    120_000,
  );
});
