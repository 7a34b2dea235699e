import { markdownTable } from '#markdown-table';
import { PacketType, type ProtocolVersion, type ProtocolViolation, ReasonCode } from '@fieldgate/mqtt-edge';
import type { Examination } from './examine.js';
import type { Input } from './input.js';

const KEPT_FAULTS = 20;
const VERSIONS = [3, 4, 5] as const;
const TYPE_NAMES = Object.keys(PacketType) as (keyof typeof PacketType)[];

export interface Fault {
  readonly index: number;
  readonly fault: string;
}

/** The figures of a run. Only packets that a mutation has touched count. */
export class Tally {
  inputs = 0;
  bytes = 0;
  /** Inputs in which a changed packet passed the fixed header. */
  passed = 0;
  faultCount = 0;
  /** The first ones. */
  readonly faults: Fault[] = [];
  /** Slowest input, in nanoseconds a byte, of those of 1,000 bytes and more. */
  slowest = 0;
  private readonly accepted = new Map<string, number>();
  private readonly refused = new Map<string, number>();
  private readonly clauses = new Map<string, number>();
  private readonly byMutation = new Map<string, { inputs: number; passed: number; accepted: number }>();

  add(index: number, input: Input, { outcome, ends, faults }: Examination): void {
    this.inputs++;
    this.bytes += input.stream.length;
    for (const fault of faults) this.fail(index, fault);
    const { packets, violation, decoder } = outcome;
    let changedAccepted = 0;
    for (const [place, packet] of packets.entries()) {
      if ((ends[place] ?? 0) <= input.changedFrom) continue;
      changedAccepted++;
      count(
        this.accepted,
        cell(packet.type, packet.type === PacketType.connect ? packet.version : decoder.version),
      );
    }
    if (violation !== undefined) {
      count(this.clauses, `0x${violation.reasonCode.toString(16)} ${violation.clause}`);
      if (violation.packetType !== undefined)
        count(this.refused, cell(violation.packetType, decoder.version));
    }
    const passed = changedAccepted > 0 || refusedBehindHeader(violation);
    if (passed) this.passed++;
    for (const mutation of input.mutations) this.addMutation(mutation, passed, changedAccepted > 0);
  }

  fail(index: number, fault: string): void {
    this.faultCount++;
    if (this.faults.length < KEPT_FAULTS) this.faults.push({ index, fault });
  }

  /** What must hold and does not. */
  shortcomings(): string[] {
    const share = this.passed / this.inputs;
    const missing = VERSIONS.flatMap((version) =>
      TYPE_NAMES.filter((name) => name !== 'auth' || version === 5)
        .filter((name) => !this.accepted.has(cell(PacketType[name], version)))
        .map((name) => `no changed ${name.toUpperCase()} of version ${version} was accepted`),
    );
    return missing
      .concat(share < 0.3 ? [`only ${percent(share)} passed the fixed header`] : [])
      .concat(this.faultCount > 0 ? [`${this.faultCount} faults`] : []);
  }

  table(): string {
    const types = markdownTable(
      ['Packet', 'accepted: 3.1', '3.1.1', '5', 'refused: 3.1', '3.1.1', '5'],
      TYPE_NAMES.map((name) => [
        name.toUpperCase(),
        ...VERSIONS.map((version) => this.accepted.get(cell(PacketType[name], version)) ?? 0),
        ...VERSIONS.map((version) => this.refused.get(cell(PacketType[name], version)) ?? 0),
      ]),
    );
    const mutations = markdownTable(
      ['Mutation', 'inputs', 'passed the fixed header', 'accepted'],
      [...this.byMutation].map(([name, { inputs, passed, accepted }]) => [
        name,
        inputs,
        percent(passed / inputs),
        percent(accepted / inputs),
      ]),
    );
    return [types, mutations, this.summary()].join('\n\n');
  }

  private summary(): string {
    const { inputs, bytes, passed, clauses, slowest, faultCount } = this;
    return [
      `${grouped(inputs)} inputs, ${grouped(bytes)} bytes; ${percent(passed / inputs)} passed the fixed header`,
      `${clauses.size} different refusals (reason code and clause)`,
      `slowest input of 1,000 bytes and more: ${slowest.toFixed(0)} ns a byte`,
      `faults: ${faultCount}`,
    ].join('\n');
  }

  private addMutation(name: string, passed: boolean, accepted: boolean): void {
    const row = this.byMutation.get(name) ?? { inputs: 0, passed: 0, accepted: 0 };
    row.inputs++;
    if (passed) row.passed++;
    if (accepted) row.accepted++;
    this.byMutation.set(name, row);
  }
}

/** The size is judged with the fixed header, and says which packet it was. */
function refusedBehindHeader(violation: ProtocolViolation | undefined): boolean {
  return violation?.packetType !== undefined && violation.reasonCode !== ReasonCode.packetTooLarge;
}

const cell = (type: PacketType, version: ProtocolVersion | undefined): string =>
  `${type} ${version ?? 'none'}`;

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

const percent = (share: number): string => `${Math.floor(share * 1000) / 10} %`; // never better than it is

const grouped = (value: number): string => value.toLocaleString('en');
