import { Injectable, RequestMethod } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { descriptionOf, type RouteDescription } from '../http/route-description.js';
import { HEALTH_ROUTES } from './health-routes.js';

export interface Route {
  /** Lower case: `get`. */
  readonly method: string;
  /** `/v1/devices/{id}` */
  readonly path: string;
  /** Of the handler: `replaceSecret`. */
  readonly handler: string;
  /** None: somebody forgot it, and a test says so. */
  readonly description: RouteDescription | undefined;
}

/** Every route that Nest knows of, by the metadata of its decorators. */
@Injectable()
export class DescribedRoutes {
  constructor(private readonly discovery: DiscoveryService) {}

  all(): readonly Route[] {
    const controllers = this.discovery.getControllers().flatMap(({ metatype }) => metatype ?? []);
    return controllers
      .flatMap((controller) => routesOf(controller))
      .toSorted((a, b) => (a.path === b.path ? order(a.method, b.method) : order(a.path, b.path)));
  }
}

function routesOf(controller: object): Route[] {
  const { prototype } = controller as { prototype: Record<string, object> }; // a controller is a class
  const prefix = String(Reflect.getMetadata('path', controller));
  return Object.getOwnPropertyNames(prototype).flatMap((handler) => {
    const method = prototype[handler];
    const path: unknown =
      handler === 'constructor' || !method ? undefined : Reflect.getMetadata('path', method);
    if (!method || typeof path !== 'string') return [];
    const whole = `/${prefix}/${path}`.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
    const verb = RequestMethod[Number(Reflect.getMetadata('method', method))] ?? 'GET';
    return [
      {
        method: verb.toLowerCase(),
        path: whole.replace(/:(\w+)/g, '{$1}'),
        handler,
        description: descriptionOf(method) ?? HEALTH_ROUTES[whole],
      },
    ];
  });
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
