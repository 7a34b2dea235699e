import { createLogger, type Logger } from '@fieldgate/service';

export type LogLine = Readonly<Record<string, unknown>>;

/** A logger, and what was said to it. */
export interface GivenLogLines {
  readonly logger: Logger;
  readonly all: readonly LogLine[];
  /** The first line with this text, now or when it comes; a test that waits in vain is ended by jest. */
  said(msg: string): Promise<LogLine>;
}

export function givenLogLines(): GivenLogLines {
  const all: LogLine[] = [];
  const waiting = new Set<() => void>();
  const write = (line: string): void => {
    all.push(JSON.parse(line) as LogLine); // of our own logger
    for (const look of waiting) look();
  };
  const said = (msg: string): Promise<LogLine> =>
    new Promise((resolve) => {
      const look = (): void => {
        const line = all.find((each) => each['msg'] === msg);
        if (!line) return;
        waiting.delete(look);
        resolve(line);
      };
      waiting.add(look);
      look();
    });
  return { logger: createLogger({ level: 'info' }, { write }), all, said };
}
