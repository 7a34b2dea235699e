import {
  alertStateRowSchema,
  alertStepSchema,
  cloudEventSchema,
  commandStepSchema,
  deadLetterRecordSchema,
  deviceRecordSchema,
  eventDataSchema,
  gatewayHeartbeatSchema,
  ledgerReportSchema,
  ledgerStateSchema,
  sessionRecordSchema,
  telemetryDataSchema,
  type LogTopic,
} from '@fieldgate/contracts';
import { z } from 'zod';

interface LogMessage {
  readonly summary: string;
  readonly key: string;
  /** The member `data` of the CloudEvent. */
  readonly data: z.ZodType;
}

/** What the records of each topic say; every topic must be here. */
export const LOG_MESSAGES: Readonly<Record<LogTopic, LogMessage>> = {
  'fieldgate.telemetry.v1': { summary: 'Readings of a device', key: 'device id', data: telemetryDataSchema },
  'fieldgate.events.v1': {
    summary: 'Condition events of devices; connected and disconnected',
    key: 'device id',
    data: eventDataSchema,
  },
  'fieldgate.alerts.v1': { summary: 'Steps of alerts', key: 'device id', data: alertStepSchema },
  'fieldgate.alert-states.v1': {
    summary: 'Open alerts, acknowledgements, and the rules in force',
    key: '<device>/<rule>, <device>/<rule>/acknowledged or ~rules',
    data: alertStateRowSchema,
  },
  'fieldgate.alert-checkpoints.v1': {
    summary: 'What the alert rules remember; for the alerts group alone',
    key: '<device>/<source>, or of a partition; large rows come in pieces, with /piece/<version>/<index> behind it',
    data: z.unknown(),
  },
  'fieldgate.commands.v1': { summary: 'Steps of commands', key: 'device id', data: commandStepSchema },
  'fieldgate.devices.v1': { summary: 'The registry', key: 'device id', data: deviceRecordSchema },
  'fieldgate.sessions.v1': { summary: 'MQTT sessions', key: 'device id', data: sessionRecordSchema },
  'fieldgate.gateways.v1': {
    summary: 'Heartbeats of gateways',
    key: '<gateway>/<run>',
    data: gatewayHeartbeatSchema,
  },
  'fieldgate.dead-letters.v1': {
    summary: 'What was refused for good',
    key: 'device id',
    data: deadLetterRecordSchema.shape.data,
  },
  'fieldgate.ledger.v1': {
    summary: 'What gateways have counted of each connection, cumulative',
    key: 'device id',
    data: ledgerReportSchema,
  },
  'fieldgate.ledger-states.v1': {
    summary: 'The ledger of each device, and how far it has come',
    key: 'device id, or ~lane/<partition> or ~claim/<partition>',
    data: ledgerStateSchema,
  },
};

/** The whole value: one CloudEvents 1.0 JSON object. */
export function recordSchemaOf(topic: LogTopic): z.ZodType {
  return cloudEventSchema.extend({ type: z.literal(topic), data: LOG_MESSAGES[topic].data });
}
