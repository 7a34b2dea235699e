import { hasExpired, sizeOf, type StoredMessage } from './stored-message.js';

/** Of a level in the tree, about. */
const LEVEL_BYTES = 256;

export interface RetainedLimits {
  readonly messages: number;
  readonly bytes: number;
}

interface Kept {
  readonly message: StoredMessage;
  readonly bytes: number;
}

/** A level of the topics; so that a filter costs what it finds, not what is kept. */
interface Node {
  readonly children: Map<string, Node>;
  message: StoredMessage | undefined;
}

/** The last retained message of each topic, up to a number and a size of all of them. */
export class RetainedMessages {
  private readonly byTopic = new Map<string, Kept>();
  private readonly root: Node = node();
  private bytes = 0;

  constructor(private readonly limits: RetainedLimits) {}

  get size(): number {
    return this.byTopic.size;
  }

  /** An empty payload takes the topic's message away ([MQTT-3.3.1-6]). False: there is no room for it. */
  keep(message: StoredMessage): boolean {
    const before = this.byTopic.get(message.topic);
    if (message.payload.length === 0) {
      this.forget(message.topic);
      return true;
    }
    const levels = message.topic.split('/');
    const bytes = sizeOf(message) + LEVEL_BYTES * levels.length;
    const isFull = before === undefined && this.byTopic.size >= this.limits.messages;
    if (isFull || this.bytes - (before?.bytes ?? 0) + bytes > this.limits.bytes) return false;
    this.forget(message.topic);
    this.byTopic.set(message.topic, { message, bytes });
    this.bytes += bytes;
    let at = this.root;
    for (const level of levels) {
      let next = at.children.get(level);
      if (next === undefined) at.children.set(level, (next = node()));
      at = next;
    }
    at.message = message;
    return true;
  }

  /** Those that a new subscription gets. */
  matching(filter: string, now: number): readonly StoredMessage[] {
    if (!filter.includes('#') && !filter.includes('+')) {
      const kept = this.byTopic.get(filter);
      return kept && !hasExpired(kept.message, now) ? [kept.message] : [];
    }
    const found: StoredMessage[] = [];
    find(this.root, filter.split('/'), (message) => {
      if (!hasExpired(message, now)) found.push(message);
    });
    return found;
  }

  /** [MQTT-3.3.2-5]; to be called now and then, so that expired ones give their room back. */
  sweep(now: number): void {
    for (const [topic, { message }] of this.byTopic) if (hasExpired(message, now)) this.forget(topic);
  }

  private forget(topic: string): void {
    const kept = this.byTopic.get(topic);
    if (kept === undefined) return;
    this.bytes -= kept.bytes;
    this.byTopic.delete(topic);
    remove(this.root, topic.split('/'));
  }
}

function node(): Node {
  return { children: new Map(), message: undefined };
}

/** Visits what matches the filter. A topic may have 32,768 levels, a filter has few: only below `#` the walk is as deep as the topics. */
function find(root: Node, filter: readonly string[], visit: (message: StoredMessage) => void): void {
  let matching: Node[] = [root];
  for (const [depth, level] of filter.entries()) {
    const isFirst = depth === 0; // [MQTT-4.7.2-1]
    if (level === '#') return matching.forEach((at) => visitBelow(at, isFirst, visit));
    matching = matching.flatMap((at) => (level === '+' ? wild(at, isFirst) : (at.children.get(level) ?? [])));
  }
  for (const { message } of matching) if (message) visit(message);
}

function wild({ children }: Node, isFirst: boolean): Node[] {
  return Array.from(children).flatMap(([level, child]) => (isFirst && level.startsWith('$') ? [] : child));
}

function visitBelow(from: Node, isFirst: boolean, visit: (message: StoredMessage) => void): void {
  if (from.message) visit(from.message); // `#` is also the level above it
  const open = wild(from, isFirst).reverse();
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    if (at.message) visit(at.message);
    open.push(...wild(at, false).reverse());
  }
}

/** Prunes what is left without messages. */
function remove(root: Node, levels: readonly string[]): void {
  const path = [root];
  for (const level of levels) {
    const next = path.at(-1)?.children.get(level);
    if (next === undefined) return;
    path.push(next);
  }
  const last = path.at(-1);
  if (last) last.message = undefined;
  for (let depth = levels.length; depth > 0; depth -= 1) {
    const at = path[depth];
    if (at === undefined || at.message || at.children.size > 0) return;
    path[depth - 1]?.children.delete(levels[depth - 1] ?? '');
  }
}
