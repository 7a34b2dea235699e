import type { Duplex } from 'node:stream';
import type { SessionRecord } from '@fieldgate/contracts';
import { checkLimits, DEFAULT_LIMITS, SessionState, type EndReason, type Limits } from '@fieldgate/mqtt-edge';
import { RepeatedLines, type Clock, type Logger } from '@fieldgate/service';
import type { GatewayConfig } from '../gateway.config.js';
import { connectionErrorsTotal, droppedConnectionsTotal } from '../gateway.metrics.js';
import { DeviceShares } from '../ingest/device-share.js';
import type { ResumedSession } from '../sessions/newest-sessions.js';
import { CONNECT_PACKET_BYTES } from './connect-packet-bytes.js';
import { ConnectionLines } from './connection-lines.js';
import { DeviceConnection, type Surroundings } from './device-connection.js';
import type { DevicePort } from './device-port.js';
import { UnreleasedIds } from './unreleased-ids.js';

const TICK_MS = 1_000;
/** Commands that wait for one device's window; DeliverCommands takes no more than 64 anyway. */
const QUEUE_MAXIMUM = 128;
/** How long clients have to take the DISCONNECT of a gateway that stops. */
const GOODBYE_MS = 1_000;

/** Ends that are counted as errors: a rule of MQTT broken, or time over. */
const BROKEN: ReadonlySet<EndReason> = new Set([
  'protocol-error',
  'keep-alive-timeout',
  'connect-timeout',
  'drain-timeout',
]);

/** All MQTT connections of a gateway: which of them is a device's own, what outlives them, and the time. */
export class DeviceConnections {
  private readonly all = new Set<DeviceConnection>();
  private readonly ofDevice = new Map<string, DeviceConnection>();
  private readonly unreleased: UnreleasedIds;
  private readonly surroundings: Surroundings;
  private timer: NodeJS.Timeout | undefined;
  private isHeld = false;

  constructor(
    private readonly config: Pick<
      GatewayConfig,
      'gatewayId' | 'maxPacketBytes' | 'maxConnections' | 'maxMessagesPerSecond' | 'maxInFlightPerDevice'
    >,
    port: DevicePort,
    private readonly clocks: { readonly epoch: Clock; readonly monotonic: Clock },
    logger: Logger,
  ) {
    const limits: Limits = checkLimits({
      ...DEFAULT_LIMITS,
      maximumPacketSize: config.maxPacketBytes,
      connectPacketSize: CONNECT_PACKET_BYTES,
      queueMaximum: QUEUE_MAXIMUM,
    });
    this.unreleased = new UnreleasedIds(config.gatewayId);
    this.surroundings = {
      port,
      limits,
      maxMessagesPerSecond: config.maxMessagesPerSecond ?? Infinity,
      shares: new DeviceShares(config.maxInFlightPerDevice),
      epoch: clocks.epoch,
      now: () => clocks.monotonic.now(),
      logger,
      lines: new ConnectionLines(new RepeatedLines(logger, clocks.monotonic)),
      takeOver: (deviceId, connection, resumed) => this.takeOver(deviceId, connection, resumed),
      gone: (connection) => this.gone(connection),
    };
  }

  start(): void {
    this.timer = setInterval(() => this.tick(), TICK_MS);
  }

  /** `remoteAddress` is for the log. One connection too many is closed at once. */
  handle(stream: Duplex, remoteAddress: string | undefined): void {
    if (this.isHeld) {
      stream.destroy(); // its handshake of TLS or HTTP has outlived the port
      return;
    }
    if (this.all.size >= this.config.maxConnections) {
      droppedConnectionsTotal.inc();
      stream.destroy();
      return;
    }
    const connection = new DeviceConnection(stream, remoteAddress, this.surroundings);
    this.all.add(connection);
    stream.on('close', () => {
      this.all.delete(connection);
      if (BROKEN.has(connection.mqtt.endedBecause ?? 'lost')) connectionErrorsTotal.inc();
      connection.streamClosed();
    });
  }

  /** Reads nothing more from anybody, for good; what was taken is still answered. */
  hold(): void {
    this.isHeld = true;
    for (const { mqtt } of this.all) mqtt.hold();
  }

  /** Every MQTT 5 device gets its DISCONNECT (0x8B, server shutting down). Resolves when the streams are closed. */
  async stop(): Promise<void> {
    const streams = [...this.all].map((connection) => connection.mqtt.streamClosed);
    for (const connection of this.all) connection.shutDown();
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, GOODBYE_MS);
    });
    await Promise.race([Promise.all(streams), limit]);
    clearTimeout(timer);
    clearInterval(this.timer);
    for (const { mqtt } of this.all) mqtt.destroy();
  }

  /** What the log says of a device's session; undefined: there is none. */
  onSessionRecord(deviceId: string, record: SessionRecord | undefined): void {
    this.unreleased.onSessionRecord(deviceId, record);
  }

  /** The device was deleted: its sessions go with it. */
  forget(deviceId: string): void {
    this.unreleased.forget(deviceId);
  }

  private takeOver(
    deviceId: string,
    connection: DeviceConnection,
    resumed: ResumedSession | undefined,
  ): SessionState {
    const before = this.ofDevice.get(deviceId);
    before?.close('taken-over');
    this.ofDevice.set(deviceId, connection);
    const goesOnFrom = resumed?.isNewest ? resumed.record.connection : undefined;
    // a command that was not acknowledged is not sent again: its deadline decides. Ids of QoS 2 messages outlive the connection
    return new SessionState(this.surroundings.limits, this.unreleased.take(deviceId, goesOnFrom));
  }

  private gone(connection: DeviceConnection): void {
    const { session, state } = connection;
    if (!session || !state) return;
    const { deviceId } = session;
    if (this.ofDevice.get(deviceId) === connection) this.ofDevice.delete(deviceId);
    this.unreleased.keep(session, state.inbound, this.clocks.monotonic.now());
    state.outbound.abandon();
  }

  private tick(): void {
    for (const connection of this.all) connection.tick();
    this.unreleased.forgetExpired(this.clocks.monotonic.now());
  }
}
