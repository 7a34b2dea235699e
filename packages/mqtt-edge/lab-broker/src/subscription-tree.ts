/** Levels of a filter; more are refused, so that walking the tree stays shallow whatever a client asks for. */
export const MAXIMUM_LEVELS = 128;

interface Node<Subscriber, Value> {
  readonly children: Map<string, Node<Subscriber, Value>>;
  readonly values: Map<Subscriber, Value>;
}

/** Who has subscribed to what, level by level. Maps all the way: a level may be called `constructor`. */
export class SubscriptionTree<Subscriber, Value> {
  private readonly root: Node<Subscriber, Value> = node();

  /** The value that stood there before. */
  set(filter: string, subscriber: Subscriber, value: Value): Value | undefined {
    let at = this.root;
    for (const level of filter.split('/')) {
      let next = at.children.get(level);
      if (next === undefined) at.children.set(level, (next = node()));
      at = next;
    }
    const before = at.values.get(subscriber);
    at.values.set(subscriber, value);
    return before;
  }

  /** False: it was not there. */
  delete(filter: string, subscriber: Subscriber): boolean {
    const levels = filter.split('/');
    const path = [this.root];
    for (const level of levels) {
      const next = path.at(-1)?.children.get(level);
      if (next === undefined) return false;
      path.push(next);
    }
    const wasThere = path.at(-1)?.values.delete(subscriber) ?? false;
    this.prune(path, levels);
    return wasThere;
  }

  /** Calls `visit` for each subscription whose filter matches the topic. */
  match(topic: string, visit: (subscriber: Subscriber, value: Value) => void): void {
    const levels = topic.split('/', MAXIMUM_LEVELS + 1); // below that there is no subscription but those with '#'
    const walk = (at: Node<Subscriber, Value>, depth: number): void => {
      const wildcards = depth > 0 || !topic.startsWith('$'); // [MQTT-4.7.2-1]
      if (wildcards) tell(at.children.get('#'), visit); // '#' is also the level above it (4.7.1.2)
      const level = levels[depth];
      if (level === undefined) return tell(at, visit);
      const exact = at.children.get(level);
      if (exact) walk(exact, depth + 1);
      const any = wildcards ? at.children.get('+') : undefined;
      if (any) walk(any, depth + 1);
    };
    walk(this.root, 0);
  }

  private prune(path: Node<Subscriber, Value>[], levels: readonly string[]): void {
    for (let depth = levels.length; depth > 0; depth -= 1) {
      const at = path[depth];
      if (at === undefined || at.values.size > 0 || at.children.size > 0) return;
      path[depth - 1]?.children.delete(levels[depth - 1] ?? '');
    }
  }
}

function node<Subscriber, Value>(): Node<Subscriber, Value> {
  return { children: new Map(), values: new Map() };
}

function tell<Subscriber, Value>(
  at: Node<Subscriber, Value> | undefined,
  visit: (subscriber: Subscriber, value: Value) => void,
): void {
  at?.values.forEach((value, subscriber) => visit(subscriber, value));
}
