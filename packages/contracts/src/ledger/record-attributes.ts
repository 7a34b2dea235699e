/** Of a record of ours: they are texts and stand before `data`, so nothing that a device has sent is taken for one. */
const BEFORE = String.raw`^\{(?:"\w+":"(?:[^"\\]|\\.)*",)*?`;
/** One that JSON takes: whoever writes to the topic beside us must not make a reader throw. */
const TEXT = String.raw`"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[\da-fA-F]{4}))*"`;

const READ = { id: reading('id'), connection: reading('connection') };
const CONNECTION = new RegExp(`(${BEFORE})"connection":${TEXT},`);

/** `front`: the beginning of a record, which may be cut behind its attributes. */
export function attributeOf(front: string, name: keyof typeof READ): string | undefined {
  const text = READ[name].exec(front)?.[1];
  return text === undefined ? undefined : (JSON.parse(text) as string); // a JSON text, as the expression wants it
}

/** The same record, told by nobody's connection. */
export function withoutConnection(value: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(value).toString('latin1').replace(CONNECTION, '$1'), 'latin1'); // byte by byte
}

function reading(name: string): RegExp {
  return new RegExp(`${BEFORE}"${name}":(${TEXT})`);
}
