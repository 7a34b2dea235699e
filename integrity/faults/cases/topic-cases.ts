import { randomBytes } from 'node:crypto';
import kafkajs, { type AclEntry } from 'kafkajs';
import { checkRefused, deadLettersFromNow } from '../dead-letters.js';
import { lagOf, TELEMETRY } from '../evidence.js';
import type { FaultCase } from '../fault-case.js';
import { bridged, down } from './kafka-faults.js';
import { reachesState } from './spool-faults.js';

const SETTLES_WITHIN_MS = 60_000;
/** Until every broker knows of a changed setting. */
const CONFIGURED_MS = 1_000;
const LARGEST_BYTES = 20_000;
/** By itself more than the topic takes, also when it is compressed; no text may be longer. */
const LARGE = Object.fromEntries(
  Array.from({ length: 30 }, (_, index) => [`text${index}`, randomBytes(750).toString('base64')]),
);

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;

/** Topics that are not as Fieldgate wants them. What they were is restored after every case (`TelemetryTopic`). */
export const topicCases: readonly FaultCase[] = [
  {
    name: 'F11',
    title: 'not enough replicas: min.insync.replicas 3 with one of three brokers down, 10 s',
    takesMs: 24_000,
    devicesStay: true,
    async run(context) {
      const { services, between } = context;
      const one = down(services, [between(0, 2)]);
      await services.topic.set('min.insync.replicas', '3');
      await bridged(
        context,
        {
          begin: () => one.begin(),
          end: async () => {
            await services.topic.restore();
            await one.end();
          },
        },
        10_000,
      );
    },
  },
  {
    name: 'F12',
    title: 'messages too large for the topic among good ones, 5 s',
    promise: 'when a neighbour in the batch is too large for the topic',
    takesMs: 12_000,
    load: { badReadings: (n) => (n % 23 === 7 ? LARGE : undefined) },
    async run(context) {
      const { services, load, wait, reaches, faultEnded } = context;
      await services.topic.set('max.message.bytes', String(LARGEST_BYTES));
      await wait(CONFIGURED_MS);
      const refused = await deadLettersFromNow(context, 'gateways');
      load.mixesInBad = true;
      await wait(5_000);
      load.mixesInBad = false;
      load.pause(); // the limit stands until Kafka has answered all of them, also those that were spooled
      await reaches('everything is answered', () => load.unanswered === 0, SETTLES_WITHIN_MS);
      await reachesState(context, 'direct');
      checkRefused(context, await refused(), { code: 'record-refused', detail: /MESSAGE_TOO_LARGE/ });
      await services.topic.restore();
      load.resume();
      faultEnded();
    },
  },
  {
    name: 'F13',
    title: 'the telemetry topic deleted under load, and made again after 8 s',
    takesMs: 20_000,
    devicesStay: true,
    async run(context) {
      const { services, load, reaches, logBeginsAnew } = context;
      load.pause(); // what nobody has read is lost with the topic, and rightly
      await reaches('nothing is in flight', () => load.unanswered === 0, SETTLES_WITHIN_MS);
      const stored = async (): Promise<boolean> => (await lagOf(services.admin, 'fieldgate.storage')) === 0;
      await reaches('everything in the topic is stored', stored, SETTLES_WITHIN_MS);
      await bridged(
        context,
        {
          begin: async () => {
            await services.topic.delete();
            logBeginsAnew();
            load.resume();
          },
          end: async () => {
            await services.topic.restore();
            await services.cluster.untilInSync();
          },
        },
        8_000,
      );
    },
  },
  {
    name: 'F19',
    title: 'the telemetry topic forbidden by an ACL: writing for 8 s, then everything for 8 s',
    takesMs: 45_000,
    devicesStay: true,
    // one node: a quorum of several needs a super user before it knows its ACLs, and whoever is one is denied nothing
    services: {
      nodes: 1,
      properties: {
        'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
        'allow.everyone.if.no.acl.found': 'true',
      },
    },
    async run(context) {
      const { services, wait, between } = context;
      const admin = services.kafka.admin(); // one that has asked for the topic before asks for it with every request
      await admin.connect();
      // a topic with an ACL denies what none allows
      await admin.createAcls({ acl: [aclOf(AclOperationTypes.ALL, AclPermissionTypes.ALLOW)] });
      for (const operation of [AclOperationTypes.WRITE, AclOperationTypes.ALL]) {
        const denial = aclOf(operation, AclPermissionTypes.DENY);
        await wait(between(500, 2_000));
        await bridged(
          context,
          {
            begin: () => admin.createAcls({ acl: [denial] }),
            end: () => admin.deleteAcls({ filters: [denial] }),
          },
          8_000,
        );
      }
      await admin.disconnect();
    },
  },
];

function aclOf(operation: AclEntry['operation'], permissionType: AclEntry['permissionType']): AclEntry {
  return {
    resourceType: AclResourceTypes.TOPIC,
    resourceName: TELEMETRY,
    resourcePatternType: ResourcePatternTypes.LITERAL,
    principal: 'User:ANONYMOUS',
    host: '*',
    operation,
    permissionType,
  };
}
