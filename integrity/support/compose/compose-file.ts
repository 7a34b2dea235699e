import { Program, type Outcome } from '../program.js';
import { parse } from 'yaml';
import { z } from 'zod';

/** The parts of a service that are looked at, as `docker-compose config` prints them: anchors merged, variables put in. */
const serviceSchema = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).default([]),
  environment: z.record(z.string(), z.coerce.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  networks: z.record(z.string(), z.unknown()).default({}),
  profiles: z.array(z.string()).default([]),
  restart: z.string().optional(),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  stop_grace_period: z.string().optional(),
  /** `['NONE']`: switched off. Left out: that of the image. */
  healthcheck: z.looseObject({ test: z.array(z.string()) }).optional(),
  deploy: z
    .object({ resources: z.object({ limits: z.object({ cpus: z.number(), memory: z.string() }) }) })
    .optional(),
});
const composeSchema = z.looseObject({
  services: z.record(z.string(), serviceSchema),
  networks: z.record(z.string(), z.looseObject({ internal: z.boolean().default(false) })),
  volumes: z.record(z.string(), z.unknown()),
});

export type ComposeService = z.output<typeof serviceSchema>;
export type Compose = z.output<typeof composeSchema>;

/** What Debian's docker-compose says to a file, with the variables of an environment file and none of this process. */
export function composeConfig(
  file: string,
  environmentFile: string,
  overrides: readonly string[] = [],
): Promise<Outcome> {
  const files = [file].concat(overrides).flatMap((each) => ['-f', each]);
  return new Program('docker-compose', ['--env-file', environmentFile].concat(files, 'config')).ended();
}

export async function readCompose(
  file: string,
  environmentFile: string,
  overrides: readonly string[] = [],
): Promise<Compose> {
  const { code, stdout, stderr } = await composeConfig(file, environmentFile, overrides);
  if (code !== 0) throw new Error(`docker-compose config: ${stderr}`);
  return composeSchema.parse(parse(stdout, { schema: 'core' }));
}

/** Throws when there is no such service. */
export function serviceOf(compose: Compose, name: string): ComposeService {
  const service = compose.services[name];
  if (!service) throw new Error(`docker-compose.yml has no service ${name}`);
  return service;
}
