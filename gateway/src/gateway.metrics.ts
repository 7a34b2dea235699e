import { collectDefaultMetrics, Counter, Gauge } from 'prom-client';

/** Of the process as a whole: CPU, memory, event loop, start. Every process loads this file, whatever its roles. */
collectDefaultMetrics();

/** Counted in plain numbers, because several of these are on the path of every message; read when somebody asks. */
export const counts = {
  publishes: { telemetry: 0, event: 0, response: 0, other: 0 },
  records: 0,
  acknowledged: 0,
  droppedQos0: 0,
  heldTooLong: 0,
  doubtedTimes: 0,
  throttledSeconds: 0,
  held: 0,
  heldDevices: 0,
  connections: 0,
  ledgerReports: 0,
};

counter(
  'fieldgate_gateway_records_total',
  'Records that the log has of messages of devices: readings, condition events, answers to commands, wills, dead letters',
  () => counts.records,
);
counter(
  'fieldgate_gateway_acknowledged_total',
  'PUBLISHes answered after the log had them, while their connection lasted',
  () => counts.acknowledged,
);
counter(
  'fieldgate_gateway_dropped_qos0_total',
  'QoS 0 messages dropped because the log was away',
  () => counts.droppedQos0,
);
counter(
  'fieldgate_gateway_held_too_long_total',
  'Connections closed because the log was away for too long',
  () => counts.heldTooLong,
);
counter(
  'fieldgate_gateway_doubted_times_total',
  'Messages, and elements of arrays, with a ts that is not believed: filed under their arrival',
  () => counts.doubtedTimes,
);
counter(
  'fieldgate_gateway_throttled_seconds_total',
  'Seconds for the rest of which a device was not read, because it sent too fast; each device counts',
  () => counts.throttledSeconds,
);

counter(
  'fieldgate_gateway_held_connections_total',
  'Times that a device that published was not read for a moment, because too much waited for the log',
  () => counts.held,
);

counter(
  'fieldgate_gateway_ledger_reports_total',
  'Counters of connections that were appended for the ledger',
  () => counts.ledgerReports,
);

counter(
  'fieldgate_gateway_held_devices_total',
  'Times that one device was not read for a moment, because too much of its own waited for the log',
  () => counts.heldDevices,
);

export const publishesTotal = new Counter({
  name: 'fieldgate_gateway_publishes_total',
  help: 'PUBLISHes received, by what they carry',
  labelNames: ['kind'],
  collect() {
    this.reset();
    for (const [kind, count] of Object.entries(counts.publishes)) this.inc({ kind }, count);
  },
});

export const refusedTotal = new Counter({
  name: 'fieldgate_gateway_refused_total',
  help: 'What the gateway refused for good, by error code (docs/errors.md)',
  labelNames: ['code'],
});

export const connectsTotal = new Counter({
  name: 'fieldgate_gateway_connects_total',
  help: 'CONNECTs by outcome: accepted, or the error code of the refusal',
  labelNames: ['outcome'],
});

export const connectionErrorsTotal = new Counter({
  name: 'fieldgate_gateway_connection_errors_total',
  help: 'Connections that broke a rule of MQTT or WebSocket, or were silent too long',
});

export const subscriptionsRefusedTotal = new Counter({
  name: 'fieldgate_gateway_subscriptions_refused_total',
  help: 'Filters of SUBSCRIBEs that were refused, by error code (docs/errors.md)',
  labelNames: ['code'],
});

export const tlsErrorsTotal = new Counter({
  name: 'fieldgate_gateway_tls_errors_total',
  help: 'TLS handshakes that failed, by what went wrong',
  labelNames: ['kind'],
});

export const droppedConnectionsTotal = new Counter({
  name: 'fieldgate_gateway_dropped_connections_total',
  help: 'Connections closed at once because there were too many',
});

export const descriptorsExhaustedGauge = new Gauge({
  name: 'fieldgate_gateway_descriptors_exhausted',
  help: '1 while no file descriptor is left: each new connection is closed at once',
});

export const connectionsGauge = new Gauge({
  name: 'fieldgate_gateway_connections',
  help: 'Devices connected to this gateway now',
  collect() {
    this.set(counts.connections);
  },
});

export const commandStepsTotal = new Counter({
  name: 'fieldgate_gateway_command_steps_total',
  help: 'Steps of commands that this gateway wrote',
  labelNames: ['step'],
});

function counter(name: string, help: string, read: () => number): void {
  new Counter({
    name,
    help,
    collect() {
      this.reset();
      this.inc(read());
    },
  });
}
