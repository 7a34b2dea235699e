import type { Command } from 'commander';
import { deviceLedgerSchema, ledgerLines } from './ledger-table.js';
import { verifyLedger, type Verified } from './ledger-verify.js';
import { asOperator, EXIT, operatorCommand, type Operator } from './operator-command.js';
import { countUpTo, timeOf } from './option-values.js';
import { counted } from './table.js';

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

async function verify(operator: Operator, { limit = NAMED, ...flags }: VerifyFlags): Promise<void> {
  const verified = await verifyLedger(operator.api, { ...flags, limit }, tell);
  operator.table(
    verified,
    ['DEVICE', 'TIME', 'TOPIC', 'PARTITION', 'OFFSET', 'METRICS OR ID'],
    verified.missing.map(({ deviceId, time, topic, partition, offset, metrics, id }) => [
      deviceId,
      time,
      topic,
      partition,
      offset,
      metrics.length === 0 ? id : metrics.join(','),
    ]),
    verified.checked === 0 ? nothingOf(flags.device) : 'nothing is missing',
  );
  if (!operator.json) process.stdout.write(`${sumsOf(verified)}\n${adviceOf(verified, flags)}`);
  if (verified.missingTotal > 0) process.exitCode = EXIT.refused;
}

/** A long range takes minutes; whoever looks at it sees how far it is. */
function tell(line: string): void {
  if (process.stderr.isTTY) process.stderr.write(`${line}\n`);
}

/** Not "nothing is missing": perhaps the range or the device is another than was meant. */
function nothingOf(device: string | undefined): string {
  if (device === undefined) return 'nothing came into the log in this range: there is nothing to compare';
  return `nothing of ${device} came into the log in this range: there is nothing to compare`;
}

function sumsOf(verified: Verified): string {
  const { from, to, checked, stored, refused, duplicates, pending, missingTotal, missing } = verified;
  const left = missingTotal > missing.length ? `, of which ${missing.length} are named` : '';
  return `${counted(checked, 'record')} from ${from} to ${to}: ${stored} stored, ${refused} refused, ${duplicates} sent again, ${pending} not reached yet, ${missingTotal} missing${left}`;
}

function adviceOf(
  { checked, readingsFrom, missingTotal, pending }: Verified,
  { to }: Pick<VerifyFlags, 'to'>,
): string {
  const lines: string[] = [];
  if (checked === 0 && to === undefined)
    lines.push('The range ends a minute ago: ask again later for what came since, or say --to.');
  if (missingTotal > 0)
    lines.push('The log still has these: what to do is in docs/command-line.md, under Ledger.');
  else if (pending > 0)
    lines.push('Ask again when the storing side has caught up: see /readyz of the processors.');
  if (readingsFrom !== undefined)
    lines.push(
      `Of the readings of before ${readingsFrom} some have gone from the log: they were not compared.`,
    );
  return lines.map((line) => `${line}\n`).join('');
}
