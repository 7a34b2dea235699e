/** One sample of a process's /metrics; 0 when it has not been counted yet. `sample` as it is written there: `name{label="value"}`. */
export async function metric(httpUrl: string, sample: string): Promise<number> {
  const page = await (await fetch(`${httpUrl}/metrics`)).text();
  const line = page.split('\n').find((candidate) => candidate.startsWith(`${sample} `));
  return line === undefined ? 0 : Number(line.slice(sample.length + 1));
}
