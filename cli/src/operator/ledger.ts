import type { Command } from 'commander';
import { z } from 'zod';
import { deviceLedgerSchema, ledgerLines } from './ledger-table.js';
import { asOperator, EXIT, operatorCommand, type Operator } from './operator-command.js';
import { countUpTo, timeOf } from './option-values.js';
import { counted } from './table.js';

const count = z.number();
const missingSchema = z.looseObject({
  deviceId: z.string(),
  topic: z.string(),
  partition: z.number(),
  offset: z.number(),
  appendedAt: z.string(),
  time: z.string().optional(),
  metrics: z.array(z.string()),
});
const verifiedSchema = z.object({
  from: z.string(),
  to: z.string(),
  checked: count,
  stored: count,
  refused: count,
  duplicates: count,
  pending: count,
  missingTotal: count,
  missing: z.array(missingSchema),
  next: z.string().optional(),
});
type Verified = z.output<typeof verifiedSchema>;

const NAMED = 1_000;

interface VerifyFlags {
  readonly from?: string;
  readonly to?: string;
  readonly device?: string;
  readonly limit?: number;
}

/** `fieldgate ledger show|verify`; `verify`: exit code 0 only when nothing is missing. */
export function addLedgerCommands(program: Command): void {
  const ledger = program.command('ledger').description('whether everything that was acknowledged is stored');
  operatorCommand(ledger, 'show <device>', 'what became of everything that a device has sent').action(
    function (this: Command, device: string) {
      return asOperator(this, async ({ api, show }) => {
        const answer = await api.get(`/v1/devices/${encodeURIComponent(device)}/ledger`, deviceLedgerSchema);
        show(answer, () => ledgerLines(answer));
      });
    },
  );
  operatorCommand(ledger, 'verify', 'compare the log with the store, and name what is missing')
    .option(
      '--from <time>',
      'what came into the log then or later: epoch ms or RFC 3339; default: an hour before the end',
      timeOf,
    )
    .option('--to <time>', 'before then; default: a minute ago', timeOf)
    .option('--device <id>', 'only the records of this device')
    .option('--limit <count>', `name at most so many, up to 10000; default: ${NAMED}`, countUpTo(10_000))
    .action(function (this: Command, flags: VerifyFlags) {
      return asOperator(this, (operator) => verify(operator, flags));
    });
}

async function verify(operator: Operator, flags: VerifyFlags): Promise<void> {
  const verified = await verifyAll(operator, flags);
  operator.table(
    verified,
    ['DEVICE', 'TIME', 'TOPIC', 'PARTITION', 'OFFSET', 'METRICS'],
    verified.missing.map(({ deviceId, time, topic, partition, offset, metrics }) => [
      deviceId,
      time,
      topic,
      partition,
      offset,
      metrics.length === 0 ? undefined : metrics.join(','),
    ]),
    'nothing is missing',
  );
  if (!operator.json) process.stdout.write(`${sumsOf(verified)}\n${adviceOf(verified)}`);
  if (verified.missingTotal > 0) process.exitCode = EXIT.refused;
}

/** Call after call, each going on where the one before had come to; the range stays that of the first. */
async function verifyAll({ api }: Operator, flags: VerifyFlags): Promise<Omit<Verified, 'next'>> {
  const { device, limit = NAMED } = flags;
  const ask = (range: { from?: string | undefined; to?: string | undefined; start?: string }) =>
    api.get('/v1/ledger/verify', verifiedSchema, { ...range, device, limit });
  let { next, ...sum } = await ask({ from: flags.from, to: flags.to });
  while (next !== undefined) {
    const more: Verified = await ask({ from: sum.from, to: sum.to, start: next });
    sum = added(sum, more, limit);
    next = more.next;
  }
  return sum;
}

function added(sum: Omit<Verified, 'next'>, more: Verified, limit: number): Omit<Verified, 'next'> {
  return {
    from: sum.from,
    to: sum.to,
    checked: sum.checked + more.checked,
    stored: sum.stored + more.stored,
    refused: sum.refused + more.refused,
    duplicates: sum.duplicates + more.duplicates,
    pending: sum.pending + more.pending,
    missingTotal: sum.missingTotal + more.missingTotal,
    missing: sum.missing.concat(more.missing).slice(0, limit),
  };
}

function sumsOf(verified: Omit<Verified, 'next'>): string {
  const { from, to, checked, stored, refused, duplicates, pending, missingTotal, missing } = verified;
  const left = missingTotal > missing.length ? `, of which ${missing.length} are named` : '';
  return `${counted(checked, 'record')} from ${from} to ${to}: ${stored} stored, ${refused} refused, ${duplicates} sent again, ${pending} not reached yet, ${missingTotal} missing${left}`;
}

function adviceOf({ missingTotal, pending }: Omit<Verified, 'next'>): string {
  if (missingTotal > 0)
    return 'The log still has these: what to do is in docs/command-line.md, under Ledger.\n';
  return pending > 0 ? 'Ask again when the storing side has caught up: see /readyz of the processors.\n' : '';
}
