import {
  alertStateRowSchema,
  encodeTableRow,
  isRejection,
  RULES_ROW_KEY,
  tableRows,
  type AlertStateRow,
  type Rejection,
} from '@fieldgate/contracts';
import { appended, type CommitLog, type LogRecord } from '@fieldgate/commit-log';
import type { Clock, Logger } from '@fieldgate/service';
import { NO_RULES, parseRules, rulesOfRow, type Rules } from '@fieldgate/alert-rules';
import { Gauge } from 'prom-client';
import type { ReadFile, RulesFile } from './rules-file.js';

const invalidGauge = new Gauge({
  name: 'fieldgate_alert_rules_invalid',
  help: '1 while the rules file is not usable and older rules are in force',
});

const TOPIC = 'fieldgate.alert-states.v1';
const readRow = tableRows(TOPIC, alertStateRowSchema);

const NO_FILE: ReadFile = { text: '', problem: undefined };

type RulesRow = Extract<AlertStateRow, { kind: 'rules' }>;

/** The rules that count: those of the file, or of its last good version, and the row that says so to everyone else. */
export class RulesInForce {
  private current: Rules = NO_RULES;
  private seen: { readonly text: string | undefined; readonly problem: string | undefined } | undefined;
  private unwritten: { readonly text: string; readonly problem: string | undefined } | undefined;

  constructor(
    private readonly parts: {
      readonly log: CommitLog;
      readonly clock: Clock;
      readonly logger: Logger;
      /** None: no rules. */
      readonly file: RulesFile | undefined;
      readonly changed: (rules: Rules) => void;
    },
  ) {}

  /** A file that is not usable stops nobody: the last rules that were in force are, or none. */
  async start(): Promise<void> {
    const row = await this.row();
    const former = row ? rulesOfRow(row.text) : NO_RULES;
    if (this.parts.file && !isRejection(former)) this.current = former;
    await this.look('error');
    this.parts.changed(this.current);
  }

  /** Takes the file as it is now; called when it may have changed. */
  async look(level: 'warn' | 'error' = 'warn'): Promise<void> {
    const { file, logger, changed } = this.parts;
    const read = file ? await file.read() : NO_FILE;
    if (read.text !== this.seen?.text || read.problem !== this.seen?.problem) {
      const rules = rulesOf(read);
      const problem = isRejection(rules) ? rules.detail : read.problem;
      if (rules && !isRejection(rules) && rules.text !== this.current.text) {
        const isReload = this.seen !== undefined;
        this.current = rules;
        if (isReload) changed(rules);
        logger.info({ file: file?.path }, 'alert rules in force');
      }
      if (problem !== undefined)
        logger[level]({ file: file?.path, code: 'rules-invalid', detail: problem }, 'alert rules not usable');
      invalidGauge.set(problem === undefined ? 0 : 1);
      this.unwritten = { text: this.current.text, problem };
      this.seen = read;
    }
    await this.write();
  }

  private async write(): Promise<void> {
    if (this.unwritten === undefined) return;
    const { log, clock } = this.parts;
    const { text, problem } = this.unwritten;
    const row = await this.row();
    if ((row?.text ?? '') !== text || row?.problem !== problem) {
      const atMs = clock.now();
      const data: RulesRow = {
        kind: 'rules',
        text,
        loadedAt: row && row.text === text ? row.loadedAt : atMs,
        ...(problem === undefined ? {} : { problem }),
      };
      await appended(log.writer, {
        topic: TOPIC,
        key: RULES_ROW_KEY,
        value: encodeTableRow(TOPIC, { key: RULES_ROW_KEY, id: String(atMs), atMs, data }),
      });
    }
    this.unwritten = undefined;
  }

  /** Read anew each time: another process may have written it. */
  private async row(): Promise<RulesRow | undefined> {
    const { reader } = this.parts.log;
    const number = reader.partitionOf(TOPIC, RULES_ROW_KEY);
    const bounds = (await reader.bounds(TOPIC)).find(({ partition }) => partition === number);
    if (!bounds) return undefined;
    let newest: LogRecord | undefined;
    for await (const record of reader.read(TOPIC, {
      partition: number,
      from: bounds.earliest,
      to: bounds.end,
    }))
      if (record.key === RULES_ROW_KEY) newest = record;
    const row = newest?.value ? readRow(newest.value) : undefined;
    return row?.kind === 'rules' ? row : undefined;
  }
}

function rulesOf(read: ReadFile): Rules | Rejection | undefined {
  if (read === NO_FILE) return NO_RULES;
  return read.text === undefined ? undefined : parseRules(read.text);
}
