import { parseSync } from '@swc/core';

/** A test of a spec file that runs. */
export interface RunningTest {
  readonly name: string;
  /** Texts in the table that it is made of. */
  readonly rows: ReadonlySet<string>;
}

interface Node {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** Tests by their titles; what is skipped or only planned, by itself or with what it stands in, is none, nor is a comment. */
export function runningTests(source: string): readonly RunningTest[] {
  const module = parsed(source);
  const constants = constantsOf(module);
  const found: RunningTest[] = [];
  const visit = (node: Node): void => {
    const test = testOf(node);
    if (test?.isSkipped) return;
    if (test) {
      const texts = test.table.flatMap((each) => textsBelow(constants.get(nameOf(each)) ?? each));
      found.push({ name: test.name, rows: new Set(texts) });
    }
    for (const child of childrenOf(node)) visit(child);
  };
  visit(module);
  return found;
}

/** All texts in a source, those with values in them piece by piece; no comments. */
export function textsIn(source: string): readonly string[] {
  return textsBelow(parsed(source));
}

function parsed(source: string): Node {
  return parseSync(source, { syntax: 'typescript', target: 'es2022' }) as unknown as Node; // swc's nodes have all a type
}

/** Of `it('title', …)` and `it.each(table)('title', …)`, and the same with describe and test. */
function testOf(node: Node): { name: string; isSkipped: boolean; table: readonly Node[] } | undefined {
  if (node.type !== 'CallExpression') return undefined;
  const [title] = argumentsOf(node);
  const callee = node['callee'] as Node;
  const table = callee.type === 'CallExpression' ? argumentsOf(callee) : [];
  const words = wordsOf(callee.type === 'CallExpression' ? (callee['callee'] as Node) : callee);
  const [first = '', ...modifiers] = words;
  if (!/^x?(?:it|test|describe)$/.test(first) || title === undefined) return undefined;
  const [name] = textOf(title);
  if (name === undefined) return undefined;
  return { name, table, isSkipped: first.startsWith('x') || modifiers.some((word) => word !== 'each') };
}

/** `it.each` as its words. */
function wordsOf(callee: Node): readonly string[] {
  if (callee.type !== 'MemberExpression') return [nameOf(callee)];
  return wordsOf(callee['object'] as Node).concat(nameOf(callee['property'] as Node));
}

function nameOf(node: Node): string {
  return node.type === 'Identifier' ? String(node['value']) : '';
}

function argumentsOf(call: Node): readonly Node[] {
  return (call['arguments'] as readonly { expression: Node }[]).map(({ expression }) => expression);
}

function constantsOf(module: Node): ReadonlyMap<string, Node> {
  const constants = new Map<string, Node>();
  const visit = (node: Node): void => {
    const value = node['init'];
    const name = node.type === 'VariableDeclarator' ? nameOf(node['id'] as Node) : '';
    if (name !== '' && isNode(value)) constants.set(name, value);
    for (const child of childrenOf(node)) visit(child);
  };
  visit(module);
  return constants;
}

function textsBelow(node: Node): readonly string[] {
  return textOf(node).concat(childrenOf(node).flatMap(textsBelow));
}

function textOf(node: Node): string[] {
  if (node.type === 'StringLiteral') return [String(node['value'])];
  if (node.type === 'TemplateElement') return [String(node['cooked'])];
  const pieces = node['quasis'];
  if (node.type === 'TemplateLiteral' && Array.isArray(pieces) && pieces.length === 1)
    return [String((pieces[0] as Node)['cooked'])];
  return [];
}

/** The nodes next below, whatever swc wraps them in. */
function childrenOf(value: object): readonly Node[] {
  return Object.values(value).flatMap((member: unknown) => {
    if (typeof member !== 'object' || member === null) return [];
    return isNode(member) ? [member] : childrenOf(member);
  });
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string';
}
