import type { Deployment } from '../deployment.js';

/** What attackers are let loose on. */
export interface AttackedServer {
  /** Changes when it is started again. */
  readonly port: number;
  readonly pid: number;
  /** Everybody may come in and do everything, as in the lab broker; else devices log in, and keep to their own topics. */
  readonly isOpen: boolean;
  admit(clientId: string): Promise<void>;
  /** Another kill of what may be hanging, and a new process. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * V8 lets garbage lie up to a multiple of what lives, the more of it the busier the machine is. Up to this limit what attackers leave behind is
 * seen, whatever the machine; and what would stay beyond it ends the process.
 */
export const HEAP_OF_THE_ATTACKED = { NODE_OPTIONS: '--max-old-space-size=192' };

/** Of every device that is admitted. */
export const HOSTILE_SECRET = 'hostile-secret-0123456789';

/** The real gateway, with log-in. */
export class AttackedGateway implements AttackedServer {
  readonly isOpen = false;

  constructor(readonly deployment: Deployment) {}

  get port(): number {
    return this.deployment.mqttPort;
  }

  get pid(): number {
    return this.deployment.pidOf('gateway');
  }

  async admit(clientId: string): Promise<void> {
    await this.deployment.operator.register([{ id: clientId, secret: HOSTILE_SECRET }]);
  }

  async restart(): Promise<void> {
    await this.deployment.restart(this.deployment.partOf('gateway'));
  }

  stop(): Promise<void> {
    return this.deployment.stop();
  }
}
