/** Next offsets by partition, per topic letter. */
export type Positions = ReadonlyMap<string, ReadonlyMap<number, number>>;

const POSITIONS =
  /^[a-z]:[0-9a-z]{1,11}(\.[0-9a-z]{1,11}){0,999}(;[a-z]:[0-9a-z]{1,11}(\.[0-9a-z]{1,11}){0,999}){0,9}$/;
const MAX_LENGTH = 8_192;

/** `t:1a.0.2f;e:0.0.1`: per topic the next offset of each partition from 0 on, base 36. It goes into an HTTP header, so it is short. */
export function positionsText(positions: Positions): string {
  return [...positions]
    .map(([letter, offsets]) => {
      const count = Math.max(...offsets.keys()) + 1;
      const texts = Array.from({ length: count }, (_, partition) =>
        (offsets.get(partition) ?? 0).toString(36),
      );
      return `${letter}:${texts.join('.')}`;
    })
    .join(';');
}

/** Undefined for what is none. */
export function parsePositions(text: string): Positions | undefined {
  if (text.length > MAX_LENGTH || !POSITIONS.test(text)) return undefined;
  return new Map(
    text.split(';').map((part) => {
      const offsets = part.slice(2).split('.');
      return [
        part.slice(0, 1),
        new Map(offsets.map((offset, partition) => [partition, Number.parseInt(offset, 36)])),
      ];
    }),
  );
}
