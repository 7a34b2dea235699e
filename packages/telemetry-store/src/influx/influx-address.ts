/** What `http://user:pass@host:8086/fieldgate` says. Only `shown` may be printed. */
export interface InfluxAddress {
  readonly protocol: 'http' | 'https';
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Host, port and database, without the credentials. */
  readonly shown: string;
}

/** Undefined when it is not such an address. */
export function parseInfluxUrl(text: string): InfluxAddress | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const protocol = url.protocol === 'https:' ? 'https' : url.protocol === 'http:' ? 'http' : undefined;
  const database = decoded(url.pathname.slice(1));
  const username = decoded(url.username);
  const password = decoded(url.password);
  if (protocol === undefined || !database || username === undefined || password === undefined)
    return undefined;
  // eslint-disable-next-line no-control-regex -- exactly these
  if (/[/\u0000-\u001f"]/.test(database) || url.search !== '' || url.hash !== '') return undefined;
  const port = url.port === '' ? 8086 : Number(url.port);
  return {
    protocol,
    host: url.hostname,
    port,
    database,
    username: username === '' ? undefined : username,
    password: username === '' ? undefined : password,
    shown: `${url.hostname}:${port}/${database}`,
  };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined; // not percent-encoding: the address is refused as a whole
  }
}
