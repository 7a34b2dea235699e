import { type Deviation, labelOf, unexplained } from './deviations.js';
import type { GatewayDifference } from './gateway-differences.js';
import { markdownTable } from './markdown-table.js';
import type { OtherBroker } from './other-brokers.js';
import { packetInWords } from './packet-in-words.js';
import type { Totals, VectorReport } from './run-vectors.js';
import { isOpen, testsOf, type Statement } from './statements.js';

export interface Conformance {
  readonly report: Pick<VectorReport, 'cases' | 'totals' | 'byFile' | 'byPacketType'>;
  readonly statements: readonly Statement[];
  readonly deviations: readonly Deviation[];
  readonly differences: readonly GatewayDifference[];
  /** Scores of other brokers in the same cases. */
  readonly others: readonly OtherBroker[];
}

/** docs/mqtt-conformance.md */
export function conformanceReport({
  report,
  statements,
  deviations,
  differences,
  others,
}: Conformance): string {
  return [
    '# MQTT conformance',
    '<!-- Written by packages/mqtt-edge/conformance: change what it is written from. -->',
    INTRODUCTION,
    '## Wire vectors',
    vectors(report),
    scores('Broker', [['this edge, in the lab broker', report.totals], ...others.map(totalsOfOther)]),
    others.map(({ broker, note }) => `- ${broker}: ${note}.`).join('\n'),
    'By the packet that is put to the test, which is the last one that the client sends:',
    byPacketType(report, others),
    '## Deliberate deviations',
    ...deviationSection(report, deviations),
    '## Where the gateway differs',
    GATEWAY,
    ...differences.map(difference),
    '## Statements of MQTT 5',
    statementCounts(statements),
    ...statementTables(statements),
    '',
  ]
    .join('\n\n')
    .trimEnd()
    .concat('\n');
}

const INTRODUCTION = `What the edge does with every case of a foreign test suite, and where each normative statement of [MQTT 5](https://docs.oasis-open.org/mqtt/mqtt/v5.0/os/mqtt-v5.0-os.html) that concerns a server is obeyed and tested. \`npm run conformance\` starts the lab broker, plays all cases and writes this page again; a test plays them on every run and compares the page.

Another broker is scored with the same program, which starts it again when a case ends it:

\`\`\`
npm run conformance -- --port 1883 --start 'mosquitto -c mosquitto.conf'
\`\`\``;

const vectors = ({ cases }: Conformance['report']): string => {
  const passed = cases.filter(({ score }) => score === 'passed');
  const exact = passed.filter((result) => result.exact).length;
  return `1,110 conversations in raw bytes (MQTT 3.1, 3.1.1 and 5) from the tests of Eclipse Mosquitto, under their own licence in \`packages/mqtt-edge/conformance/\`, mostly about what a broker must refuse.

- **passed**: every expected packet came, and the end is as expected.
- **closed otherwise**: the connection was closed as it must be, but without the expected CONNACK or DISCONNECT, or with another reason code.
- **wrong**: it stayed open, answered something else, or closed where it must not.
- **crash**: nobody was served afterwards.

In MQTT 5 **passed** forgives what the standard leaves to a broker: a reason code 0 or an empty property list left out or written, the order of properties, a Reason String and User Properties, 0x10 (no matching subscribers) for 0x00, other capabilities in a CONNACK, and a CONNACK or DISCONNECT of 0x80 or above where the data expects only the close. Of the ${passed.length.toLocaleString('en-US')} that this edge has passed, ${exact} are what the data expects byte for byte.`;
};

const GATEWAY = `The vectors are played against the lab broker, a plain MQTT broker on the same edge: the edge is what they test. Devices speak to the gateway, which is the same edge with something else behind it: a log instead of subscribers. Statements that are obeyed behind the edge name the file and the test of the gateway below, where it obeys them itself; where they name \`lab-broker\`, the gateway differs, and here is why.`;

/** Passed cases, ours and the others'. */
function byPacketType(report: Conformance['report'], others: Conformance['others']): string {
  const names = others.map(({ broker }) => broker);
  return markdownTable(
    ['Packet', 'cases', 'passed', 'closed otherwise', 'wrong'].concat(names),
    Object.entries(report.byPacketType).map(([name, { total, passed, closedOther, wrong }]) =>
      [name as string | number, total, passed, closedOther, wrong].concat(
        others.map((other) => other.byPacketType[name]?.passed ?? '?'),
      ),
    ),
  );
}

function totalsOfOther({ broker, totals }: Conformance['others'][number]): readonly [string, Totals] {
  return [broker, totals];
}

function scores(what: string, rows: readonly (readonly [string, Totals])[]): string {
  return markdownTable(
    [what, 'cases', 'passed', 'closed otherwise', 'wrong', 'crash', 'passed %'],
    rows.map(([name, { total, passed, closedOther, wrong, crash }]) => [
      name,
      total,
      passed,
      closedOther,
      wrong,
      crash,
      Math.floor((passed / total) * 1000) / 10, // never better than it is
    ]),
  );
}

function deviationSection(
  report: Conformance['report'],
  deviations: readonly Deviation[],
): readonly string[] {
  const byLabel = new Map(report.cases.map((result) => [labelOf(result), result]));
  const { withoutReason } = unexplained(report.cases, deviations);
  const sections = deviations.map(({ title, reason, cases }) =>
    [
      `### ${title}`,
      reason,
      cases.map((label) => `- ${inCode(label)}${outcomeOf(byLabel.get(label))}`).join('\n'),
    ].join('\n\n'),
  );
  if (withoutReason.length === 0) return sections.length > 0 ? sections : ['None.'];
  const rest = withoutReason.map((label) => `- ${inCode(label)}${outcomeOf(byLabel.get(label))}`).join('\n');
  return [...sections, `### Without a reason\n\n${rest}`];
}

function difference({ title, reason, test, statements }: GatewayDifference): string {
  return [`### ${title}`, reason, `Shown by ${inCode(test)}.`, `Concerns ${statements.join(', ')}.`].join(
    '\n\n',
  );
}

function outcomeOf(result: Conformance['report']['cases'][number] | undefined): string {
  return result && result.score !== 'passed'
    ? `: ${packetInWords(result.got)} instead of ${packetInWords(result.expected)}`
    : '';
}

function inCode(text: string): string {
  return `\`${text}\``;
}

function statementCounts(statements: readonly Statement[]): string {
  const ofServer = statements.filter(({ concerns }) => concerns !== 'client');
  const tested = ofServer.filter((statement) => testsOf(statement).length > 0).length;
  const excused = ofServer.filter(({ why = '' }) => why !== '').length;
  const open = ofServer.filter(isOpen).length;
  const rest = open === 0 ? '' : ` ${open} are not looked at yet.`;
  return `Appendix B lists ${statements.length}, paraphrased here; the specification's own words count. ${ofServer.length} concern a server: ${tested} are obeyed and tested, ${excused} have a reason why not.${rest}`;
}

const SECTIONS: Readonly<Record<string, string>> = {
  '1.5': 'Data representation',
  '2.1': 'Fixed header',
  '2.2': 'Variable header',
  '3.1': 'CONNECT',
  '3.2': 'CONNACK',
  '3.3': 'PUBLISH',
  '3.4': 'PUBACK',
  '3.5': 'PUBREC',
  '3.6': 'PUBREL',
  '3.7': 'PUBCOMP',
  '3.8': 'SUBSCRIBE',
  '3.9': 'SUBACK',
  '3.10': 'UNSUBSCRIBE',
  '3.11': 'UNSUBACK',
  '3.12': 'PINGREQ',
  '3.14': 'DISCONNECT',
  '3.15': 'AUTH',
  '4.1': 'Session state',
  '4.2': 'Network connections',
  '4.3': 'Quality of service',
  '4.4': 'Delivery retry',
  '4.5': 'Message receipt',
  '4.6': 'Ordering',
  '4.7': 'Topic names and filters',
  '4.8': 'Subscriptions',
  '4.9': 'Flow control',
  '4.12': 'Enhanced authentication',
  '4.13': 'Errors',
  '6.0': 'WebSocket',
};

function statementTables(statements: readonly Statement[]): readonly string[] {
  return Object.entries(SECTIONS).map(([section, title]) => {
    const rows = statements.filter(({ id }) => id.startsWith(`MQTT-${section}.`));
    const table = markdownTable(['Statement', 'What it asks', 'Where', 'Shown by'], rows.map(statementRow));
    return `### ${section} ${title}\n\n${table}`;
  });
}

function statementRow(statement: Statement): readonly string[] {
  const { id, concerns, says, file = '', why = '' } = statement;
  if (concerns === 'client') return [id, says, 'the client', ''];
  if (why !== '') return [id, says, 'not here', why];
  return [id, says, file === '' ? '' : inCode(file), testsOf(statement).map(inCode).join(', ')];
}
