import type { Alert } from '@fieldgate/contracts';

/** What rules select by. Times in epoch ms. */
export interface DeviceFacts {
  readonly id: string;
  readonly type?: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly createdAt: number;
}

/** `amended`: late data changed what an open alert says (peak, since); nobody is woken by it. */
export interface AlertTransition {
  readonly change: 'raised' | 'cleared' | 'amended';
  readonly alert: Alert;
}
