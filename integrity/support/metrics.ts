/**
 * One sample of a process's /metrics, `sample` as it is written there: `name{label="value"}`. 0 when these labels have not been counted yet;
 * a metric that the page does not declare has another name by now, and is no 0.
 */
export async function metric(httpUrl: string, sample: string): Promise<number> {
  const response = await fetch(`${httpUrl}/metrics`);
  const page = await response.text();
  if (!response.ok) throw new Error(`${httpUrl}/metrics: ${response.status} ${page.slice(0, 200)}`);
  const lines = page.split('\n');
  const [name = ''] = sample.split('{');
  if (!lines.some((line) => line.startsWith(`# TYPE ${name} `)))
    throw new Error(`${httpUrl}/metrics has no ${name}`);
  const line = lines.find((candidate) => candidate.startsWith(`${sample} `));
  if (line === undefined && name === sample)
    throw new Error(`${httpUrl}/metrics has no ${name} without labels`);
  return line === undefined ? 0 : Number(line.slice(sample.length + 1));
}
